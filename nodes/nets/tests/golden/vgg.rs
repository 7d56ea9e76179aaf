use std::collections::HashMap;
use std::sync::LazyLock;

use candle_core::{DType, Tensor};
use dreamwire_nets::PaddingMode;
use dreamwire_nets::extractor::{Extractor, Reach};
use dreamwire_nets::vgg::{self, Variant, parameter_shapes};

use crate::network::{check_differences, check_network, check_reach, double, layers};
use crate::portable;
use crate::reference::{Reference, device};
use crate::tolerance::Tolerance;

static VGG16: LazyLock<Extractor> = LazyLock::new(|| network(Variant::Vgg16, PaddingMode::Zeros));
/// In f64, with mirrored edges.
static ENCODER: LazyLock<Extractor> = LazyLock::new(|| {
    let tensors = double(&parameter_shapes(Variant::AdainEncoder));
    vgg::extractor(tensors, PaddingMode::Reflect, &device()).unwrap()
});

fn parameters(variant: Variant) -> HashMap<String, Tensor> {
    portable::tensors(&parameter_shapes(variant))
}

fn network(variant: Variant, padding: PaddingMode) -> Extractor {
    vgg::extractor(parameters(variant), padding, &device()).unwrap()
}

fn in_f64(variant: Variant) -> Extractor {
    vgg::extractor(double(&parameter_shapes(variant)), PaddingMode::Zeros, &device()).unwrap()
}

/// torchvision's networks with portable weights: every ReLU and pool, and gradients.
#[test]
fn vgg16() {
    check_network("tv/vgg16", &VGG16, &in_f64(Variant::Vgg16));
}

#[test]
fn vgg19() {
    check_network("tv/vgg19", &network(Variant::Vgg19, PaddingMode::Zeros), &in_f64(Variant::Vgg19));
}

/// `convB_N` is the input of `reluB_N`, fused and not fused.
#[test]
fn convolutions_are_tapped_before_their_relu() {
    let reference = Reference::read("tv/vgg16");
    let layers = layers(&VGG16, &["conv3_2", "relu3_2", "relu3_3"]);
    let together = VGG16.apply(reference.tensor("input"), &layers).unwrap();
    let alone = VGG16.apply(reference.tensor("input"), &layers[2..]).unwrap();
    Tolerance::Exact.check("relu3_2", &together[0].relu().unwrap(), &together[1]);
    Tolerance::Exact.check("relu3_3", &alone[0], &together[2]);
    let smallest = together[0].min_all().unwrap().to_scalar::<f32>().unwrap();
    assert!(smallest < 0.0, "{smallest}");
}

/// The first two convolutions and their norms one by one, in candle's own operators.
#[test]
fn batch_norms_are_folded() {
    let tensors = parameters(Variant::Vgg16Bn);
    let image = portable::noise("picture", &[2, 7, 9, 3]);
    let network = vgg::extractor(tensors.clone(), PaddingMode::Zeros, &device()).unwrap();
    let found = network.features(&image, &layers(&network, &["relu1_1", "conv1_2"])).unwrap();

    let channels = |name: &str| tensors[name].reshape((1, (), 1, 1)).unwrap();
    let unit = |x: &Tensor, conv: usize| {
        let x = x.conv2d(&tensors[&format!("features.{conv}.weight")], 1, 1, 1, 1).unwrap();
        let x = x.broadcast_add(&channels(&format!("features.{conv}.bias"))).unwrap();
        let norm = |part: &str| channels(&format!("features.{}.{part}", conv + 1));
        let deviation = (norm("running_var") + 1e-5).unwrap().sqrt().unwrap();
        let x = x.broadcast_sub(&norm("running_mean")).unwrap().broadcast_div(&deviation).unwrap();
        x.broadcast_mul(&norm("weight")).unwrap().broadcast_add(&norm("bias")).unwrap()
    };
    let first = unit(&network.normalise(&image).unwrap(), 0).relu().unwrap();
    Tolerance::Close.check("relu1_1", &found[0], &first);
    Tolerance::Close.check("conv1_2", &found[1], &unit(&first, 3));
}

#[test]
fn files_are_recognised() {
    let check = |variant: Variant, name: &str, first: &str, last: &str, count: usize| {
        let network = network(variant, PaddingMode::Zeros);
        let layers = network.layers();
        assert_eq!(network.name(), name);
        assert_eq!((layers[0].name(), layers[layers.len() - 1].name()), (first, last));
        assert_eq!(layers.len(), count, "{variant:?}");
        let names: Vec<&str> = layers.iter().map(|layer| layer.name()).collect();
        assert_eq!(names, vgg::layer_names(variant));
    };
    check(Variant::Vgg16, "vgg16", "conv1_1", "pool5", 31);
    check(Variant::Vgg19, "vgg19", "conv1_1", "pool5", 37);
    check(Variant::Vgg16Bn, "vgg16_bn", "conv1_1", "pool5", 31);
    check(Variant::Vgg19Bn, "vgg19_bn", "conv1_1", "pool5", 37);
    check(Variant::AdainEncoder, "vgg_normalised", "conv1_1", "relu4_1", 21);
    check(Variant::AdainEncoderFull, "vgg_normalised", "conv1_1", "relu5_4", 36);
}

/// Names as torchvision, timm and pytorch-AdaIN write them.
#[test]
fn tensors_have_their_peers_names() {
    let check = |variant: Variant, count: usize, last: &str| {
        let shapes = parameter_shapes(variant);
        assert_eq!((shapes.len(), shapes[shapes.len() - 1].0.as_str()), (count, last));
    };
    check(Variant::Vgg16, 26, "features.28.bias");
    check(Variant::Vgg19, 32, "features.34.bias");
    check(Variant::Vgg16Bn, 78, "features.41.running_var");
    check(Variant::Vgg19Bn, 96, "features.50.running_var");
    check(Variant::AdainEncoder, 20, "29.bias");
    check(Variant::AdainEncoderFull, 34, "51.bias");
}

/// The encoder beside the decoder in one file, whose first convolution replaces the normalisation.
#[test]
fn an_encoder_may_have_a_prefix() {
    let image = portable::noise("picture", &[1, 9, 11, 3]);
    let tensors = parameters(Variant::AdainEncoder);
    let prefixed = tensors.iter().map(|(name, tensor)| (format!("encoder.{name}"), tensor.clone()));
    let mut prefixed: HashMap<String, Tensor> = prefixed.collect();
    prefixed.insert("decoder.1.weight".into(), tensors["2.weight"].clone());
    let prefixed = vgg::extractor(prefixed, PaddingMode::Reflect, &device()).unwrap();
    let plain = network(Variant::AdainEncoder, PaddingMode::Reflect);
    let last = layers(&plain, &["relu4_1"]);
    let found = prefixed.features(&image, &last).unwrap();
    Tolerance::Exact.check("relu4_1", &found[0], &plain.features(&image, &last).unwrap()[0]);

    let planes = image.permute((0, 3, 1, 2)).unwrap().contiguous().unwrap();
    Tolerance::Exact.check("input", &plain.normalise(&image).unwrap(), &planes);
}

/// Pools of AdaIN's encoder keep an odd last row and column, the others drop it.
#[test]
fn odd_sizes() {
    let check = |network: &Extractor, dtype: DType, expected: [usize; 4]| {
        let image = Tensor::zeros((1, 75, 101, 3), dtype, &device()).unwrap();
        let found = network.features(&image, &layers(network, &["relu4_1"])).unwrap();
        assert_eq!(found[0].dims(), expected);
    };
    check(&ENCODER, DType::F64, [1, 512, 10, 13]);
    check(&VGG16, DType::F32, [1, 512, 9, 12]);
}

#[test]
fn gradients_are_those_of_differences() {
    check_differences(&ENCODER, [21, 18], &["conv1_1", "relu2_2", "conv3_1", "pool3", "relu4_1"]);
}

/// Half of the receptive fields that are usually stated, such as 196 pixels at `conv5_3`.
#[test]
fn reaches() {
    let check = |names: &[&str], stride: usize, radius: usize| {
        assert_eq!(VGG16.reach(&layers(&VGG16, names)), Some(Reach { stride, radius }), "{names:?}");
    };
    check(&["conv1_1"], 1, 1);
    check(&["relu1_2"], 1, 2);
    check(&["pool2"], 4, 8);
    check(&["relu4_3"], 8, 46);
    check(&["conv5_3"], 16, 98);
    check(&["relu4_3", "relu1_1", "relu3_3"], 8, 46);
    check_reach(&ENCODER, "conv1_1", 1, 1);
    check_reach(&ENCODER, "pool1", 2, 3);
    check_reach(&ENCODER, "conv2_1", 2, 5);
    check_reach(&ENCODER, "relu3_1", 4, 12);
}

#[test]
fn the_smallest_pictures() {
    let check = |network: &Extractor, name: &str, expected: usize| {
        assert_eq!(network.minimum_size(&layers(network, &[name])), expected, "{name}");
    };
    check(&VGG16, "relu1_1", 1);
    check(&VGG16, "pool1", 2);
    check(&VGG16, "relu4_3", 8);
    check(&VGG16, "pool5", 32);
    check(&network(Variant::Vgg16, PaddingMode::Reflect), "relu3_1", 8);
    let small = Tensor::zeros((1, 7, 40, 3), DType::F32, &device()).unwrap();
    assert!(VGG16.features(&small, &layers(&VGG16, &["relu4_3"])).is_err());
}

#[test]
fn layers_of_another_network_are_refused() {
    let image = Tensor::zeros((1, 16, 16, 3), DType::F32, &device()).unwrap();
    let error = VGG16.features(&image, &layers(&ENCODER, &["relu3_4"])).unwrap_err().to_string();
    assert!(error.contains("vgg16 has no layer `relu3_4`"), "{error}");
}

#[track_caller]
fn check_refused(tensors: HashMap<String, Tensor>, expected: &str) {
    let error = vgg::extractor(tensors, PaddingMode::Zeros, &device()).err().expect("refused").to_string();
    assert_eq!(error, expected);
}

/// Faults: C5.
#[test]
fn wrong_tensors_are_named() {
    let check = |variant: Variant, change: &dyn Fn(&mut HashMap<String, Tensor>), expected: &str| {
        let mut tensors = parameters(variant);
        change(&mut tensors);
        check_refused(tensors, &format!("these are not the weights of {expected}"));
    };
    check(
        Variant::Vgg16,
        &|tensors| {
            tensors.remove("features.0.weight");
            tensors.insert("features.2.bias".into(), portable::tensor("x", &[32]));
            for ignored in ["classifier.0.weight", "pre_logits.fc1.bias", "head.fc.weight"] {
                tensors.insert(ignored.into(), portable::tensor("x", &[2]));
            }
            tensors.insert("tail.bias".into(), portable::tensor("x", &[2]));
        },
        "VGG16: `features.0.weight` [64, 3, 3, 3] is missing; `features.2.bias` must be [64], found [32]; \
         `tail.bias` [2] is unexpected",
    );
    check(
        Variant::Vgg19Bn,
        &|tensors| {
            tensors.remove("features.50.running_var");
            tensors.insert("features.50.num_batches_tracked".into(), portable::tensor("x", &[1]));
        },
        "VGG19 with batch normalisation: `features.50.running_var` [512] is missing",
    );
    check(
        Variant::AdainEncoderFull,
        &|tensors| {
            tensors.remove("51.bias");
        },
        "pytorch-AdaIN's encoder: `51.bias` [512] is missing",
    );
    check(
        Variant::Vgg16,
        &|tensors| tensors.clear(),
        "VGG16: `features.0.weight` [64, 3, 3, 3] is missing; `features.0.bias` [64] is missing; \
         `features.2.weight` [64, 64, 3, 3] is missing; `features.2.bias` [64] is missing; \
         `features.5.weight` [128, 64, 3, 3] is missing; and 21 more",
    );
}

/// Faults: C9.
#[test]
fn other_networks_are_called_by_their_names() {
    let check = |name: &str, shape: &[usize], expected: &str| {
        let tensors = HashMap::from([(name.to_owned(), portable::tensor(name, shape))]);
        check_refused(tensors, &format!("these are not the weights of VGG16: they belong to {expected}"));
    };
    check("inception3a.branch1.conv.weight", &[64, 192, 1, 1], "GoogLeNet");
    check("features.6.squeeze.weight", &[32, 128, 1, 1], "SqueezeNet 1.1");
    check("features.5.squeeze.bias", &[32], "SqueezeNet 1.0; only version 1.1 is supported");
    check("features.0.weight", &[64, 3, 11, 11], "AlexNet, which is not supported");
    check("G_ema.synthesis.b4.const", &[4], "a StyleGAN generator");
    check("28.weight", &[3, 64, 3, 3], "an AdaIN decoder; its encoder is needed");
}
