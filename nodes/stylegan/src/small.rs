//! A network small enough for tests, and helpers around it.

use dreamwire_nets::stylegan::randn;
use dreamwire_sdk::prelude::*;
use dreamwire_sdk::testing::{Value, run_node};
use safetensors::tensor::{Dtype, TensorView};

use crate::load_stylegan::LoadStyleGAN;

/// Styles per picture: 16 pixels are three blocks.
pub(crate) const LAYERS: usize = 6;
/// Width of a latent, `z` as well as `w`.
pub(crate) const WIDTH: usize = 16;
/// Sides of the noise planes.
pub(crate) const NOISE: [usize; 5] = [4, 8, 8, 16, 16];
const CHANNELS: usize = 8;

/// Name, shape and data of a tensor.
pub(crate) type Entry = (String, Vec<usize>, Vec<u8>);

/// Adds a tensor whose values are `mean + deviation * x`, x standard normal.
pub(crate) fn push(
    tensors: &mut Vec<Entry>,
    seed: u32,
    name: String,
    shape: &[usize],
    mean: f64,
    deviation: f64,
) {
    let count = shape.iter().product();
    // Every tensor has its own numbers.
    let numbers = randn(1000 * seed + tensors.len() as u32, count);
    let data = numbers.into_iter().flat_map(|x| ((mean + deviation * x) as f32).to_le_bytes()).collect();
    tensors.push((name, shape.to_vec(), data));
}

fn tensors(seed: u32) -> Vec<Entry> {
    let mut tensors = Vec::new();
    let mut add = |name: String, shape: &[usize], mean, deviation| {
        push(&mut tensors, seed, name, shape, mean, deviation);
    };
    for layer in ["mapping.fc0", "mapping.fc1"] {
        // The network multiplies these by its learning rate of 0.01.
        add(format!("{layer}.weight"), &[WIDTH, WIDTH], 0.0, 100.0);
        add(format!("{layer}.bias"), &[WIDTH], 0.0, 10.0);
    }
    add("mapping.w_avg".to_owned(), &[WIDTH], 0.0, 0.2);
    add("synthesis.b4.const".to_owned(), &[CHANNELS, 4, 4], 0.0, 1.0);
    for side in [4, 8, 16] {
        let block = format!("synthesis.b{side}");
        let layers: &[&str] = if side == 4 { &["conv1"] } else { &["conv0", "conv1"] };
        for layer in layers {
            let layer = format!("{block}.{layer}");
            add(format!("{layer}.weight"), &[CHANNELS, CHANNELS, 3, 3], 0.0, 1.0);
            add(format!("{layer}.bias"), &[CHANNELS], 0.0, 0.1);
            add(format!("{layer}.affine.weight"), &[CHANNELS, WIDTH], 0.0, 1.0);
            add(format!("{layer}.affine.bias"), &[CHANNELS], 1.0, 0.0);
            add(format!("{layer}.noise_strength"), &[], 0.3, 0.0);
            add(format!("{layer}.noise_const"), &[side, side], 0.0, 1.0);
        }
        if side > 4 {
            // A box filter of 4 x 4 pixels.
            add(format!("{block}.resample_filter"), &[4, 4], 1.0 / 16.0, 0.0);
            add(format!("{block}.conv0.resample_filter"), &[4, 4], 1.0 / 16.0, 0.0);
        }
        add(format!("{block}.torgb.weight"), &[3, CHANNELS, 1, 1], 0.0, 0.2);
        add(format!("{block}.torgb.bias"), &[3], 0.0, 0.1);
        add(format!("{block}.torgb.affine.weight"), &[CHANNELS, WIDTH], 0.0, 1.0);
        add(format!("{block}.torgb.affine.bias"), &[CHANNELS], 1.0, 0.0);
    }
    tensors
}

pub(crate) fn written(tensors: &[Entry]) -> Vec<u8> {
    let views = tensors.iter().map(|(name, shape, data)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), data).expect("as many bytes as the shape says");
        (name.as_str(), view)
    });
    safetensors::serialize(views, None).expect("names are unique")
}

/// The network as a safetensors file.
pub(crate) fn file(seed: u32) -> Vec<u8> {
    written(&tensors(seed))
}

/// The network with that many classes, which are embedded in as many numbers as a latent has.
pub(crate) fn file_with_classes(classes: usize) -> Vec<u8> {
    let mut tensors = tensors(0);
    tensors.retain(|(name, _, _)| name != "mapping.fc0.weight");
    push(&mut tensors, 1, "mapping.fc0.weight".to_owned(), &[WIDTH, 2 * WIDTH], 0.0, 70.0);
    push(&mut tensors, 1, "mapping.embed.weight".to_owned(), &[WIDTH, classes], 0.0, 1.0);
    push(&mut tensors, 1, "mapping.embed.bias".to_owned(), &[WIDTH], 0.0, 0.1);
    written(&tensors)
}

/// The network without one of its tensors.
pub(crate) fn file_without(name: &str) -> Vec<u8> {
    let mut tensors = tensors(0);
    let count = tensors.len();
    tensors.retain(|(other, _, _)| other != name);
    assert_eq!(tensors.len() + 1, count, "{name} is a tensor of the network");
    written(&tensors)
}

/// A discriminator of pictures `[B,16,16,3]` as a safetensors file, with that many classes or none.
pub(crate) fn discriminator(classes: usize) -> Vec<u8> {
    let mut tensors = Vec::new();
    let mut add = |name: &str, shape: &[usize], mean, deviation| {
        push(&mut tensors, 7, name.to_owned(), shape, mean, deviation);
    };
    let mut layer = |name: &str, weight: &[usize]| {
        add(&format!("{name}.weight"), weight, 0.0, 1.0);
        add(&format!("{name}.bias"), &weight[..1], 0.0, 0.1);
    };
    layer("b16.fromrgb", &[CHANNELS, 3, 1, 1]);
    for block in ["b16", "b8"] {
        layer(&format!("{block}.conv0"), &[CHANNELS, CHANNELS, 3, 3]);
        layer(&format!("{block}.conv1"), &[CHANNELS, CHANNELS, 3, 3]);
    }
    layer("b4.conv", &[CHANNELS, CHANNELS + 1, 3, 3]);
    layer("b4.fc", &[CHANNELS, 16 * CHANNELS]);
    layer("b4.out", &[if classes > 0 { CHANNELS } else { 1 }, CHANNELS]);
    if classes > 0 {
        layer("mapping.embed", &[CHANNELS, classes]);
    }
    for block in ["b16", "b8"] {
        add(&format!("{block}.skip.weight"), &[CHANNELS, CHANNELS, 1, 1], 0.0, 1.0);
        for part in ["conv1", "skip"] {
            add(&format!("{block}.{part}.resample_filter"), &[4, 4], 1.0 / 16.0, 0.0);
        }
    }
    if classes > 0 {
        // The network multiplies these by its learning rate of 0.01.
        add("mapping.fc0.weight", &[CHANNELS, CHANNELS], 0.0, 100.0);
        add("mapping.fc0.bias", &[CHANNELS], 0.0, 10.0);
    }
    written(&tensors)
}

/// The network's MAPPING and GENERATOR.
pub(crate) fn load() -> (Function, Function) {
    load_file(&file(0))
}

/// MAPPING and GENERATOR of a file.
pub(crate) fn load_file(file: &[u8]) -> (Function, Function) {
    let files: &[(&str, &[u8])] = &[("small.safetensors", file)];
    let mut ran =
        run_node::<LoadStyleGAN>(r#"{"weights": "small.safetensors"}"#, &[], files).expect("it loads");
    match (ran.outputs.pop(), ran.outputs.pop()) {
        (Some(Value::Function(generator)), Some(Value::Function(mapping))) => (mapping, generator),
        _ => panic!("two functions were promised"),
    }
}

/// Standard normal numbers.
pub(crate) fn normal(seed: u32, shape: &[usize]) -> Tensor {
    let numbers: Vec<f32> = randn(seed, shape.iter().product()).into_iter().map(|x| x as f32).collect();
    Tensor::from_vec(numbers, shape, &Device::Cpu).expect("as many numbers as the shape says")
}

/// The exact values of a float32 tensor.
pub(crate) fn bits(tensor: &Tensor) -> Vec<u32> {
    let values = tensor.flatten_all().and_then(|flat| flat.to_vec1::<f32>()).expect("f32");
    values.into_iter().map(f32::to_bits).collect()
}

/// The largest difference between two float32 tensors.
#[track_caller]
pub(crate) fn difference(a: &Tensor, b: &Tensor) -> f32 {
    assert_eq!(a.dims(), b.dims());
    (a - b).and_then(|d| d.abs()?.max_all()?.to_scalar()).expect("f32")
}

/// The first output of a node, a tensor.
#[track_caller]
pub(crate) fn output<N: Node>(params: &str, inputs: &[(&str, Value)]) -> Tensor {
    run_node::<N>(params, inputs, &[]).expect(params).outputs[0].tensor().clone()
}

#[track_caller]
pub(crate) fn check_error<N: Node>(params: &str, inputs: &[(&str, Value)], blamed: &str, expected: &str) {
    let error = run_node::<N>(params, inputs, &[]).err().expect("refused");
    assert_eq!(error.to_string(), expected);
    assert_eq!(error.input(), blamed);
}
