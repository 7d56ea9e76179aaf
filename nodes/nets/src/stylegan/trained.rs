//! Which tensors of a network train, and where their training begins.

use std::collections::HashMap;

use candle_core::Tensor;
use candle_nn::{Init, VarBuilder};
use dreamwire_kernels::TensorOptions;

use super::mapping::AVERAGE;
use super::mapping_layers::LEARNING_RATE;

/// Whether the tensor of that name, without the prefix of its network, has a gradient in training: all but resampling
/// filters, planes of noise, and the average w, which is counted along.
pub fn is_trained(name: &str) -> bool {
    !(name.ends_with(".resample_filter") || name.ends_with(".noise_const") || name == AVERAGE)
}

/// `tensors`, where those that train are those of `weights`, under the same names.
///
/// # Errors
///
/// If `weights` does not have one of them, and is no map of variables to which it can be added, or in another shape.
pub(super) fn variables(
    tensors: &HashMap<String, Tensor>,
    weights: &VarBuilder,
) -> candle_core::Result<HashMap<String, Tensor>> {
    let mut variables = HashMap::new();
    for (name, tensor) in tensors {
        let tensor = if is_trained(name) {
            weights.get_with_hints(tensor.shape(), name, start(name))?
        } else {
            tensor.clone()
        };
        variables.insert(name.clone(), tensor);
    }
    Ok(variables)
}

/// What a network computes with whose weights are those of `weights`.
pub(super) fn options(weights: &VarBuilder) -> TensorOptions {
    TensorOptions { requires_grad: true, ..TensorOptions::new(weights.dtype(), weights.device().clone()) }
}

/// The distribution that a tensor is drawn from before its training, as in stylegan2-ada-pytorch: layers divide their
/// weights by the square root of their inputs ("equalized learning rate", arXiv:1710.10196, section 4.1), so the weights
/// themselves have the deviation 1; those of a mapping are multiplied by a small rate, too.
fn start(name: &str) -> Init {
    let normal = |stdev: f64| Init::Randn { mean: 0.0, stdev };
    if name.ends_with(".affine.bias") {
        Init::Const(1.0)
    } else if name.ends_with(".bias") || name.ends_with(".noise_strength") {
        Init::Const(0.0)
    } else if name.starts_with("mapping.fc") {
        normal(1.0 / LEARNING_RATE)
    } else {
        normal(1.0)
    }
}
