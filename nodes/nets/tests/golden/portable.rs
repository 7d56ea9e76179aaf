//! Weights that any language can make from a tensor's name, so that a reference of a big network
//! needs no weight file: `splitmix64` from the FNV-1a-64 of the name, XOR 0x5EED.

use candle_core::{Device, Tensor};
use dreamwire_nets::optim::CounterRng;

use crate::reference::Reference;
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

/// A convolution's weight (Kaiming-uniform by fan-in) or bias (up to 0.05).
pub(crate) fn tensor(name: &str, shape: &[usize]) -> Tensor {
    let bound = match shape {
        [_, fan_in @ ..] if !fan_in.is_empty() => {
            (6.0 / fan_in.iter().product::<usize>() as f64).sqrt() as f32
        }
        _ => 0.05,
    };
    let values = uniform(name, shape.iter().product());
    let values: Vec<f32> = values.iter().map(|r| (2.0 * r - 1.0) * bound).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

#[test]
fn the_self_test_vectors() {
    let reference = Reference::read("portable_weights_selftest");
    let name = "features.0.weight";
    let raw = Tensor::new(uniform(name, 16), &Device::Cpu).unwrap();
    Tolerance::Exact.check("uniform numbers", &raw, reference.tensor("a"));
    let weight = tensor(name, &[64, 3, 3, 3]).flatten_all().unwrap().narrow(0, 0, 64).unwrap();
    Tolerance::Exact.check("weights", &weight, reference.tensor("b"));
    Tolerance::Exact.check("biases", &tensor("features.0.bias", &[64]), reference.tensor("c"));
}
