use std::collections::HashMap;
use std::sync::LazyLock;

use candle_core::Tensor;
use dreamwire_nets::extractor::{Extractor, Normalisation, Reach};
use dreamwire_nets::googlenet::{self, parameter_shapes};

use crate::network::{check_differences, check_network, check_reach, double, layers};
use crate::portable;
use crate::reference::{Reference, device};
use crate::tolerance::Tolerance;

static GOOGLENET: LazyLock<Extractor> = LazyLock::new(|| {
    googlenet::extractor(portable::tensors(&parameter_shapes()), Normalisation::IMAGENET, &device()).unwrap()
});
static DOUBLE: LazyLock<Extractor> = LazyLock::new(|| {
    googlenet::extractor(double(&parameter_shapes()), Normalisation::HALF, &device()).unwrap()
});

/// torchvision's network with portable weights: every module, and gradients.
#[test]
fn every_module() {
    check_network("tv/googlenet", &GOOGLENET, &DOUBLE);
}

#[test]
fn logits() {
    let reference = Reference::read("tv/googlenet");
    let layer = layers(&GOOGLENET, &["logits"]);
    let found = GOOGLENET.apply(reference.tensor("input"), &layer).unwrap().swap_remove(0);
    assert_eq!(found.dims(), [1, 1000, 1, 1]);
    Tolerance::Close.check("logits", &found.reshape((1, 1000)).unwrap(), reference.tensor("logits"));
}

#[test]
fn gradients_are_those_of_differences() {
    check_differences(&DOUBLE, [37, 46], &["conv2", "inception3b", "inception4a", "maxpool4", "logits"]);
}

#[test]
fn reaches() {
    check_reach(&DOUBLE, "conv1", 2, 4);
    check_reach(&DOUBLE, "conv3", 4, 9);
    check_reach(&DOUBLE, "inception3a", 8, 23);
    let all = layers(&GOOGLENET, &["conv1", "inception5b"]);
    assert_eq!(GOOGLENET.reach(&all), Some(Reach { stride: 32, radius: 195 }));
    assert_eq!(GOOGLENET.reach(&layers(&GOOGLENET, &["conv1", "logits"])), None);
}

#[test]
fn all_layers_can_be_asked_for() {
    assert_eq!(GOOGLENET.name(), "googlenet");
    let found: Vec<(&str, usize)> =
        GOOGLENET.layers().iter().map(|layer| (layer.name(), layer.channels())).collect();
    let expected = [
        ("conv1", 64),
        ("maxpool1", 64),
        ("conv2", 64),
        ("conv3", 192),
        ("maxpool2", 192),
        ("inception3a", 256),
        ("inception3b", 480),
        ("maxpool3", 480),
        ("inception4a", 512),
        ("inception4b", 512),
        ("inception4c", 512),
        ("inception4d", 528),
        ("inception4e", 832),
        ("maxpool4", 832),
        ("inception5a", 832),
        ("inception5b", 1024),
        ("logits", 1000),
    ];
    assert_eq!(found, expected);
    assert_eq!(googlenet::layer_names(), expected.map(|(name, _)| name));
}

#[test]
fn wrong_tensors_are_named() {
    let check = |change: &dyn Fn(&mut HashMap<String, Tensor>), expected: &str| {
        let mut tensors = portable::tensors(&parameter_shapes());
        change(&mut tensors);
        let error =
            googlenet::extractor(tensors, Normalisation::HALF, &device()).err().expect("refused").to_string();
        assert_eq!(error, format!("these are not the weights of GoogLeNet: {expected}"));
    };
    check(
        &|tensors| {
            tensors.remove("inception4c.branch3.1.bn.running_mean");
            // The paper's kernel.
            let five = portable::tensor("x", &[32, 16, 5, 5]);
            tensors.insert("inception3a.branch3.1.conv.weight".into(), five);
            for ignored in ["aux1.fc1.weight", "aux2.conv.bn.bias", "conv1.bn.num_batches_tracked"] {
                tensors.insert(ignored.into(), portable::tensor("x", &[2]));
            }
            tensors.insert("aux3.bias".into(), portable::tensor("x", &[2]));
        },
        "`inception3a.branch3.1.conv.weight` must be [32, 16, 3, 3], found [32, 16, 5, 5]; \
         `inception4c.branch3.1.bn.running_mean` [64] is missing; `aux3.bias` [2] is unexpected",
    );
    check(
        &|tensors| {
            tensors.clear();
            tensors.insert("features.0.weight".into(), portable::tensor("x", &[64, 3, 3, 3]));
        },
        "they belong to a VGG",
    );
}
