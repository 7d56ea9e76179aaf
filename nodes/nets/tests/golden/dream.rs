//! Whole dreams compared with those of well-known programs: the optimiser's parts combined as these programs
//! do it.
//!
//! Pictures are f32. Networks compute in f64 where a whole run is compared closely: at a kink of a ReLU, or
//! where two positions of a guide are almost equally good, rounding decides the gradient's direction, and the
//! following steps diverge.

use std::collections::HashMap;

use candle_core::{DType, Result, Tensor, Var};

use crate::portable;

mod google;
mod gordicaleksa;

/// Portable weights of a network that computes in `dtype`.
fn weights(shapes: &[(String, Vec<usize>)], dtype: DType) -> HashMap<String, Tensor> {
    let tensors = portable::tensors(shapes).into_iter();
    tensors.map(|(name, tensor)| (name, tensor.to_dtype(dtype).unwrap())).collect()
}

/// The gradient of the sum of `value` at `x`, computed in `dtype` and given in f32.
fn gradient(x: &Tensor, dtype: DType, value: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    let x = Var::from_tensor(&x.to_dtype(dtype)?)?;
    let gradients = value(x.as_tensor())?.sum_all()?.backward()?;
    gradients.get(&x).expect("the value depends on x").to_dtype(DType::F32)
}

/// The largest and the mean absolute difference of two pictures.
#[track_caller]
fn errors(found: &Tensor, expected: &Tensor) -> Result<(f64, f64)> {
    assert_eq!(found.dims(), expected.dims(), "shape");
    let difference = (found - expected)?.abs()?.to_dtype(DType::F64)?;
    Ok((difference.max_all()?.to_scalar::<f64>()?, difference.mean_all()?.to_scalar::<f64>()?))
}
