use std::collections::HashMap;

use candle_core::{DType, Tensor};
use dreamwire_kernels::TensorOptions;

/// Named tensors that do not match a network.
#[derive(Debug, thiserror::Error)]
#[error("these are not the weights of {network}: {}", listed(.problems))]
pub struct ParameterError {
    /// The network that was to be built.
    pub network: &'static str,
    /// One line per tensor: name, expected and found shape.
    pub problems: Vec<String>,
}

/// How many tensors an error names.
const NAMED: usize = 5;

fn listed(problems: &[String]) -> String {
    let mut text = problems[..problems.len().min(NAMED)].join("; ");
    if problems.len() > NAMED {
        text += &format!("; and {} more", problems.len() - NAMED);
    }
    text
}

/// `tensor` in the number type and on the device of `options`. It is converted where it is, the CPU: Metal has no f64.
pub(crate) fn placed(tensor: &Tensor, options: &TensorOptions) -> candle_core::Result<Tensor> {
    tensor.to_dtype(options.dtype)?.to_device(&options.device)
}

/// A weight as gains are folded into it: in f64, so that the network rounds once. One that trains stays what it is, and on
/// its device, which may not have f64.
pub(crate) fn unrounded(weight: &Tensor) -> candle_core::Result<Tensor> {
    if weight.track_op() { Ok(weight.clone()) } else { weight.to_dtype(DType::F64) }
}

/// The number type and the device of a tensor.
pub(crate) fn options_of(tensor: &Tensor) -> TensorOptions {
    TensorOptions::new(tensor.dtype(), tensor.device().clone())
}

/// Takes the `expected` tensors out of `tensors`, in that order.
///
/// # Errors
///
/// One error for everything that is missing, has another shape, or is left over and not `ignored`.
pub(crate) fn take(
    network: &'static str,
    mut tensors: HashMap<String, Tensor>,
    expected: &[(String, Vec<usize>)],
    ignored: impl Fn(&str) -> bool,
) -> Result<Vec<Tensor>, ParameterError> {
    let mut problems = Vec::new();
    let mut taken = Vec::new();
    for (name, shape) in expected {
        match tensors.remove(name) {
            None => problems.push(format!("`{name}` {shape:?} is missing")),
            Some(tensor) if tensor.dims() != shape => {
                problems.push(format!("`{name}` must be {shape:?}, found {:?}", tensor.dims()));
            }
            Some(tensor) => taken.push(tensor),
        }
    }
    let mut others: Vec<_> = tensors.iter().filter(|(name, _)| !ignored(name)).collect();
    others.sort_by_key(|(name, _)| *name);
    problems
        .extend(others.iter().map(|(name, tensor)| format!("`{name}` {:?} is unexpected", tensor.dims())));
    if problems.is_empty() { Ok(taken) } else { Err(ParameterError { network, problems }) }
}
