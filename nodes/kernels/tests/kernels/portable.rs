//! The portable operators against the kernels and central differences.

mod derivatives;
mod rules;
mod second;

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor, Var};
use candle_nn::VarBuilder;
use dreamwire_kernels::{Layer, Padding, PaddingMode, Stack};

use crate::graph::inception;
use crate::values::{Node, POOLS, UNEVEN, chain, conv, norm, pools, tensor};

/// The weights of a network by name.
fn weights(nodes: &[Node]) -> HashMap<String, Tensor> {
    let mut weights = HashMap::new();
    for (index, (layer, _)) in nodes.iter().enumerate() {
        if let Layer::Conv { weight, bias, .. } = layer {
            weights.insert(format!("{index}.weight"), weight.clone());
            weights.extend(bias.iter().map(|bias| (format!("{index}.bias"), bias.clone())));
        }
    }
    weights
}

/// The portable executor of a network, whatever the environment asks for.
fn portable(nodes: &[Node], dtype: DType) -> Stack {
    let weights = VarBuilder::from_tensors(weights(nodes), dtype, &Device::Cpu);
    Stack::from_weights(nodes, &weights).unwrap()
}

/// A network, a shape of its input, and taps.
type Case = (Vec<Node>, [usize; 4], Vec<usize>);

/// Layers of all kinds, at odd sizes.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |layers: &[Layer], shape| cases.push((chain(layers), shape, vec![layers.len() - 1]));
    for (kernel, stride, padding) in convolutions() {
        for shape in [[2, 3, 7, 5], [1, 3, 6, 8]] {
            add(&[conv(1, [3, 2, kernel[0], kernel[1]], stride, padding)], shape);
        }
    }
    for geometry in POOLS {
        for ceil_mode in [false, true] {
            for layer in pools(*geometry, ceil_mode) {
                add(std::slice::from_ref(&layer), [2, 3, 7, 5]);
                add(&[layer], [1, 2, 8, 9]);
            }
        }
    }
    for layer in pools([3, 1, 1], false).into_iter().chain(pools([2, 2, 0], true)) {
        add(&[layer], [1, 3, 1, 1]);
    }
    for (size, beta) in [(5, 0.75), (1, 0.5), (4, 0.6), (2, 1.0), (11, 0.5), (3, 0.0)] {
        add(&[norm(size, beta)], [2, 4, 3, 5]);
    }
    for factor in 1..4 {
        add(&[Layer::UpsampleNearest { factor }], [2, 3, 3, 1]);
    }
    add(&[Layer::Relu], [2, 3, 5, 3]);
    add(&[Layer::LeakyRelu { slope: 0.2 }], [2, 3, 5, 3]);
    for shape in [[2, 3, 7, 5], [1, 3, 1, 1], [1, 3, 9, 8]] {
        cases.push((inception(), shape, vec![19]));
        cases.push((inception(), shape, vec![7, 1, 15, 19, 7]));
    }
    cases
}

/// Kernel sizes, strides and paddings.
fn convolutions() -> Vec<([usize; 2], usize, Padding)> {
    let mut all = UNEVEN.to_vec();
    let mirrored = Padding { mode: PaddingMode::Reflect, ..Padding::sides(2, 0, 1, 3) };
    let paddings = [Padding::zeros(0), Padding::zeros(1), Padding::sides(0, 2, 3, 1), mirrored];
    for kernel in [[1, 1], [3, 3], [2, 4], [5, 1]] {
        for stride in 1..4 {
            all.extend(paddings.map(|padding| (kernel, stride, padding)));
        }
    }
    all
}

/// Outputs, and the gradient of their random weighting with respect to the input.
fn run(stack: &Stack, x: &Tensor, taps: &[usize]) -> Vec<Tensor> {
    let x = Var::from_tensor(&x.to_dtype(stack.dtype()).unwrap()).unwrap();
    let mut found = stack.apply(&x, taps).unwrap();
    let mut sum = Tensor::zeros((), stack.dtype(), &Device::Cpu).unwrap();
    for (seed, output) in found.iter().enumerate() {
        let weights = tensor(100 + seed as u64, output.dims()).to_dtype(stack.dtype()).unwrap();
        sum = (sum + (output * weights).unwrap().sum_all().unwrap()).unwrap();
    }
    found.push(sum.backward().unwrap().remove(&x).unwrap());
    found.iter().map(|tensor| tensor.to_dtype(DType::F64).unwrap()).collect()
}

#[test]
fn as_the_kernels() {
    for (nodes, shape, taps) in cases() {
        for (dtype, tolerance) in [(DType::F64, 1e-13), (DType::F32, 2e-5)] {
            let x = tensor(7, &shape);
            let expected = run(&Stack::graph(&nodes, dtype).unwrap(), &x, &taps);
            let found = run(&portable(&nodes, dtype), &x, &taps);
            for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
                assert_eq!(found.dims(), expected.dims());
                let expected = expected.flatten_all().unwrap().to_vec1().unwrap();
                let error = crate::differences::error(found, &expected);
                assert!(
                    error < tolerance,
                    "{index} of {shape:?} through {nodes:?}, {taps:?}, {dtype:?}: {error}"
                );
            }
        }
    }
}
