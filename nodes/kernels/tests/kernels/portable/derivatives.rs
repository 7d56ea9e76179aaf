//! First derivatives against central differences.

use std::collections::HashMap;

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::VarBuilder;
use dreamwire_kernels::{Layer, Stack};

use super::{cases, convolutions, portable};
use crate::differences::check;
use crate::values::{chain, conv, tensor};

/// A convolution of `[x, weight, bias]`, in f64.
pub(super) fn convolve(layer: &Layer, operands: &[Tensor]) -> Result<Tensor> {
    let [x, weight, bias] = operands else { panic!("a convolution has three operands") };
    let weights = [("0.weight", weight), ("0.bias", bias)];
    let weights: HashMap<_, _> =
        weights.into_iter().map(|(name, tensor)| (name.to_string(), tensor.clone())).collect();
    let weights = VarBuilder::from_tensors(weights, DType::F64, &Device::Cpu);
    Ok(Stack::from_weights(&chain(std::slice::from_ref(layer)), &weights)?.apply(x, &[0])?.remove(0))
}

/// The layers and operands of all convolutions.
pub(super) fn trained() -> impl Iterator<Item = (Layer, Vec<Tensor>)> {
    convolutions().into_iter().flat_map(|([kh, kw], stride, padding)| {
        [[2, 2, 7, 5], [1, 2, 6, 8]].map(|shape| {
            let operands = vec![tensor(7, &shape), tensor(8, &[3, 2, kh, kw]), tensor(9, &[3])];
            (conv(1, [2, 3, kh, kw], stride, padding), operands)
        })
    })
}

#[test]
fn of_inputs() {
    for (nodes, shape, taps) in cases() {
        let stack = portable(&nodes, DType::F64);
        check(&format!("{nodes:?} of {shape:?}"), &[tensor(7, &shape)], |operands| {
            let outputs = stack.apply(&operands[0], &taps)?;
            let outputs = outputs.iter().map(Tensor::flatten_all).collect::<Result<Vec<_>>>()?;
            Tensor::cat(&outputs, 0)
        });
    }
}

#[test]
fn of_weights() {
    for (layer, operands) in trained() {
        check(&format!("{layer:?} of {:?}", operands[0].dims()), &operands, |operands| {
            convolve(&layer, operands)
        });
    }
}
