//! StyleGAN2's layer.

use candle_core::{Result, Tensor};

use super::activated::activated;
use super::constant::constant;
use super::convolution::conv2d;
use super::layout::{channels_first, channels_last};
use crate::layer::Padding;
use crate::op::to_f64;
use crate::options::TensorOptions;
use crate::rectifier::Rectifier;

mod upsampling;

use upsampling::Upsampling;

/// Keeps the demodulation's factor finite, as in the paper's code.
const EPSILON: f64 = 1e-8;

/// The weights of a [`ModulatedConv`](crate::ModulatedConv) and what its operators need.
#[derive(Clone)]
pub(crate) struct Modulated {
    options: TensorOptions,
    /// As given, `[o, i, k, k]`.
    weight: Tensor,
    filters: Filters,
    /// The squares of the weights, summed over the kernel, `[i, o]`.
    energy: Option<Tensor>,
    /// `[o]`.
    bias: Option<Tensor>,
    outputs: usize,
}

#[derive(Clone)]
enum Filters {
    /// `[i, o]`, of 1x1 kernels.
    Pointwise(Tensor),
    /// `[o, i, k, k]`.
    Same(Tensor),
    Upsampling(Upsampling),
}

impl Modulated {
    /// From `[o, i, k, k]`, k odd, or 3 for an upsampling convolution.
    pub(crate) fn new(
        weight: &Tensor,
        demodulate: bool,
        is_upsampling: bool,
        options: &TensorOptions,
    ) -> Result<Self> {
        let (outputs, inputs, k, _) = weight.dims4()?;
        let TensorOptions { dtype, device } = options;
        let numbers = to_f64(weight)?;
        let energy = if demodulate {
            let sums: Vec<f64> =
                numbers.chunks_exact(k * k).map(|kernel| kernel.iter().map(|w| w * w).sum()).collect();
            Some(constant(sums, (outputs, inputs), *dtype, device)?.t()?.contiguous()?)
        } else {
            None
        };
        let filters = if is_upsampling {
            Filters::Upsampling(Upsampling::new(&numbers, [outputs, inputs], &[1.0], 0, options)?)
        } else if k == 1 {
            Filters::Pointwise(constant(numbers, (outputs, inputs), *dtype, device)?.t()?.contiguous()?)
        } else {
            Filters::Same(constant(numbers, (outputs, inputs, k, k), *dtype, device)?)
        };
        Ok(Self { options: options.clone(), weight: weight.clone(), filters, energy, bias: None, outputs })
    }

    pub(crate) fn options(&self) -> &TensorOptions {
        &self.options
    }

    /// Smooths the outputs of an upsampling convolution with `filter`, rows of `k` taps, which is flipped,
    /// between `before` zeros and others.
    pub(crate) fn smooth(&mut self, filter: &[f64], before: usize) -> Result<()> {
        let (outputs, inputs, _, _) = self.weight.dims4()?;
        let numbers = to_f64(&self.weight)?;
        self.filters =
            Filters::Upsampling(Upsampling::new(&numbers, [outputs, inputs], filter, before, &self.options)?);
        Ok(())
    }

    /// Adds `bias`, one number per output.
    pub(crate) fn shift(&mut self, bias: &[f64]) -> Result<()> {
        let TensorOptions { dtype, device } = &self.options;
        self.bias = Some(constant(bias.to_vec(), bias.len(), *dtype, device)?);
        Ok(())
    }

    /// The layer's outputs, `[n, h, w, o]` with `size = [h, w]`, for `x`, `[n, h, w, i]`, `styles`, `[n, i]`,
    /// and `noise`, `[n or 1, h, w]`, all on one device.
    pub(crate) fn apply(
        &self,
        x: &Tensor,
        styles: &Tensor,
        noise: Option<&Tensor>,
        [h, w]: [usize; 2],
        rectifier: Rectifier,
    ) -> Result<Tensor> {
        let n = x.dim(0)?;
        if x.elem_count() == 0 {
            return Tensor::zeros((n, h, w, self.outputs), x.dtype(), x.device());
        }
        let styles = styles.contiguous()?;
        let factors = match &self.energy {
            Some(energy) => Some((styles.sqr()?.matmul(energy)? + EPSILON)?.sqrt()?.recip()?),
            None => None,
        };
        let map = match &self.filters {
            Filters::Pointwise(weight) => pointwise(x, weight, &styles, factors.as_ref())?,
            Filters::Same(weight) => {
                let padding = Padding::zeros(weight.dim(3)? / 2);
                let map = conv2d(&scaled(&channels_first(x)?, &styles)?, weight, 1, padding)?;
                channels_last(&match &factors {
                    Some(factors) => scaled(&map, factors)?,
                    None => map,
                })?
            }
            Filters::Upsampling(filters) => {
                filters.apply(&scaled(&channels_first(x)?, &styles)?, factors.as_ref(), [h, w])?
            }
        };
        let noise = noise.map(|noise| noise.unsqueeze(3)).transpose()?;
        let shifts: Vec<&Tensor> = noise.iter().chain(&self.bias).collect();
        activated(&map, &shifts, rectifier)
    }
}

/// `x`, `[n, c, h, w]`, times `factors`, `[n, c]`.
fn scaled(x: &Tensor, factors: &Tensor) -> Result<Tensor> {
    let (n, c) = factors.dims2()?;
    x.broadcast_mul(&factors.reshape((n, c, 1, 1))?)
}

/// A 1x1 convolution of `x`, `[n, h, w, i]`, as one product per image: here the scaled weights are smaller
/// than a scaled map. `weight` is `[i, o]`.
fn pointwise(x: &Tensor, weight: &Tensor, styles: &Tensor, factors: Option<&Tensor>) -> Result<Tensor> {
    let (n, h, w, c) = x.dims4()?;
    let mut weights = styles.unsqueeze(2)?.broadcast_mul(weight)?;
    if let Some(factors) = factors {
        weights = weights.broadcast_mul(&factors.unsqueeze(1)?)?;
    }
    x.contiguous()?.reshape((n, h * w, c))?.matmul(&weights)?.reshape((n, h, w, weight.dim(1)?))
}
