use std::sync::OnceLock;

use super::*;
use crate::builtin;
use crate::fixtures::{check_error, check_gradient, eval, file, load, numbers, patched, picture};

const NAN: [u8; 4] = f32::NAN.to_le_bytes();

/// torchvision's GoogLeNet with numbers made up.
fn weights() -> &'static [u8] {
    static FILE: OnceLock<Vec<u8>> = OnceLock::new();
    FILE.get_or_init(|| file(&googlenet::parameter_shapes()))
}

fn params(rest: &str) -> String {
    format!(r#"{{"weights": "googlenet.safetensors"{rest}}}"#)
}

fn features(rest: &str) -> Function {
    load::<InceptionFeatures>(&params(rest), &[("googlenet.safetensors", weights())]).0
}

#[test]
fn a_picture_becomes_the_chosen_layers() {
    let image = picture(2, 64, 48);
    let default = features("");
    let spec = default.spec();
    assert_eq!((spec.ty.as_str(), spec.name.as_str()), ("FEATURES", "googlenet"));
    assert_eq!((spec.outputs.len(), spec.outputs[0].name.as_str()), (1, "inception4c"));
    assert_eq!(spec.outputs[0].dims, [-1, 512, -1, -1]);
    assert_eq!(eval(&default, &image)[0].dims(), [2, 512, 4, 3]);
    check_gradient(&default, &image);
    let classes = features(r#", "layers": "conv2:0.5, logits""#);
    let y = eval(&classes, &image);
    assert_eq!((y[0].dims(), y[1].dims()), (&[2, 64, 16, 12][..], &[2, 1000, 1, 1][..]));
    assert_eq!(classes.spec().outputs[1].dims, [-1, 1000, 1, 1]);
    assert_eq!(default.tiles().map(|tiles| tiles.stride), Some(16));
    assert_eq!(classes.tiles(), None);
}

/// `half` sees `(x - 0.5) / 0.5`, which is what `imagenet` sees of another picture.
#[test]
fn the_input_is_normalised_as_asked() {
    let seen = |input: &str, image: &Tensor| {
        numbers(&eval(&features(&format!(r#", "layers": "conv1", "input": "{input}""#)), image)[0])
    };
    let image = picture(1, 16, 16);
    let [mean, std] = [Normalisation::IMAGENET.mean, Normalisation::IMAGENET.std]
        .map(|values| Tensor::new(&values, &Device::Cpu).unwrap());
    let other = image.affine(2.0, -1.0).unwrap().broadcast_mul(&std).unwrap().broadcast_add(&mean).unwrap();
    let half = seen("half", &image);
    assert_eq!(half, numbers(&eval(&features(r#", "layers": "conv1""#), &image)[0]), "the default");
    let farthest = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(farthest(&half, &seen("imagenet", &other)) < 1e-3);
    assert!(farthest(&half, &seen("imagenet", &image)) > 0.1);
    assert!(farthest(&half, &seen("caffe", &image)) > 0.1);
}

#[test]
fn mistakes_are_blamed_on_their_param() {
    let check = |rest: &str, bytes: &[u8], blamed, said: &str| {
        check_error::<InceptionFeatures>(&params(rest), &[("googlenet.safetensors", bytes)], blamed, said);
    };
    let other = "`googlenet.safetensors`: this is a SqueezeNet 1.1: SqueezeNetFeatures' `weights` takes it; needed is";
    check("", builtin::SQUEEZENET.bytes, "weights", other);
    let layer = "there is no layer `inception4f` (did you mean `inception4";
    check(r#", "layers": "inception4f""#, weights(), "layers", layer);
    let params = |layers: &str| Params { weights: "it".into(), layers: layers.into(), input: Input::Half };
    assert!(InceptionFeatures::check(&params("inception4f")).unwrap_err().to_string().starts_with(layer));
    assert!(InceptionFeatures::check(&params("conv1:2, logits")).is_ok());
}

/// Every layer pads enough for a single pixel.
#[test]
fn no_picture_is_too_small() {
    assert_eq!(eval(&features(""), &picture(1, 1, 3))[0].dims(), [1, 512, 1, 1]);
}

#[test]
fn weights_that_are_not_finite_are_noted() {
    let notes =
        |file: &[u8]| load::<InceptionFeatures>(&params(""), &[("googlenet.safetensors", file)]).1.notes;
    assert_eq!(notes(weights()), Vec::<String>::new());
    let notes = notes(&patched(weights(), "fc.bias", &[NAN]));
    assert_eq!(notes.len(), 1);
    assert!(notes[0].contains("`fc.bias` (1 of 1000)"), "{notes:?}");
}
