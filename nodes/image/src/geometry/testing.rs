//! Pictures and masks for the tests of kinds that move pixels.

use dreamwire_sdk::prelude::*;
use dreamwire_sdk::testing::{Ran, Value};

/// Pictures `[B,H,W,C]`.
pub(crate) fn image(samples: &[f32], dims: (usize, usize, usize, usize)) -> Value {
    Value::Tensor(Tensor::from_slice(samples, dims, &Device::Cpu).expect("as many samples as the shape has"))
}

/// Masks `[B,H,W]`.
pub(crate) fn mask(samples: &[f32], dims: (usize, usize, usize)) -> Value {
    Value::Tensor(Tensor::from_slice(samples, dims, &Device::Cpu).expect("as many samples as the shape has"))
}

/// Shape and samples of an output.
pub(crate) fn output(ran: &Ran, index: usize) -> (Vec<usize>, Vec<f32>) {
    let tensor = ran.outputs[index].tensor();
    (tensor.dims().to_vec(), tensor.flatten_all().and_then(|t| t.to_vec1()).expect("f32"))
}
