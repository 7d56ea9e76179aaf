//! Tests with pictures of several tiles.

use dreamwire_sdk::testing::{Value, run_node};

use super::*;
use crate::project_image::ProjectImage;
use crate::small::{self, LAYERS, NOISE, WIDTH};
use crate::synthesis::Synthesis;

const SIDE: usize = 16;

/// The small network's functions, in that many tiles.
fn load(tiles: &str) -> (Function, Function) {
    let params = format!(r#"{{"weights": "it", "tiles": "{tiles}"}}"#);
    let ran = run_node::<LoadStyleGAN>(&params, &[], &[("it", &small::file(0))]).expect(tiles);
    match &ran.outputs[..] {
        [Value::Function(mapping), Value::Function(generator)] => (mapping.clone(), generator.clone()),
        _ => panic!("two functions were promised"),
    }
}

fn paint(generator: &Function, params: &str) -> Tensor {
    let w = Value::Tensor(small::normal(1, &[1, LAYERS, WIDTH]));
    small::output::<Synthesis>(params, &[("generator", Value::Function(generator.clone())), ("w", w)])
}

#[test]
fn specs_tell_all_sizes() {
    let (_, generator) = load("3x2");
    let spec = generator.spec();
    for (input, side) in spec.inputs[1..].iter().zip(NOISE) {
        assert_eq!(input.dims, [-1, 1, 2 * side as i64, 3 * side as i64]);
    }
    assert_eq!(spec.outputs[0].dims, [-1, 32, 48, 3]);
    let peak = |generator: Function| generator.peak().expect("it is known").outputs;
    assert_eq!(peak(generator), 6 * peak(load("1x1").1));
}

#[test]
fn one_tile_is_the_network() {
    let whole = paint(&small::load().1, "{}");
    assert_eq!(small::bits(&paint(&load("1x1").1, "{}")), small::bits(&whole));
}

/// Far from the borders tiles are copies, unless noise makes them differ.
#[test]
fn tiles_differ_by_noise_alone() {
    let (_, generator) = load("4x3");
    let apart = |params: &str| {
        let picture = paint(&generator, params);
        assert_eq!(picture.dims(), [1, 3 * SIDE, 4 * SIDE, 3]);
        let row = picture.narrow(1, SIDE, SIDE).unwrap();
        let [left, right] = [1, 2].map(|column| row.narrow(2, column * SIDE, SIDE).unwrap());
        small::difference(&left, &right)
    };
    // Planes in the weights are repeated.
    for mode in ["none", "const"] {
        let found = apart(&format!(r#"{{"noise_mode": "{mode}"}}"#));
        assert!(found < 1e-5, "{mode}: {found}");
    }
    let found = apart(r#"{"noise_mode": "random", "noise_seed": 3}"#);
    assert!(found > 1e-2, "random: {found}");
}

#[test]
fn a_wide_picture_is_projected() {
    let (mapping, generator) = load("2x1");
    let target = paint(&generator, "{}");
    let inputs = || {
        [
            ("mapping", Value::Function(mapping.clone())),
            ("generator", Value::Function(generator.clone())),
            ("image", Value::Tensor(target.clone())),
        ]
    };
    let found = |params: &str| {
        let ran = run_node::<ProjectImage>(params, &inputs(), &[]).expect(params);
        let picture = ran.outputs[1].tensor().clone();
        assert_eq!(picture.dims(), [1, SIDE, 2 * SIDE, 3]);
        let apart = (picture - &target).unwrap().sqr().unwrap().mean_all().unwrap();
        apart.to_scalar::<f32>().unwrap()
    };
    let before = found(r#"{"steps": 1, "samples": 100, "rate": 0}"#);
    let after = found(r#"{"steps": 40, "samples": 100, "rate": 0.05, "noise_regularisation": 1}"#);
    assert!(after < 0.9 * before, "{before} before, {after} after");
}

#[test]
fn what_is_no_number_of_tiles_is_refused_before_a_run() {
    for text in ["", "2", "x", "2x", "0x1", "1x9", "2x2x2", "-1x1", "1.5x1", "2*2", "99999999999999999999x1"]
    {
        let error = LoadStyleGAN::check(&Params { tiles: text.to_owned(), ..Params::default() }).unwrap_err();
        assert_eq!(error.input(), "tiles");
        let expected = format!(
            "`tiles` must be COLUMNSxROWS, each 1 to 8, found `{text}`; hint: `2x1` is twice as wide, `1x1` a \
             single picture"
        );
        assert_eq!(error.to_string(), expected);
    }
    assert!(LoadStyleGAN::check(&Params { tiles: "8x8".to_owned(), ..Params::default() }).is_ok());
}

#[test]
fn a_stylegan3_is_refused() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/ref/sg3/sg3r_32.safetensors");
    let file = std::fs::read(path).expect("it is in the repository");
    let load = |tiles: &str| {
        let params = format!(r#"{{"weights": "it", "tiles": "{tiles}"}}"#);
        run_node::<LoadStyleGAN>(&params, &[], &[("it", &file)])
    };
    assert!(load("1x1").is_ok());
    let error = load("2x1").err().expect("refused");
    assert_eq!(error.input(), "tiles");
    assert_eq!(
        error.to_string(),
        "`it`: `tiles` is for StyleGAN and StyleGAN2, this is a StyleGAN3, whose pictures are moved by \
         GeneratorTransform: use 1x1"
    );
}
