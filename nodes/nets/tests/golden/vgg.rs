use std::collections::HashMap;
use std::sync::LazyLock;

use candle_core::{Tensor, Var};
use dreamwire_nets::PaddingMode;
use dreamwire_nets::vgg::{Layer, Vgg, layer_names, normalise, parameter_shapes};

use crate::portable;
use crate::reference::{Reference, sample};
use crate::tolerance::Tolerance;

static VGG: LazyLock<Vgg> = LazyLock::new(|| Vgg::new(parameters(), PaddingMode::Zeros).unwrap());

fn parameters() -> HashMap<String, Tensor> {
    let tensor = |(name, shape): (String, Vec<usize>)| {
        let tensor = portable::tensor(&name, &shape);
        (name, tensor)
    };
    parameter_shapes().into_iter().map(tensor).collect()
}

/// torchvision's VGG16 with portable weights: every ReLU and pool.
#[test]
fn activations() {
    let reference = Reference::read("tv/vgg16");
    let layers: Vec<Layer> = layer_names()
        .iter()
        .filter(|name| !name.starts_with("conv"))
        .map(|name| Layer::named(name).unwrap())
        .collect();
    let features = VGG.features(reference.tensor("input"), &layers).unwrap();
    for (layer, found) in layers.iter().zip(&features) {
        let facts = &reference.facts["layers"][layer.name()];
        let shape: Vec<usize> = serde_json::from_value(facts["shape"].clone()).unwrap();
        assert_eq!(found.dims(), shape, "{layer}");
        assert_eq!(layer.channels(), shape[1], "{layer}");
        let stride = facts["stride"].as_u64().unwrap() as usize;
        let expected = reference.tensor(&format!("sample.{layer}"));
        Tolerance::Close.check(layer.name(), &sample(found, stride, expected.dims()[0]), expected);
        let sum = found.abs().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap();
        let expected = facts["abs_sum"].as_f64().unwrap();
        assert!((f64::from(sum) - expected).abs() < 1e-4 * expected, "sum of {layer}: {sum}");
    }
}

/// `convB_N` is what `reluB_N` cuts off, on the fused path and beside it.
#[test]
fn convolutions_are_tapped_before_their_relu() {
    let reference = Reference::read("tv/vgg16");
    let layer = |name| Layer::named(name).unwrap();
    let layers = [layer("conv3_2"), layer("relu3_2"), layer("relu3_3")];
    let together = VGG.features(reference.tensor("input"), &layers).unwrap();
    let alone = VGG.features(reference.tensor("input"), &layers[2..]).unwrap();
    Tolerance::Exact.check("relu3_2", &together[0].relu().unwrap(), &together[1]);
    Tolerance::Exact.check("relu3_3", &alone[0], &together[2]);
    let smallest = together[0].min_all().unwrap().to_scalar::<f32>().unwrap();
    assert!(smallest < 0.0, "{smallest}");
}

/// The gradients of `sum weight * mean(layer^2)` with respect to the normalised picture.
#[test]
fn input_gradients() {
    let reference = Reference::read("tv/vgg16");
    let targets = reference.facts["targets"].as_object().unwrap();
    assert_eq!(targets.len(), 2);
    for (name, target) in targets {
        let target: Vec<(String, f64)> = serde_json::from_value(target.clone()).unwrap();
        let layers: Vec<Layer> = target.iter().map(|(layer, _)| Layer::named(layer).unwrap()).collect();
        let x = Var::from_tensor(reference.tensor("input")).unwrap();
        let features = VGG.features(&x, &layers).unwrap();
        let mut loss = Tensor::zeros((), x.dtype(), x.device()).unwrap();
        for (feature, (_, weight)) in features.iter().zip(&target) {
            loss = (loss + (feature.sqr().unwrap().mean_all().unwrap() * *weight).unwrap()).unwrap();
        }
        let loss_shape = loss.reshape(1).unwrap();
        Tolerance::Close.check(name, &loss_shape, reference.tensor(&format!("loss.{name}")));
        let gradients = loss.backward().unwrap();
        let expected = reference.tensor(&format!("grad.{name}"));
        Tolerance::GradientKinks.check(name, gradients.get(&x).unwrap(), expected);
    }
}

#[test]
fn normalisation_is_torchvision_s() {
    let image = Tensor::new(&[[[[0.0f32, 0.5, 1.0]]]], &candle_core::Device::Cpu).unwrap();
    let expected = [-0.485 / 0.229, 0.044 / 0.224, 0.594 / 0.225f32];
    let expected = Tensor::new(&expected, image.device()).unwrap().reshape((1, 3, 1, 1)).unwrap();
    Tolerance::Close.check("normalise", &normalise(&image).unwrap(), &expected);
    let grey = image.narrow(3, 0, 1).unwrap();
    let error = normalise(&grey).unwrap_err().to_string();
    assert!(error.contains("3 channels, found 1"), "{error}");
}

#[test]
fn the_smallest_pictures() {
    let layer = |name| [Layer::named(name).unwrap()];
    let sizes = ["relu1_1", "pool1", "relu4_3", "pool5"].map(|name| VGG.minimum_size(&layer(name)));
    assert_eq!(sizes, [1, 2, 8, 32]);
    let mirrored = Vgg::new(parameters(), PaddingMode::Reflect).unwrap();
    assert_eq!(mirrored.minimum_size(&layer("relu3_1")), 8);
    let small = Tensor::zeros((1, 3, 7, 40), candle_core::DType::F32, &candle_core::Device::Cpu).unwrap();
    assert!(VGG.features(&small, &layer("relu4_3")).is_err());
}

#[test]
fn wrong_tensors_are_named() {
    let check = |change: &dyn Fn(&mut HashMap<String, Tensor>), expected: &str| {
        let mut tensors = parameters();
        change(&mut tensors);
        let error = Vgg::new(tensors, PaddingMode::Zeros).err().expect("refused").to_string();
        assert_eq!(error, expected);
    };
    check(
        &|tensors| {
            tensors.remove("features.0.weight");
            tensors.insert("features.2.bias".into(), portable::tensor("x", &[32]));
            tensors.insert("classifier.0.weight".into(), portable::tensor("x", &[2]));
            tensors.insert("head.bias".into(), portable::tensor("x", &[2]));
        },
        "these are not the weights of VGG16: `features.0.weight` [64, 3, 3, 3] is missing; \
         `features.2.bias` should be [64], found [32]; `head.bias` [2] is not part of it",
    );
    check(
        &|tensors| tensors.clear(),
        "these are not the weights of VGG16: `features.0.weight` [64, 3, 3, 3] is missing; \
         `features.0.bias` [64] is missing; `features.2.weight` [64, 64, 3, 3] is missing; \
         `features.2.bias` [64] is missing; `features.5.weight` [128, 64, 3, 3] is missing; and 21 more",
    );
}
