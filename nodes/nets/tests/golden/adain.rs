use std::collections::HashMap;
use std::sync::LazyLock;

use candle_core::{DType, Tensor, Var};
use dreamwire_nets::PaddingMode;
use dreamwire_nets::adain::{Decoder, adain, channel_statistics, coral, transfer};
use dreamwire_nets::extractor::{Extractor, Layer};
use dreamwire_nets::objective::{Reduction, l2_distance, statistics_distance};
use dreamwire_nets::vgg;

use crate::portable;
use crate::reference::{Reference, device, picture, sample};
use crate::tolerance::Tolerance;

/// pytorch-AdaIN with portable weights, named `vgg.N.*` and `decoder.N.*`; the pictures are astronaut (content), coffee
/// and chelsea (styles).
static REFERENCE: LazyLock<Reference> = LazyLock::new(|| Reference::read("adain/adain"));
/// The reference was computed in f32. Ours is computed in f64, so the difference is the reference's rounding.
static ENCODER: LazyLock<Extractor> = LazyLock::new(|| encoder(DType::F64));
static DECODER: LazyLock<Decoder> =
    LazyLock::new(|| Decoder::new(parameters("decoder", DType::F64), &device()).unwrap());
static CONTENT: LazyLock<Tensor> = LazyLock::new(|| encode(&photograph("astronaut")));
static STYLE: LazyLock<Tensor> = LazyLock::new(|| encode(&photograph("coffee")));

/// The weights of `vgg` up to `relu4_1`, or of `decoder`.
fn parameters(network: &str, dtype: DType) -> HashMap<String, Tensor> {
    let names = REFERENCE.facts["names"][network].clone();
    let names: HashMap<String, Vec<usize>> = serde_json::from_value(names).unwrap();
    let below_relu4_1 = |name: &str| name.split('.').next().unwrap().parse::<usize>().unwrap() < 31;
    let tensor = |(name, shape): (String, Vec<usize>)| {
        let tensor = portable::tensor(&format!("{network}.{name}"), &shape).to_dtype(dtype).unwrap();
        (name, tensor)
    };
    names.into_iter().filter(|(name, _)| below_relu4_1(name)).map(tensor).collect()
}

fn encoder(dtype: DType) -> Extractor {
    vgg::extractor(parameters("vgg", dtype), PaddingMode::Reflect, &device()).unwrap()
}

/// A photograph in f64.
fn photograph(name: &str) -> Tensor {
    picture(name).to_dtype(DType::F64).unwrap()
}

fn layers(names: &[&str]) -> Vec<Layer> {
    names.iter().map(|name| ENCODER.layer(name).unwrap().clone()).collect()
}

/// `relu4_1` of a picture.
fn encode(picture: &Tensor) -> Tensor {
    ENCODER.features(picture, &layers(&["relu4_1"])).unwrap().swap_remove(0)
}

/// A reference picture, channels last.
fn expected(name: &str) -> Tensor {
    REFERENCE.tensor(name).permute((0, 2, 3, 1)).unwrap().contiguous().unwrap()
}

/// pytorch-AdaIN's `adaptive_instance_normalization` on odd shapes.
#[test]
fn the_operation() {
    let (content, style) = (REFERENCE.tensor("adain.content"), REFERENCE.tensor("adain.style"));
    let found = adain(content, style).unwrap();
    Tolerance::Close.check("adain", &found, REFERENCE.tensor("adain.out"));
    let (mean, std) = channel_statistics(content).unwrap();
    Tolerance::Close.check("mean", &mean, REFERENCE.tensor("adain.mean"));
    Tolerance::Close.check("std", &std, REFERENCE.tensor("adain.std"));
}

#[test]
fn one_style_serves_a_batch() {
    let (content, style) = (REFERENCE.tensor("adain.content"), REFERENCE.tensor("adain.style"));
    let first = style.narrow(0, 0, 1).unwrap();
    let found = adain(content, &first).unwrap();
    let twice = Tensor::cat(&[&first, &first], 0).unwrap();
    Tolerance::Exact.check("broadcast", &found, &adain(content, &twice).unwrap());
    let error = adain(&first, content).unwrap_err().to_string();
    assert!(error.contains("style features [2, 8, ..] do not match content features [1, 8, ..]"), "{error}");
    let pixel = content.narrow(2, 0, 1).unwrap().narrow(3, 0, 1).unwrap();
    assert!(adain(&pixel, style).unwrap_err().to_string().contains("they need at least 2 positions"));
}

#[test]
fn features() {
    assert_eq!(ENCODER.name(), DECODER.encoder());
    let check = |name: &str, found: &Tensor| {
        let found = sample(&found.to_dtype(DType::F32).unwrap(), 24, 4096);
        Tolerance::Close.check(name, &found, REFERENCE.tensor(name));
    };
    check("relu4_1.content.sample", &CONTENT);
    check("relu4_1.style.sample", &STYLE);
    check("relu4_1.adain.sample", &adain(&CONTENT, &STYLE).unwrap());
}

#[test]
fn pictures() {
    let check = |name: &str, styles: &[(Tensor, f64)], alpha| {
        let found = DECODER.decode(&transfer(&CONTENT, styles, alpha).unwrap()).unwrap();
        Tolerance::Close.check(name, &found, &expected(name));
    };
    let one = [(STYLE.clone(), 1.0)];
    check("out.alpha1.0", &one, 1.0);
    check("out.alpha0.5", &one, 0.5);
    check("out.alpha0.0", &one, 0.0);
    let other = encode(&photograph("chelsea"));
    check("out.interp_0.3_0.7_alpha0.8", &[(STYLE.clone(), 0.3), (other, 0.7)], 0.8);
}

/// Crops of both pictures whose features cover more than the picture: pytorch-AdaIN does not crop the result.
#[test]
fn odd_sizes() {
    let part =
        |name, height, width| photograph(name).narrow(1, 0, height).unwrap().narrow(2, 0, width).unwrap();
    let (content, style) = (part("astronaut", 75, 101), part("coffee", 61, 90));
    let target = adain(&encode(&content), &encode(&style)).unwrap();
    assert_eq!(target.dims(), [1, 512, 10, 13]);
    let found = DECODER.decode(&target).unwrap();
    assert_eq!(found.dims(), [1, 80, 104, 3]);
    Tolerance::Close.check("picture", &found, &expected("out.odd_size_75x101"));
}

#[test]
fn the_content_s_colours() {
    let reference = REFERENCE.tensor("coral.style_to_content").unsqueeze(0).unwrap();
    let reference = reference.permute((0, 2, 3, 1)).unwrap().contiguous().unwrap();
    let found = coral(&photograph("coffee"), &photograph("astronaut")).unwrap();
    Tolerance::Close.check("recoloured style", &found, &reference);
    // From the reference's own style, because the network amplifies the difference.
    let style = encode(&reference.to_dtype(DType::F64).unwrap());
    let found = DECODER.decode(&adain(&CONTENT, &style).unwrap()).unwrap();
    Tolerance::Close.check("picture", &found, &expected("out.preserve_color"));
}

/// In f32, as it is used, and as torchvision's `save_image` writes it: `clamp(floor(255 x + 0.5))`.
#[test]
fn bytes_of_a_picture() {
    let (encoder, layers) = (encoder(DType::F32), layers(&["relu4_1"]));
    let encode = |name| encoder.features(&picture(name), &layers).unwrap().swap_remove(0);
    let target = adain(&encode("astronaut"), &encode("coffee")).unwrap();
    let found = Decoder::new(parameters("decoder", DType::F32), &device()).unwrap().decode(&target).unwrap();
    let levels = found.affine(255.0, 0.5).unwrap().floor().unwrap().clamp(0f32, 255f32).unwrap();
    let reference = REFERENCE.tensor("out.alpha1.0.u8").to_dtype(DType::F32).unwrap();
    let difference: Vec<f32> = (levels - reference).unwrap().flatten_all().unwrap().to_vec1().unwrap();
    assert!(difference.iter().all(|levels| levels.abs() <= 1.0));
    // Where a value is almost halfway between two levels.
    let moved = difference.iter().filter(|levels| **levels != 0.0).count();
    assert!(moved * 200 < difference.len(), "{moved} of {}", difference.len());
}

/// pytorch-AdaIN's training loss, for the decoder's output.
fn losses(target: &Tensor, picture: &Tensor) -> [Tensor; 2] {
    let names = layers(&["relu1_1", "relu2_1", "relu3_1", "relu4_1"]);
    let generated = ENCODER.features(picture, &names).unwrap();
    let style = ENCODER.features(&photograph("coffee"), &names).unwrap();
    let statistics: Vec<_> = style.iter().map(|layer| channel_statistics(layer).unwrap()).collect();
    let target = std::slice::from_ref(target);
    let content = l2_distance(&generated[3..], target, &[1.0], Reduction::Mean).unwrap();
    [content, statistics_distance(&generated, &statistics, &[1.0; 4]).unwrap()]
}

#[test]
fn training_losses() {
    let target = adain(&CONTENT, &STYLE).unwrap();
    let [content, style] = losses(&target, &DECODER.decode(&target).unwrap());
    Tolerance::Close.check("content", &content, REFERENCE.tensor("loss_content"));
    Tolerance::Close.check("style", &style, REFERENCE.tensor("loss_style"));
}

/// The gradients of `content + 10 style` with respect to the decoder's weights. Our decoder is frozen, so
/// this one uses candle's operators, which are differentiable with respect to weights; ours is the backward
/// pass through the losses and the encoder.
#[test]
fn training_gradients() {
    let weights: HashMap<String, Var> = parameters("decoder", DType::F64)
        .into_iter()
        .map(|(name, x)| (name, Var::from_tensor(&x).unwrap()))
        .collect();
    let target = adain(&CONTENT, &STYLE).unwrap();
    let mut x = target.clone();
    for index in [1, 5, 8, 11, 14, 18, 21, 25, 28] {
        let [weight, bias] =
            ["weight", "bias"].map(|part| weights[&format!("{index}.{part}")].as_tensor().clone());
        x = mirror(&mirror(&x, 2), 3).conv2d(&weight, 0, 1, 1, 1).unwrap();
        x = x.broadcast_add(&bias.reshape((1, (), 1, 1)).unwrap()).unwrap();
        if index < 28 {
            x = x.relu().unwrap();
        }
        if [1, 14, 21].contains(&index) {
            x = twice(&twice(&x, 2), 3);
        }
    }
    let picture = x.permute((0, 2, 3, 1)).unwrap().contiguous().unwrap();
    let [content, style] = losses(&target, &picture);
    let gradients = (content + (style * 10.0).unwrap()).unwrap().sum_all().unwrap().backward().unwrap();
    let norms = REFERENCE.facts["decoder_grad_norms"].as_object().unwrap();
    assert_eq!(norms.len(), weights.len());
    for (name, norm) in norms {
        let gradient = gradients.get(&weights[name]).unwrap();
        let found = gradient.sqr().unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap().sqrt();
        assert!((found / norm.as_f64().unwrap() - 1.0).abs() < 1e-4, "{name}: {found}, not {norm}");
        if let Some(expected) = REFERENCE.find(&format!("grad.decoder.{name}")) {
            Tolerance::Close.check(name, gradient, expected);
        }
    }
}

/// Every row or column twice.
fn twice(x: &Tensor, dimension: usize) -> Tensor {
    let rows: Vec<u32> = (0..2 * x.dim(dimension).unwrap() as u32).map(|row| row / 2).collect();
    x.index_select(&Tensor::new(rows, x.device()).unwrap(), dimension).unwrap()
}

/// Inputs and outputs of our decoder's convolutions.
const RELU3_1: [(usize, usize); 5] = [(256, 128), (128, 128), (128, 64), (64, 64), (64, 3)];

fn relu3_1_parameters() -> HashMap<String, Tensor> {
    let pair = |(index, (i, o)): (usize, (usize, usize))| {
        [(format!("{index}.weight"), vec![o, i, 3, 3]), (format!("{index}.bias"), vec![o])]
    };
    let shapes: Vec<_> = RELU3_1.into_iter().enumerate().flat_map(pair).collect();
    portable::tensors(&shapes)
}

/// The decoder's layers one by one, in candle's own operators.
#[test]
fn our_decoder() {
    let tensors = relu3_1_parameters();
    let features = portable::tensor("features", &[2, 256, 3, 5]);
    let mut x = features.clone();
    for index in 0..5 {
        let bias = tensors[&format!("{index}.bias")].reshape((1, (), 1, 1)).unwrap();
        x = mirror(&mirror(&x, 2), 3).conv2d(&tensors[&format!("{index}.weight")], 0, 1, 1, 1).unwrap();
        x = x.broadcast_add(&bias).unwrap();
        if index < 4 {
            x = x.relu().unwrap();
        }
        if index == 0 || index == 2 {
            let (_, _, h, w) = x.dims4().unwrap();
            x = x.upsample_nearest2d(2 * h, 2 * w).unwrap();
        }
    }
    let decoder = Decoder::new(tensors, &device()).unwrap();
    let found = decoder.decode(&features).unwrap();
    Tolerance::Close.check("picture", &found, &x.permute((0, 2, 3, 1)).unwrap());
    assert_eq!(found.dims(), [2, 12, 20, 3]);

    let other = Tensor::zeros((1, 512, 3, 5), DType::F32, &device()).unwrap();
    let error = decoder.decode(&other).unwrap_err().to_string();
    assert!(error.contains("needs 256 channels, found 512"), "{error}");
}

/// One mirrored pixel on both sides of a dimension.
fn mirror(x: &Tensor, dimension: usize) -> Tensor {
    let size = x.dim(dimension).unwrap();
    let line = |at| x.narrow(dimension, at, 1).unwrap();
    Tensor::cat(&[&line(1), x, &line(size - 2)], dimension).unwrap()
}

fn prefixed(prefix: &str, tensors: HashMap<String, Tensor>) -> HashMap<String, Tensor> {
    tensors.into_iter().map(|(name, tensor)| (format!("{prefix}{name}"), tensor)).collect()
}

#[test]
fn decoders_are_recognised() {
    let check = |tensors, layer: &str, encoder: &str, channels: usize, scale: usize| {
        let decoder = Decoder::new(tensors, &device()).unwrap();
        let found = (decoder.layer(), decoder.encoder(), decoder.channels(), decoder.scale());
        assert_eq!(found, (layer, encoder, channels, scale));
    };
    check(relu3_1_parameters(), "relu3_1", "vgg16", 256, 4);
    check(prefixed("decoder.", relu3_1_parameters()), "relu3_1", "vgg16", 256, 4);
    let published = || parameters("decoder", DType::F32);
    check(published(), "relu4_1", "vgg_normalised", 512, 8);
    let mut both = prefixed("decoder.", published());
    both.extend(prefixed("encoder.", parameters("vgg", DType::F32)));
    check(both, "relu4_1", "vgg_normalised", 512, 8);
}

#[test]
fn a_decoder_of_other_weights_is_refused() {
    let check = |tensors: HashMap<String, Tensor>, expected: &str| {
        let error = Decoder::new(tensors, &device()).err().expect("refused").to_string();
        assert_eq!(error, format!("these are not the weights of {expected}"));
    };
    let tensor = || portable::tensor("x", &[2]);
    let none = "found none of `0.weight` to `4.bias` (vgg16's relu3_1), none of `0.weight` to `8.bias` (vgg16's \
                relu4_1), none of `1.weight` to `28.bias` (vgg_normalised's relu4_1)";
    check(HashMap::new(), &format!("an AdaIN decoder: {none}"));
    check(HashMap::from([("features.0.bias".into(), tensor())]), &format!("an AdaIN decoder: {none}"));
    let mut ours = relu3_1_parameters();
    ours.remove("0.weight");
    ours.insert("4.bias".into(), tensor());
    let problems = "`0.weight` [128, 256, 3, 3] is missing; `4.bias` must be [3], found [2]";
    check(ours, &format!("the AdaIN decoder of relu3_1: {problems}"));
    let mut published = prefixed("decoder.", parameters("decoder", DType::F32));
    published.remove("decoder.28.bias");
    published.insert("head".into(), tensor());
    let problems = "`28.bias` [3] is missing; `head` [2] is unexpected";
    check(published, &format!("the AdaIN decoder of relu4_1: {problems}"));
}
