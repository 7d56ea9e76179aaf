//! The layers of a stack on any device.

use std::collections::HashMap;

use candle_core::{DType, Result, Tensor, bail};
use candle_nn::{Func, Init, Module, VarBuilder, func, init};

use super::average_pool::average_pool;
use super::channels::local_response_norm;
use super::convolution::conv2d;
use super::factors::biased;
use super::max_pool::max_pool;
use super::mirror::mirrored;
use super::rectifier::{leaky_relu, relu};
use super::upsample::upsample_nearest;
use crate::average_pool::AveragePool;
use crate::layer::{Layer, Node, Padding, PaddingMode, Source};
use crate::local_response::LocalResponseNorm;
use crate::network::Plan;
use crate::options::TensorOptions;
use crate::windows::Windows;

/// The layers of a stack as modules, each with what it reads. A module is given one map: the channels of all that the
/// layer reads.
pub(crate) struct Network {
    modules: Vec<(Func<'static>, Vec<Source>)>,
    pub(crate) options: TensorOptions,
}

impl Network {
    /// With the layers' own weights.
    pub(crate) fn of_layers(nodes: &[Node], options: &TensorOptions) -> Result<Self> {
        let mut weights = HashMap::new();
        for (index, (layer, _)) in nodes.iter().enumerate() {
            let Layer::Conv { weight, bias, .. } = layer else { continue };
            for (name, tensor) in [("weight", Some(weight)), ("bias", bias.as_ref())] {
                if let Some(tensor) = tensor {
                    weights.insert(format!("{index}.{name}"), options.place(tensor)?);
                }
            }
        }
        Self::new(nodes, &VarBuilder::from_tensors(weights, options.dtype, &options.device))
    }

    /// With the weights `{index}.weight` and `{index}.bias` of `weights`, in its type and on its device; the values of
    /// the layers' own are not read.
    pub(crate) fn new(nodes: &[Node], weights: &VarBuilder) -> Result<Self> {
        let options = TensorOptions::new(weights.dtype(), weights.device().clone());
        if !matches!(options.dtype, DType::F32 | DType::F64) {
            bail!("a stack needs f32 or f64, found {:?}", options.dtype)
        }
        let modules = nodes
            .iter()
            .enumerate()
            .map(|(index, (layer, inputs))| Ok((module(layer, &weights.pp(index))?, inputs.clone())));
        Ok(Self { modules: modules.collect::<Result<_>>()?, options })
    }

    /// The taps of `plan` for `x`, in their order. A map is dropped after its last reader, unless a gradient needs it.
    pub(crate) fn apply(&self, x: &Tensor, plan: &Plan) -> Result<Vec<Tensor>> {
        let mut maps = vec![None; plan.shapes.len()];
        maps[0] = Some(x.clone());
        let mut taps: HashMap<usize, Tensor> = HashMap::new();
        for index in plan.layers() {
            let (module, inputs) = &self.modules[index];
            let read: Vec<&Tensor> =
                inputs.iter().filter_map(|source| maps[source.value()].as_ref()).collect();
            let map = module.forward(&Tensor::cat(&read, 1)?)?;
            for source in inputs {
                if plan.last_readers[source.value()] == Some(index) {
                    maps[source.value()] = None;
                }
            }
            if plan.taps.contains(&index) {
                taps.insert(index, map.contiguous()?);
            }
            maps[index + 1] = plan.last_readers[index + 1].is_some().then_some(map);
        }
        Ok(plan.taps.iter().map(|tap| taps[tap].clone()).collect())
    }
}

/// A layer; its weights, if it has any, are the `weight` and `bias` of `weights`.
fn module(layer: &Layer, weights: &VarBuilder) -> Result<Func<'static>> {
    Ok(match *layer {
        Layer::Conv { ref weight, ref bias, stride, padding } => {
            // As candle's own convolution, where they are variables that do not exist yet.
            let (_, inputs, kh, kw) = weight.dims4()?;
            let bound = 1.0 / ((inputs * kh * kw) as f64).sqrt();
            let uniform = Init::Uniform { lo: -bound, up: bound };
            let bias = bias
                .as_ref()
                .map(|bias| weights.get_with_hints(bias.shape(), "bias", uniform))
                .transpose()?;
            let weight = weights.get_with_hints(weight.shape(), "weight", init::DEFAULT_KAIMING_NORMAL)?;
            func(move |x| {
                let y = match padding.mode {
                    PaddingMode::Zeros => conv2d(x, &weight, stride, padding),
                    PaddingMode::Reflect => {
                        conv2d(&mirrored(x, padding)?, &weight, stride, Padding::zeros(0))
                    }
                }?;
                bias.as_ref().map_or(Ok(y.clone()), |bias| biased(&y, bias))
            })
        }
        Layer::Relu => func(relu),
        Layer::LeakyRelu { slope } => func(move |x| leaky_relu(x, slope)),
        Layer::MaxPool { kernel, stride, padding, ceil_mode } => {
            let windows = Windows { kernel, stride, padding };
            func(move |x| max_pool(x, windows, count(x, windows, ceil_mode)?))
        }
        Layer::AveragePool { kernel, stride, padding, ceil_mode, count_padding } => {
            let windows = Windows { kernel, stride, padding };
            let pool = AveragePool { windows, count_padding };
            func(move |x| average_pool(x, pool, count(x, windows, ceil_mode)?))
        }
        Layer::LocalResponseNorm { size, alpha, beta, k } => {
            let norm = LocalResponseNorm { size, alpha, beta, k };
            func(move |x| local_response_norm(x, norm))
        }
        Layer::UpsampleNearest { factor } => func(move |x| upsample_nearest(x, factor)),
        Layer::Concat => func(|x| Ok(x.clone())),
    })
}

/// How many windows there are along the height and the width of `x`.
fn count(x: &Tensor, windows: Windows, ceil_mode: bool) -> Result<[usize; 2]> {
    let (_, _, h, w) = x.dims4()?;
    match [h, w].map(|size| windows.count(size, ceil_mode)) {
        [Some(rows), Some(columns)] => Ok([rows, columns]),
        _ => bail!("a {h}x{w} map is too small for {0}x{0} pooling", windows.kernel),
    }
}
