//! Small pictures and masks for tests.

use dreamwire_sdk::prelude::*;
use dreamwire_sdk::testing::{Ran, Value};

/// An IMAGE of `[B,H,W,C]`.
#[track_caller]
pub(crate) fn image(samples: &[f32], dims: (usize, usize, usize, usize)) -> Value {
    Value::Tensor(Tensor::from_slice(samples, dims, &Device::Cpu).expect("as many samples as the shape has"))
}

/// A MASK of `[B,H,W]`.
#[track_caller]
pub(crate) fn mask(samples: &[f32], dims: (usize, usize, usize)) -> Value {
    Value::Tensor(Tensor::from_slice(samples, dims, &Device::Cpu).expect("as many samples as the shape has"))
}

/// Shape and samples of an output.
#[track_caller]
pub(crate) fn output(ran: &Ran, index: usize) -> (Vec<usize>, Vec<f32>) {
    let tensor = ran.outputs[index].tensor();
    (tensor.dims().to_vec(), tensor.flatten_all().and_then(|t| t.to_vec1()).expect("f32"))
}

/// Compares the first output.
#[track_caller]
pub(crate) fn check(ran: Result<Ran>, dims: &[usize], expected: &[f32]) {
    check_output(&ran.expect("it runs"), 0, dims, expected);
}

/// Compares one of the outputs.
#[track_caller]
pub(crate) fn check_output(ran: &Ran, index: usize, dims: &[usize], expected: &[f32]) {
    let (shape, found) = output(ran, index);
    assert_eq!(shape, dims);
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (place, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() < 1e-6, "sample {place}: {a} for {b} in {found:?}");
    }
}

/// Checks that it was refused at `blamed`, with these words.
#[track_caller]
pub(crate) fn refused(ran: Result<Ran>, blamed: &str, said: &str) {
    let error = ran.err().expect("refused");
    assert_eq!(error.input(), blamed, "{error}");
    assert!(error.to_string().contains(said), "{error}");
}
