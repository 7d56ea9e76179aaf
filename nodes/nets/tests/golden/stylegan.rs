use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::LazyLock;

use candle_core::{DType, Tensor, Var};
use dreamwire_nets::stylegan::{StyleGan, Synthesis, mix, random_tensors, truncate};
use dreamwire_nets::weights;

use crate::reference::{Reference, device, options};
use crate::tolerance::Tolerance;

/// stylegan2-ada-pytorch with seeded random weights: z and w of 64, 64 pixels, up to 64 channels.
static NETWORK: LazyLock<StyleGan> = LazyLock::new(|| network(Some(256.0)));
static OUTPUTS: LazyLock<Reference> = LazyLock::new(|| Reference::read("sg2/sg2_64_outputs"));

fn network(clamp: Option<f64>) -> StyleGan {
    StyleGan::new(tensors("sg2/sg2_64_tensors"), clamp, options(DType::F32)).unwrap()
}

pub(crate) fn tensors(name: &str) -> HashMap<String, Tensor> {
    weights::read_all(&reference_file(&format!("{name}.safetensors"))).unwrap()
}

pub(crate) fn reference_file(name: &str) -> Vec<u8> {
    std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/ref").join(name)).unwrap()
}

/// A reference picture or map, channels last.
fn expected(name: &str) -> Tensor {
    OUTPUTS.tensor(name).permute((0, 2, 3, 1)).unwrap().contiguous().unwrap()
}

/// The first images of a batch, and the first channels of a map: as many as the reference has.
fn corner(x: &Tensor, like: &Tensor) -> Tensor {
    let (images, _, _, channels) = like.dims4().unwrap();
    x.narrow(0, 0, images).unwrap().narrow(3, 0, channels).unwrap()
}

/// The styles of the seeds 0, 1, 85 and 265.
fn styles(psi: f64, cutoff: usize) -> Tensor {
    let w = NETWORK.mapping.forward(OUTPUTS.tensor("z")).unwrap();
    truncate(&w, NETWORK.mapping.average(), psi, cutoff).unwrap()
}

fn first(x: &Tensor, count: usize) -> Tensor {
    x.narrow(0, 0, count).unwrap()
}

fn image(x: &Tensor, index: usize) -> Tensor {
    x.narrow(0, index, 1).unwrap()
}

#[test]
fn sizes() {
    let StyleGan { mapping, synthesis } = &*NETWORK;
    assert_eq!((mapping.z_width(), mapping.w_width(), mapping.layers()), (64, 64, 10));
    assert_eq!((synthesis.resolution(), synthesis.channels()), (64, 3));
    assert_eq!((synthesis.w_width(), synthesis.layers()), (64, 10));
    assert_eq!(synthesis.noise_sizes(), [4, 8, 8, 16, 16, 32, 32, 64, 64]);
}

#[test]
fn mapping_and_truncation() {
    let w = NETWORK.mapping.forward(OUTPUTS.tensor("z")).unwrap();
    assert_eq!(w.dims(), [4, 10, 64]);
    for layer in 0..10 {
        let found = w.narrow(1, layer, 1).unwrap().squeeze(1).unwrap();
        Tolerance::Close.check("w", &found, OUTPUTS.tensor("ws_psi1"));
    }
    Tolerance::Close.check("psi 0.7", &styles(0.7, 10), OUTPUTS.tensor("ws_psi07"));
    Tolerance::Close.check("psi 0.5, 4 layers", &styles(0.5, 4), OUTPUTS.tensor("ws_psi05_cutoff4"));
    let stored = &tensors("sg2/sg2_64_tensors")["G_ema.mapping.w_avg"];
    Tolerance::Exact.check("the average", NETWORK.mapping.average(), stored);
}

#[test]
fn every_block() {
    let mut seen = Vec::new();
    let pictures = NETWORK.synthesis.forward_with(&styles(0.7, 10), &[], |resolution, x, picture| {
        let picture = picture.expect("every block of this architecture has one");
        let reference = expected(&format!("b{resolution}.x0"));
        Tolerance::Close.check(&format!("activations at {resolution}"), &corner(x, &reference), &reference);
        let reference = expected(&format!("layer0.b{resolution}.conv1"));
        Tolerance::Close.check(&format!("conv1 at {resolution}"), &corner(x, &reference), &reference);
        let reference = expected(&format!("b{resolution}.img"));
        Tolerance::Close.check(&format!("picture at {resolution}"), &corner(picture, &reference), &reference);
        seen.push(resolution);
    });
    assert_eq!(seen, [4, 8, 16, 32, 64]);
    Tolerance::Close.check("pictures", &pictures.unwrap(), &expected("img_psi07_const"));
}

#[test]
fn pictures() {
    let check = |what: &str, w: Tensor, noise: &[Tensor]| {
        let found = NETWORK.synthesis.forward(&w, noise).unwrap();
        Tolerance::Close.check(what, &found, &expected(what));
    };
    check("img_psi1_const", first(&styles(1.0, 10), 2), &[]);
    check("img_psi05_cutoff4", first(&styles(0.5, 4), 2), &[]);
    let silence = planes(&NETWORK.synthesis, 1, |_| 0.0);
    check("img_psi07_nonoise", first(&styles(0.7, 10), 2), &silence);
    let w = styles(0.7, 10);
    // Pose and shape of seed 265, colours of seed 85.
    let mixed = mix(&image(&w, 2), &image(&w, 3), &[0, 1, 2, 3]).unwrap();
    check("mix_85_265_styles0_3", mixed, &[]);
}

/// As NVIDIA's program writes them to a file: `clamp(floor(127.5 x + 128))`.
#[test]
fn bytes_of_pictures() {
    let found = NETWORK.synthesis.forward(&styles(0.7, 10), &[]).unwrap();
    let levels = found.affine(127.5, 128.0).unwrap().floor().unwrap().clamp(0f32, 255f32).unwrap();
    let difference = (levels - OUTPUTS.tensor("img_u8").to_dtype(DType::F32).unwrap()).unwrap();
    let difference: Vec<f32> = difference.flatten_all().unwrap().to_vec1().unwrap();
    assert!(difference.iter().all(|levels| levels.abs() <= 1.0));
    // Where a value is almost a whole level.
    let moved = difference.iter().filter(|levels| **levels != 0.0).count();
    assert!(moved * 1000 < difference.len(), "{moved} of {}", difference.len());
}

/// One plane per layer, of `images` images; `value` is given the position in the plane.
fn planes(synthesis: &Synthesis, images: usize, value: impl Fn(usize) -> f32) -> Vec<Tensor> {
    let plane = |size: usize| {
        let values: Vec<f32> = (0..images * size * size).map(&value).collect();
        Tensor::from_vec(values, (images, 1, size, size), &device()).unwrap()
    };
    synthesis.noise_sizes().into_iter().map(plane).collect()
}

#[test]
fn planes_stand_in_for_the_stored_noise() {
    let stored = tensors("sg2/sg2_64_tensors");
    let plane = |(index, size): (usize, usize)| {
        let layer = if index % 2 == 0 { "conv1" } else { "conv0" };
        let name = format!("G_ema.synthesis.b{size}.{layer}.noise_const");
        stored[&name].reshape((1, 1, size, size)).unwrap()
    };
    let planes: Vec<Tensor> = NETWORK.synthesis.noise_sizes().into_iter().enumerate().map(plane).collect();
    let w = styles(0.7, 10);
    let own = NETWORK.synthesis.forward(&w, &[]).unwrap();
    Tolerance::Exact.check("given", &NETWORK.synthesis.forward(&w, &planes).unwrap(), &own);
    // One plane per image.
    let each: Vec<Tensor> = planes.iter().map(|plane| plane.repeat((4, 1, 1, 1)).unwrap()).collect();
    Tolerance::Exact.check("given four times", &NETWORK.synthesis.forward(&w, &each).unwrap(), &own);
}

#[test]
fn clamping_cuts_activations() {
    let largest = |x: &Tensor| x.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
    let clamped = network(Some(0.5));
    let mut reached = 0.0f32;
    let picture =
        clamped.synthesis.forward_with(&styles(1.0, 10), &[], |_, x, _| reached = reached.max(largest(x)));
    assert_eq!(reached, 0.5);
    // Five blocks of at most the clamp each, upsampled by filters without overshoot.
    assert!(largest(&picture.unwrap()) < 5.0 * 0.5 * 1.001);
    let free = network(None).synthesis.forward(&styles(1.0, 10), &[]).unwrap();
    let usual = NETWORK.synthesis.forward(&styles(1.0, 10), &[]).unwrap();
    Tolerance::Exact.check("256 is out of reach", &free, &usual);
}

/// Grey pictures, no noise, and filters of three taps: `use_noise=False`, `resample_filter=[1,2,1]`.
#[test]
fn a_grey_network_without_noise() {
    let reference = Reference::read("sg2/sg2_16_gray");
    let network = StyleGan::new(tensors("sg2/sg2_16_gray"), Some(256.0), options(DType::F32)).unwrap();
    assert_eq!((network.synthesis.resolution(), network.synthesis.channels()), (16, 1));
    assert!(network.synthesis.noise_sizes().is_empty());
    let w = network.mapping.forward(reference.tensor("z")).unwrap();
    let found = network.synthesis.forward(&w, &[]).unwrap();
    Tolerance::Close.check("picture", &found, &reference.tensor("img").permute((0, 2, 3, 1)).unwrap());
}

/// The gradient of a weighted sum of the result, with respect to `x`.
fn gradient(forward: impl Fn(&Tensor) -> Tensor, x: &Tensor) -> (Tensor, Tensor) {
    let x = Var::from_tensor(&x.contiguous().unwrap()).unwrap();
    let result = forward(&x);
    let count = result.elem_count() / result.dims()[0];
    let weights: Vec<f32> = (0..count).map(|index| (index % 7) as f32 - 2.5).collect();
    let weights = Tensor::from_vec(weights, &result.dims()[1..], &device()).unwrap();
    let gradients = result.broadcast_mul(&weights).unwrap().sum_all().unwrap().backward().unwrap();
    (result.detach(), gradients.get(&x).unwrap().clone())
}

/// A batch of three images equals three single images, bit for bit.
#[test]
fn images_of_a_batch_are_independent() {
    let check = |what: &str, forward: &dyn Fn(&Tensor) -> Tensor, x: &Tensor| {
        let (together, gradients) = gradient(forward, x);
        for index in 0..x.dims()[0] {
            let (alone, gradient) = gradient(forward, &image(x, index));
            Tolerance::Exact.check(&format!("{what} {index}"), &image(&together, index), &alone);
            Tolerance::Exact.check(
                &format!("gradient of {what} {index}"),
                &image(&gradients, index),
                &gradient,
            );
        }
    };
    let z = first(OUTPUTS.tensor("z"), 3);
    check("mapping", &|z| NETWORK.mapping.forward(z).unwrap(), &z);
    let w = first(&styles(1.0, 10), 3);
    check("synthesis", &|w| NETWORK.synthesis.forward(w, &[]).unwrap(), &w);
}

/// The random networks are NVIDIA's "config-f" in every name and shape.
#[test]
fn random_networks_have_the_released_sizes() {
    let facts: serde_json::Value = serde_json::from_slice(&reference_file("sg2/config_sizes.json")).unwrap();
    for resolution in [256, 512, 1024] {
        let names = facts[format!("stylegan2 config-f G {resolution}")]["names"].clone();
        let names: HashMap<String, Vec<usize>> = serde_json::from_value(names).unwrap();
        let tensors = random_tensors(0, resolution).unwrap();
        let found = tensors.into_iter().map(|(name, tensor)| (name, tensor.dims().to_vec()));
        assert_eq!(found.collect::<HashMap<_, _>>(), names, "{resolution}");
    }
}
