use std::collections::HashMap;
use std::sync::LazyLock;

use candle_core::Tensor;
use dreamwire_nets::extractor::{Extractor, Reach};
use dreamwire_nets::squeezenet::{self, parameter_shapes};

use crate::network::{check_differences, check_reach, double, layers};
use crate::portable;
use crate::reference::device;
use crate::tolerance::Tolerance;

static SQUEEZENET: LazyLock<Extractor> =
    LazyLock::new(|| squeezenet::extractor(portable::tensors(&parameter_shapes()), &device()).unwrap());
static DOUBLE: LazyLock<Extractor> =
    LazyLock::new(|| squeezenet::extractor(double(&parameter_shapes()), &device()).unwrap());

/// The network's layers one by one, in candle's own operators.
struct Plain {
    tensors: HashMap<String, Tensor>,
}

impl Plain {
    /// A convolution and its ReLU.
    fn conv(&self, x: &Tensor, name: &str, stride: usize, padding: usize) -> Tensor {
        let bias = self.tensors[&format!("{name}.bias")].reshape((1, (), 1, 1)).unwrap();
        let x = x.conv2d(&self.tensors[&format!("{name}.weight")], padding, stride, 1, 1).unwrap();
        x.broadcast_add(&bias).unwrap().relu().unwrap()
    }

    fn fire(&self, x: &Tensor, module: usize) -> Tensor {
        let name = |part: &str| format!("features.{module}.{part}");
        let x = self.conv(x, &name("squeeze"), 1, 0);
        let expanded = [self.conv(&x, &name("expand1x1"), 1, 0), self.conv(&x, &name("expand3x3"), 1, 1)];
        Tensor::cat(&expanded, 1).unwrap()
    }

    /// Partial windows at the edge are kept: after a ReLU, zeros there change nothing.
    fn pool(x: &Tensor) -> Tensor {
        let filled = |x: &Tensor, dimension: usize| {
            let size = x.dim(dimension).unwrap();
            let wanted = (size - 3).div_ceil(2) * 2 + 3;
            x.pad_with_zeros(dimension, 0, wanted - size).unwrap()
        };
        filled(&filled(x, 2), 3).max_pool2d_with_stride(3, 2).unwrap()
    }

    /// All layers by name, for the normalised input.
    fn layers(&self, x: &Tensor) -> Vec<(&'static str, Tensor)> {
        let mut found = vec![("relu1", self.conv(x, "features.0", 2, 0))];
        let last = |found: &[(&str, Tensor)]| found[found.len() - 1].1.clone();
        for (name, module) in [
            ("pool1", None),
            ("fire2", Some(3)),
            ("fire3", Some(4)),
            ("pool3", None),
            ("fire4", Some(6)),
            ("fire5", Some(7)),
            ("pool5", None),
            ("fire6", Some(9)),
            ("fire7", Some(10)),
            ("fire8", Some(11)),
            ("fire9", Some(12)),
        ] {
            let x = last(&found);
            let y = match module {
                Some(module) => self.fire(&x, module),
                None => Self::pool(&x),
            };
            found.push((name, y));
        }
        found.push(("relu10", self.conv(&last(&found), "classifier.1", 1, 0)));
        let logits = last(&found).mean_keepdim((2, 3)).unwrap();
        found.push(("logits", logits));
        found
    }
}

#[test]
fn every_layer() {
    let plain = Plain { tensors: portable::tensors(&parameter_shapes()) };
    for [height, width] in [[37, 50], [64, 64], [40, 67]] {
        let image = portable::noise("picture", &[2, height, width, 3]);
        let expected = plain.layers(&SQUEEZENET.normalise(&image).unwrap());
        let found = SQUEEZENET.features(&image, SQUEEZENET.layers()).unwrap();
        assert_eq!(found.len(), expected.len());
        for ((layer, found), (name, expected)) in SQUEEZENET.layers().iter().zip(&found).zip(&expected) {
            assert_eq!((layer.name(), layer.channels()), (*name, expected.dims()[1]));
            Tolerance::Close.check(&format!("{name} of {height}x{width}"), found, expected);
        }
        assert_eq!(found[found.len() - 1].dims(), [2, 1000, 1, 1]);
    }
    let names: Vec<&str> = SQUEEZENET.layers().iter().map(|layer| layer.name()).collect();
    assert_eq!(squeezenet::layer_names(), names);
}

#[test]
fn gradients_are_those_of_differences() {
    check_differences(&DOUBLE, [37, 50], &["relu1", "fire3", "pool3", "fire8", "logits"]);
}

#[test]
fn reaches() {
    check_reach(&DOUBLE, "relu1", 2, 1);
    check_reach(&DOUBLE, "pool1", 4, 4);
    check_reach(&DOUBLE, "fire3", 4, 12);
    check_reach(&DOUBLE, "pool3", 8, 18);
    let all = layers(&SQUEEZENET, &["fire9", "fire2"]);
    assert_eq!(SQUEEZENET.reach(&all), Some(Reach { stride: 16, radius: 110 }));
    assert_eq!(SQUEEZENET.reach(&layers(&SQUEEZENET, &["logits"])), None);
}

#[test]
fn wrong_tensors_are_named() {
    let check = |change: &dyn Fn(&mut HashMap<String, Tensor>), expected: &str| {
        let mut tensors = portable::tensors(&parameter_shapes());
        change(&mut tensors);
        let error = squeezenet::extractor(tensors, &device()).err().expect("refused").to_string();
        assert_eq!(error, format!("these are not the weights of SqueezeNet 1.1: {expected}"));
    };
    check(
        &|tensors| {
            tensors.remove("features.12.squeeze.bias");
            tensors.insert("classifier.1.bias".into(), portable::tensor("x", &[365]));
        },
        "`features.12.squeeze.bias` [64] is missing; `classifier.1.bias` must be [1000], found [365]",
    );
    check(
        &|tensors| {
            tensors.clear();
            tensors.insert("features.5.squeeze.bias".into(), portable::tensor("x", &[32]));
        },
        "they belong to SqueezeNet 1.0; only version 1.1 is supported",
    );
}
