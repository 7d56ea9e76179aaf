//! Weights that any language can generate from a tensor's name, so that a reference of a large network needs
//! no weights file: `splitmix64` from the FNV-1a-64 of the name, XOR 0x5EED.

use std::collections::HashMap;

use candle_core::Tensor;
use dreamwire_nets::random::CounterRng;

use crate::reference::{Reference, device};
use crate::tolerance::Tolerance;

/// `count` numbers in 0..1, multiples of 2^-24.
fn uniform(name: &str, count: usize) -> Vec<f32> {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in name.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    }
    let rng = CounterRng::new(hash ^ 0x5EED);
    (0..count as u64).map(|i| (rng.at(i) >> 40) as f32 / (1 << 24) as f32).collect()
}

/// Numbers in -1..1, multiples of 2^-23.
pub(crate) fn noise(name: &str, shape: &[usize]) -> Tensor {
    let values: Vec<f32> = uniform(name, shape.iter().product()).iter().map(|r| 2.0 * r - 1.0).collect();
    Tensor::from_vec(values, shape, &device()).unwrap()
}

/// A tensor of a convolutional network: a weight (Kaiming-uniform by fan-in), a bias, or one of a batch
/// normalisation.
pub(crate) fn tensor(name: &str, shape: &[usize]) -> Tensor {
    let fan_in: usize = shape.iter().skip(1).product();
    let bound = (6.0 / fan_in as f64).sqrt() as f32;
    let value = |r: f32| match name.rsplit('.').next() {
        _ if shape.len() > 1 => (2.0 * r - 1.0) * bound,
        Some("running_mean") => (2.0 * r - 1.0) * 0.1,
        Some("running_var") => 0.5 + r,
        Some("bias") => (2.0 * r - 1.0) * 0.05,
        _ => 0.8 + 0.4 * r,
    };
    let values: Vec<f32> = uniform(name, shape.iter().product()).into_iter().map(value).collect();
    Tensor::from_vec(values, shape, &device()).unwrap()
}

/// All tensors of a network.
pub(crate) fn tensors(shapes: &[(String, Vec<usize>)]) -> HashMap<String, Tensor> {
    shapes.iter().map(|(name, shape)| (name.clone(), tensor(name, shape))).collect()
}

#[test]
fn the_self_test_vectors() {
    let reference = Reference::read("portable_weights_selftest");
    let name = "features.0.weight";
    let raw = Tensor::new(uniform(name, 16), &device()).unwrap();
    Tolerance::Exact.check("uniform numbers", &raw, reference.tensor("a"));
    let weight = tensor(name, &[64, 3, 3, 3]).flatten_all().unwrap().narrow(0, 0, 64).unwrap();
    Tolerance::Exact.check("weights", &weight, reference.tensor("b"));
    Tolerance::Exact.check("biases", &tensor("features.0.bias", &[64]), reference.tensor("c"));
}
