use dreamwire_nets::weights::Weights;

use super::*;
use crate::fixtures::{
    check_error, check_gradient, check_too_small, eval, features, file, load, numbers, picture,
};

#[test]
fn a_picture_becomes_the_chosen_layers() {
    let features = features::<VGGFeatures>(r#"{"layers": "relu3_1:0.5, pool1"}"#);
    let spec = features.spec();
    assert_eq!((spec.ty.as_str(), spec.name.as_str()), ("FEATURES", "vgg16"));
    assert_eq!(spec.outputs[0].name, "relu3_1");
    assert_eq!(spec.outputs[0].dims, [-1, 256, -1, -1]);
    assert_eq!(spec.outputs[0].semantic("weight"), Some("0.5"));
    assert_eq!(spec.outputs[0].semantic("padding"), Some("zeros"));
    let y = eval(&features, &picture(2, 16, 12));
    assert_eq!(y[0].dims(), [2, 256, 4, 3]);
    assert_eq!(y[1].dims(), [2, 64, 8, 6]);
}

#[test]
fn gradients_reach_the_picture() {
    check_gradient(&features::<VGGFeatures>("{}"), &picture(1, 16, 16));
}

#[test]
fn small_pictures_are_refused_with_the_size_it_takes() {
    let features = features::<VGGFeatures>(r#"{"layers": "pool4, relu1_1"}"#);
    check_too_small(
        &features,
        15,
        40,
        "a picture of 40x15 is too small for `pool4`, which needs at least 16x16",
    );
    check_too_small(&features, 15, 40, "choose an earlier layer in `layers`");
}

#[test]
fn deeper_layers_look_further() {
    let tiles = |layers: &str| features::<VGGFeatures>(&format!(r#"{{"layers": "{layers}"}}"#)).tiles();
    let (near, far) = (tiles("relu1_1").expect("local"), tiles("relu4_3, relu1_1").expect("local"));
    assert_eq!((near.stride, far.stride), (1, 8));
    // A position of relu4_3 sees 92 pixels: 42 on either side of its cell of 8.
    assert!(near.halo >= 1 && (42..=50).contains(&far.halo), "{near:?} {far:?}");
}

#[test]
fn mistakes_are_blamed_on_their_param() {
    let nearest = "there is no layer `relu43` (did you mean `relu4_3`?); the layers are conv1_1";
    check_error::<VGGFeatures>(r#"{"layers": "relu43"}"#, &[], "layers", nearest);
    let page: &[(&str, &[u8])] = &[("vgg.pth", b"<!doctype html>")];
    check_error::<VGGFeatures>(
        r#"{"weights": "vgg.pth"}"#,
        page,
        "weights",
        "`vgg.pth`: this is an HTML page",
    );
    let other: &[(&str, &[u8])] = &[("w.safetensors", builtin::SQUEEZENET.bytes)];
    let said =
        "`w.safetensors`: this is a SqueezeNet 1.1: SqueezeNetFeatures' `weights` takes it; needed is a VGG";
    check_error::<VGGFeatures>(r#"{"weights": "w.safetensors"}"#, other, "weights", said);
}

/// The names of the built-in network's layers are known, those of a file's are not.
#[test]
fn layers_are_judged_without_weights() {
    let check = |weights: &str, layers: &str| {
        let params = Params { weights: weights.into(), layers: layers.into(), ..Params::default() };
        VGGFeatures::check(&params)
    };
    assert!(VGGFeatures::check(&Params::default()).is_ok());
    let error = check("vgg16", "relu4_4").unwrap_err();
    assert_eq!(error.input(), "layers");
    assert!(error.to_string().starts_with("there is no layer `relu4_4` (did you mean `relu4_"), "{error}");
    assert!(check("vgg19.safetensors", "relu4_4, anything:2").is_ok());
    let error = check("vgg19.safetensors", "relu4_4:much").unwrap_err().to_string();
    assert_eq!(error, "the weight of `relu4_4` must be a number, found `much`");
}

/// Names and shapes of pytorch-AdaIN's encoder up to `relu4_1`.
fn encoder(prefix: &str) -> Vec<(String, Vec<usize>)> {
    let convolutions = [
        (0, 3, 3),
        (2, 64, 3),
        (5, 64, 64),
        (9, 128, 64),
        (12, 128, 128),
        (16, 256, 128),
        (19, 256, 256),
        (22, 256, 256),
        (25, 256, 256),
        (29, 512, 256),
    ];
    let tensors = |(key, outputs, inputs): (usize, usize, usize)| {
        let side = if key == 0 { 1 } else { 3 };
        [
            (format!("{prefix}{key}.weight"), vec![outputs, inputs, side, side]),
            (format!("{prefix}{key}.bias"), vec![outputs]),
        ]
    };
    convolutions.into_iter().flat_map(tensors).collect()
}

/// A file knows which network it is, and with that its layers.
#[test]
fn the_encoder_of_adain_is_recognised() {
    let plain = file(&encoder(""));
    let mut both = encoder("encoder.");
    both.push(("decoder.1.bias".to_owned(), vec![256]));
    let both = file(&both);
    let params = r#"{"weights": "w.safetensors", "layers": "relu4_1, conv1_1", "padding": "reflect"}"#;
    let image = picture(1, 24, 17);
    let outputs = |file: &[u8]| {
        let (features, ran) = load::<VGGFeatures>(params, &[("w.safetensors", file)]);
        assert_eq!(features.spec().name, "vgg_normalised");
        assert_eq!(features.spec().outputs[0].semantic("padding"), Some("reflect"));
        assert_eq!(ran.notes, Vec::<String>::new());
        let y = eval(&features, &image);
        // Its pools keep partial windows at the edge: 17 -> 9 -> 5 -> 3.
        assert_eq!((y[0].dims(), y[1].dims()), (&[1, 512, 3, 3][..], &[1, 64, 24, 17][..]));
        y
    };
    let (plain_y, both_y) = (outputs(&plain), outputs(&both));
    assert_eq!(numbers(&plain_y[0]), numbers(&both_y[0]));
    assert!(numbers(&plain_y[0]).iter().any(|value| *value > 0.0));
    let files: &[(&str, &[u8])] = &[("w.safetensors", &plain)];
    let deeper = r#"{"weights": "w.safetensors", "layers": "relu4_2"}"#;
    check_error::<VGGFeatures>(deeper, files, "layers", "there is no layer `relu4_2`");
}

/// A kept network must not outlive a change of its weights or settings.
#[test]
fn the_kept_network_follows_padding_and_content() {
    let mut kept = Kept::default();
    let image = picture(1, 8, 8);
    let mut edge = |padding| {
        let build = |read: Weights| vgg::extractor(read.tensors, padding, &Device::Cpu);
        let file = ("vgg16", builtin::VGG16.bytes);
        let network = network::network(&mut kept, file, padding, &Device::Cpu, &FAMILIES, build).unwrap();
        let features = Features::new(network, "conv1_1", padding).unwrap();
        numbers(&features.forward(std::slice::from_ref(&image)).unwrap()[0])
    };
    let (zeros, reflect) = (edge(PaddingMode::Zeros), edge(PaddingMode::Reflect));
    assert_ne!(zeros, reflect);
    assert_eq!(zeros, edge(PaddingMode::Zeros));
    let pointer = ("other", &b"version https://git-lfs.github.com/spec/v1"[..]);
    let build = |read: Weights| vgg::extractor(read.tensors, PaddingMode::Zeros, &Device::Cpu);
    let zeros = PaddingMode::Zeros;
    assert!(network::network(&mut kept, pointer, zeros, &Device::Cpu, &FAMILIES, build).is_err());
}
