//! Tests with a network of the first StyleGAN.

use dreamwire_sdk::testing::{Value, in_call, run_node};

use super::*;
use crate::blend_networks::BlendNetworks;
use crate::mapping_network::MappingNetwork;
use crate::small::{self, Entry, WIDTH};
use crate::style_mix::StyleMix;
use crate::synthesis::Synthesis;

const CHANNELS: usize = 8;

/// A network of three blocks, the last of which is fused.
fn tensors() -> Vec<Entry> {
    let mut tensors = Vec::new();
    let mut add = |name: String, shape: &[usize], mean, deviation| {
        small::push(&mut tensors, 7, name, shape, mean, deviation);
    };
    for layer in [1, 3] {
        add(format!("style.{layer}.linear.weight_orig"), &[WIDTH, WIDTH], 0.0, 1.0);
        add(format!("style.{layer}.linear.bias"), &[WIDTH], 0.0, 0.1);
    }
    add("generator.progression.0.conv1.input".to_owned(), &[1, CHANNELS, 4, 4], 0.0, 1.0);
    for (index, first) in [(1, ["conv1.1.conv.weight_orig", "conv1.1.conv.bias", "conv1.2.weight"])]
        .into_iter()
        .chain([(2, ["conv1.0.weight", "conv1.0.bias", "conv1.1.weight"])])
    {
        let [weight, bias, blur] = first.map(|part| format!("generator.progression.{index}.{part}"));
        add(weight, &[CHANNELS, CHANNELS, 3, 3], 0.0, 1.0);
        add(bias, &[CHANNELS], 0.0, 0.1);
        // A box filter of 3 x 3 pixels.
        add(blur, &[CHANNELS, 1, 3, 3], 1.0 / 9.0, 0.0);
    }
    for index in 0..3 {
        let block = format!("generator.progression.{index}");
        add(format!("{block}.conv2.conv.weight_orig"), &[CHANNELS, CHANNELS, 3, 3], 0.0, 1.0);
        add(format!("{block}.conv2.conv.bias"), &[CHANNELS], 0.0, 0.1);
        for layer in [1, 2] {
            add(format!("{block}.noise{layer}.weight_orig"), &[1, CHANNELS, 1, 1], 0.0, 0.5);
            let style = format!("{block}.adain{layer}.style.linear");
            add(format!("{style}.weight_orig"), &[2 * CHANNELS, WIDTH], 0.0, 1.0);
            add(format!("{style}.bias"), &[2 * CHANNELS], 0.5, 0.5);
        }
        add(format!("generator.to_rgb.{index}.conv.weight_orig"), &[3, CHANNELS, 1, 1], 0.0, 0.2);
        add(format!("generator.to_rgb.{index}.conv.bias"), &[3], 0.0, 0.1);
    }
    tensors
}

/// LoadStyleGAN with these params, after `weights`, and this file.
fn load(params: &str, file: &[u8]) -> Result<(Function, Function)> {
    let params = format!(r#"{{"weights": "v1.safetensors"{params}}}"#);
    let ran = run_node::<LoadStyleGAN>(&params, &[], &[("v1.safetensors", file)])?;
    match &ran.outputs[..] {
        [Value::Function(mapping), Value::Function(generator)] => Ok((mapping.clone(), generator.clone())),
        _ => panic!("two functions were promised"),
    }
}

fn file() -> Vec<u8> {
    small::written(&tensors())
}

/// The picture of `w`.
fn picture(generator: &Function, w: &Tensor) -> Tensor {
    in_call(|_| Ok(generator.eval(&[w])?.swap_remove(0))).expect("it paints")
}

#[test]
fn specs_tell_all_sizes() {
    for (params, side, sides) in [("", 16, &[4, 8, 16][..]), (r#", "resolution": 8"#, 8, &[4, 8])] {
        let (mapping, generator) = load(params, &file()).expect("it loads");
        let layers = 2 * sides.len() as i64;
        assert_eq!(mapping.spec().outputs[0].dims, [-1, layers, WIDTH as i64]);
        let inputs: Vec<_> = generator.spec().inputs.iter().map(|spec| spec.dims.clone()).collect();
        assert_eq!(inputs[0], [-1, layers, WIDTH as i64]);
        assert!(inputs[1..].iter().zip(sides).all(|(dims, side)| dims[..] == [-1, 1, *side, *side]));
        assert_eq!(inputs.len(), 1 + sides.len());
        assert_eq!(generator.spec().outputs[0].dims, [-1, side, side, 3]);
        assert!(generator.peak().is_some_and(|peak| peak.outputs == (side * side * 3 * 4) as u64));
    }
}

/// Fixed planes are those of seed 0 in all tiles, too.
#[test]
fn it_paints_tiles() {
    let (_, generator) = load(r#", "tiles": "2x3""#, &file()).expect("it loads");
    let dims: Vec<_> = generator.spec().inputs[1..].iter().map(|spec| spec.dims.clone()).collect();
    assert_eq!(dims, [4, 8, 16].map(|side| vec![-1, 1, 3 * side, 2 * side]));
    assert_eq!(generator.spec().outputs[0].dims, [-1, 48, 32, 3]);
    let w = small::normal(3, &[1, 6, WIDTH]);
    let paint = |params: &str| {
        let inputs = [("generator", Value::Function(generator.clone())), ("w", Value::Tensor(w.clone()))];
        small::output::<Synthesis>(params, &inputs)
    };
    assert_eq!(paint("{}").dims(), [1, 48, 32, 3]);
    let random = paint(r#"{"noise_mode": "random", "noise_seed": 0}"#);
    assert_eq!(small::bits(&paint("{}")), small::bits(&random));
}

/// From a seed to a mixed picture, by the nodes that other families use.
#[test]
fn nodes_for_latents_take_it() {
    let (mapping, generator) = load("", &file()).expect("it loads");
    let z = Value::Tensor(small::normal(5, &[2, WIDTH]));
    let inputs = [("mapping", Value::Function(mapping)), ("z", z)];
    let w = small::output::<MappingNetwork>(r#"{"truncation_psi": 0.8}"#, &inputs);
    let row = |index| Value::Tensor(w.narrow(0, index, 1).unwrap());
    let mixed =
        small::output::<StyleMix>(r#"{"layers": "coarse"}"#, &[("rows", row(0)), ("columns", row(1))]);
    let paint = |params: &str| {
        let inputs = [("generator", Value::Function(generator.clone())), ("w", Value::Tensor(mixed.clone()))];
        small::output::<Synthesis>(params, &inputs)
    };
    let picture = paint("{}");
    assert_eq!(picture.dims(), [1, 16, 16, 3]);
    let random = |seed| paint(&format!(r#"{{"noise_mode": "random", "noise_seed": {seed}}}"#));
    assert_eq!(small::bits(&picture), small::bits(&random(0)), "the fixed planes are those of seed 0");
    assert!(small::difference(&picture, &random(1)) > 1e-3);
    assert!(small::difference(&picture, &paint(r#"{"noise_mode": "none"}"#)) > 1e-3);
}

#[test]
fn a_blend_is_between_two_resolutions() {
    let generator = |params| load(params, &file()).expect("it loads").1;
    let w = small::normal(3, &[1, 6, WIDTH]);
    let whole = picture(&generator(""), &w);
    let none = picture(&generator(r#", "blend": 0"#), &w);
    let coarse = picture(&generator(r#", "resolution": 8"#), &w.narrow(1, 0, 4).unwrap());
    assert!(small::difference(&none, &enlarged(&coarse)) < 1e-5);
    let expected = ((whole * 0.25).unwrap() + (none * 0.75).unwrap()).unwrap();
    assert!(small::difference(&picture(&generator(r#", "blend": 0.25"#), &w), &expected) < 1e-5);
}

/// Every pixel of `[1,h,w,c]` four times.
fn enlarged(picture: &Tensor) -> Tensor {
    let (n, h, w, c) = picture.dims4().unwrap();
    let rows = picture.reshape((h, 1, w, c)).unwrap();
    let tall = Tensor::cat(&[&rows, &rows], 1).unwrap().reshape((2 * h, w, 1, c)).unwrap();
    Tensor::cat(&[&tall, &tall], 2).unwrap().reshape((n, 2 * h, 2 * w, c)).unwrap()
}

#[test]
fn what_does_not_fit_is_refused() {
    let check = |params: &str, file: &[u8], blamed: &str, expected: &str| {
        let error = load(params, file).err().expect("refused");
        assert_eq!((error.input(), error.to_string().as_str()), (blamed, expected));
    };
    check(
        r#", "resolution": 32"#,
        &file(),
        "resolution",
        "`v1.safetensors`: this network paints at 4, 8, 16, .. 16 px, found 32",
    );
    check(r#", "blend": 1.5"#, &file(), "blend", "`v1.safetensors`: the blend must be 0 to 1, found 1.5");
    for (params, blamed, unset) in
        [(r#", "resolution": 16"#, "resolution", 0), (r#", "blend": 0.5"#, "blend", 1)]
    {
        let text = format!(
            "`v1.safetensors`: `{blamed}` is for the first StyleGAN alone, this is a StyleGAN2: use {unset}"
        );
        check(params, &small::file(0), blamed, &text);
    }
    let mut tensors = tensors();
    tensors.retain(|(name, _, _)| name != "generator.progression.2.conv1.0.bias");
    check(
        "",
        &small::written(&tensors),
        "weights",
        "`v1.safetensors`: these are not the weights of a generator of the first StyleGAN: \
         `generator.progression.2.conv1.0.bias` [8] is missing",
    );
    let refused = LoadStyleGAN::check(&Params { resolution: 24, ..Params::default() }).unwrap_err();
    assert_eq!(refused.input(), "resolution");
    let blend = run_node::<BlendNetworks>(r#"{"fine": "it"}"#, &[], &[("it", &file())]);
    let text = blend.err().expect("refused").to_string();
    assert!(
        text.starts_with("`it`: this is a StyleGAN (v1) generator: LoadStyleGAN's `weights` takes it"),
        "{text}"
    );
}
