use std::collections::HashMap;
use std::path::Path;

use candle_core::{Device, Result, Tensor};
use dreamwire_nets::random::CounterRng;
use dreamwire_nets::weights;

use crate::failure::Failure;

/// The seed of everything random: two runs see the same numbers.
const SEED: u64 = 0x6472_6561_6d77;
/// Streams of weights are counted from 0, those of inputs from here.
const INPUTS: u64 = 1 << 32;

/// All tensors of a file.
///
/// # Errors
///
/// If the file cannot be read, or is of another kind.
pub(crate) fn read(path: &Path) -> std::result::Result<HashMap<String, Tensor>, Failure> {
    let unusable = |what: String| Failure::Input(format!("`{}`: {what}", path.display()));
    let bytes = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
    weights::read_all(&bytes).map_err(|error| unusable(error.to_string()))
}

/// The inputs of a network on its device, by name and shape: from the file, or uniform in `low..high`.
///
/// # Errors
///
/// If the file cannot be read, or a tensor is missing or has another shape.
pub(crate) fn inputs(
    file: Option<&Path>,
    expected: &[(&str, &[usize])],
    [low, high]: [f64; 2],
    device: &Device,
) -> std::result::Result<Vec<Tensor>, Failure> {
    let Some(path) = file else {
        let random = |(index, (_, shape)): (usize, &(&str, &[usize]))| {
            Ok(uniform(INPUTS + index as u64, shape, low, high)?.to_device(device)?)
        };
        return expected.iter().enumerate().map(random).collect();
    };
    let mut tensors = read(path)?;
    let mut take = |name: &str, shape: &[usize]| match tensors.remove(name) {
        Some(tensor) if tensor.dims() == shape => Ok(tensor.to_device(device)?),
        found => {
            let found = found.map_or_else(|| "nothing".to_owned(), |tensor| format!("{:?}", tensor.dims()));
            let path = path.display();
            Err(Failure::Input(format!("`{path}`: tensor `{name}` must be {shape:?}, found {found}")))
        }
    };
    expected.iter().map(|(name, shape)| take(name, shape)).collect()
}

/// The tensors on a device.
pub(crate) fn on(tensors: HashMap<String, Tensor>, device: &Device) -> Result<HashMap<String, Tensor>> {
    tensors.into_iter().map(|(name, tensor)| Ok((name, tensor.to_device(device)?))).collect()
}

/// Writes the result of a run, if requested.
///
/// # Errors
///
/// If the file cannot be written.
pub(crate) fn write(file: Option<&Path>, result: &Tensor) -> std::result::Result<(), Failure> {
    let Some(path) = file else { return Ok(()) };
    let cannot =
        |error: candle_core::Error| Failure::Output(format!("cannot write `{}`: {error}", path.display()));
    result.save_safetensors("result", path).map_err(cannot)
}

/// Random weights of these names and shapes that keep the scale of activations (He et al., arXiv:1502.01852):
/// the variance of a convolution's `[O, I, kh, kw]` is `2 / (I kh kw)`. Everything else is in -0.1..0.1.
pub(crate) fn he(shapes: &[(String, Vec<usize>)]) -> Result<HashMap<String, Tensor>> {
    let tensor = |(index, (name, shape)): (usize, &(String, Vec<usize>))| {
        let bound = match shape.as_slice() {
            [_, inputs, kh, kw] => (6.0 / (inputs * kh * kw) as f64).sqrt(),
            _ => 0.1,
        };
        Ok((name.clone(), uniform(index as u64, shape, -bound, bound)?))
    };
    shapes.iter().enumerate().map(tensor).collect()
}

/// Random numbers in `low..high`, different for each `stream`.
pub(crate) fn uniform(stream: u64, shape: &[usize], low: f64, high: f64) -> Result<Tensor> {
    let rng = CounterRng::new(SEED).stream(stream);
    let unit = |position| (rng.at(position) >> 40) as f64 / (1u64 << 24) as f64;
    let count: usize = shape.iter().product();
    let values: Vec<f32> = (0..count as u64).map(|at| (low + (high - low) * unit(at)) as f32).collect();
    Tensor::from_vec(values, shape, &Device::Cpu)
}
