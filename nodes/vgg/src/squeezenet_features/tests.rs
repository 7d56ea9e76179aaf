use super::*;
use crate::fixtures::{check_error, check_gradient, check_too_small, eval, features, load, patched, picture};

/// Half-precision bits, little end first.
const NAN: [u8; 2] = [0x00, 0x7e];
const INFINITY: [u8; 2] = [0x00, 0x7c];

#[test]
fn layers_and_classes_of_a_picture() {
    let features = features::<SqueezeNetFeatures>(r#"{"layers": "fire6:2, logits"}"#);
    let spec = features.spec();
    assert_eq!((spec.ty.as_str(), spec.name.as_str()), ("FEATURES", "squeezenet1_1"));
    assert_eq!((spec.outputs[0].name.as_str(), spec.outputs[1].name.as_str()), ("fire6", "logits"));
    assert_eq!(
        (&spec.outputs[0].dims[..], &spec.outputs[1].dims[..]),
        (&[-1, 384, -1, -1][..], &[-1, 1000, 1, 1][..])
    );
    assert_eq!(spec.outputs[0].semantic("weight"), Some("2"));
    let y = eval(&features, &picture(2, 64, 48));
    // 64 x 48 -> 31 x 23 -> 15 x 11 -> 7 x 5 -> 3 x 2
    assert_eq!((y[0].dims(), y[1].dims()), (&[2, 384, 3, 2][..], &[2, 1000, 1, 1][..]));
    check_gradient(&features, &picture(2, 40, 40));
}

#[test]
fn layers_are_local_and_classes_are_not() {
    let tiles =
        |layers: &str| features::<SqueezeNetFeatures>(&format!(r#"{{"layers": "{layers}"}}"#)).tiles();
    let (near, far) = (tiles("fire2").expect("local"), tiles("fire2, fire6").expect("local"));
    assert_eq!((near.stride, far.stride), (4, 16));
    assert!(0 < near.halo && near.halo < far.halo, "{near:?} {far:?}");
    assert_eq!(far.reduction, TileReduction::Mean);
    assert_eq!(tiles("fire6, logits"), None);
}

#[test]
fn small_pictures_are_refused_with_the_size_it_takes() {
    let features = features::<SqueezeNetFeatures>(r#"{"layers": "fire9, relu1"}"#);
    check_too_small(&features, 40, 2, "a picture of 2x40 is too small for `fire9`, which needs at least 3x3");
}

#[test]
fn mistakes_are_blamed_on_their_param() {
    let layers = "there is no layer `fire1` (did you mean `fire";
    check_error::<SqueezeNetFeatures>(r#"{"layers": "fire1"}"#, &[], "layers", layers);
    // No file is read for that.
    let params = Params { weights: "w.safetensors".into(), layers: "fire1".into() };
    assert!(SqueezeNetFeatures::check(&params).unwrap_err().to_string().starts_with(layers));
    assert!(SqueezeNetFeatures::check(&Params::default()).is_ok());
    let vgg: &[(&str, &[u8])] = &[("w.safetensors", builtin::VGG16.bytes)];
    let said = "`w.safetensors`: this is a VGG: VGGFeatures' `weights` takes it; needed is a SqueezeNet 1.1";
    check_error::<SqueezeNetFeatures>(r#"{"weights": "w.safetensors"}"#, vgg, "weights", said);
}

/// One scan, when the weights are read.
#[test]
fn weights_that_are_not_finite_are_noted() {
    let params = r#"{"weights": "w.safetensors", "layers": "relu1"}"#;
    let notes = |bits: &[[u8; 2]]| {
        let file = patched(builtin::SQUEEZENET.bytes, "features.0.bias", bits);
        load::<SqueezeNetFeatures>(params, &[("w.safetensors", &file)]).1.notes
    };
    assert_eq!(notes(&[]), Vec::<String>::new());
    let said = "`w.safetensors` contains NaN or infinity, which will spread to the features: \
                `features.0.bias` (2 of 64)";
    assert_eq!(notes(&[NAN, INFINITY]), [said]);
    assert_eq!(load::<SqueezeNetFeatures>("{}", &[]).1.notes, Vec::<String>::new());
}
