//! StyleGAN2's layer.

use candle_core::{DType, Result, Tensor};

use super::activated::activated;
use super::convolution::conv2d;
use super::factors::scaled as scaled_by_constants;
use crate::layer::Padding;
use crate::options::TensorOptions;
use crate::rectifier::Rectifier;
use crate::turned::{channels_first, channels_last};

mod upsampling;

use upsampling::Upsampling;

/// Keeps the demodulation's factor finite, as in the paper's code.
const EPSILON: f64 = 1e-8;

/// The weights of a [`ModulatedConv`](crate::ModulatedConv) and what its operators need.
#[derive(Clone)]
pub(crate) struct Modulated {
    options: TensorOptions,
    /// As given, `[o, i, k, k]`: in f64, so that what is computed from it is rounded once, unless it trains.
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
        let weight =
            if options.requires_grad { weight.clone() } else { weight.detach().to_dtype(DType::F64)? };
        let energy = if demodulate {
            let squares = weight.sqr()?.flatten_from(2)?;
            Some(options.place(&squares.sum(2)?.t()?)?)
        } else {
            None
        };
        let filters = if is_upsampling {
            Filters::Upsampling(Upsampling::new(&weight, &[1.0], 0, options)?)
        } else if k == 1 {
            Filters::Pointwise(options.place(&weight.reshape((outputs, inputs))?.t()?)?)
        } else {
            Filters::Same(options.place(&weight)?)
        };
        Ok(Self { options: options.clone(), weight, filters, energy, bias: None, outputs })
    }

    pub(crate) fn options(&self) -> &TensorOptions {
        &self.options
    }

    /// Smooths the outputs of an upsampling convolution with `filter`, rows of `k` taps, which is flipped,
    /// between `before` zeros and others.
    pub(crate) fn smooth(&mut self, filter: &[f64], before: usize) -> Result<()> {
        self.filters = Filters::Upsampling(Upsampling::new(&self.weight, filter, before, &self.options)?);
        Ok(())
    }

    /// Adds `bias`, `[o]`.
    pub(crate) fn shift(&mut self, bias: &Tensor) -> Result<()> {
        self.bias = Some(self.options.place(bias)?);
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
    let by_channel = factors.reshape((n, c, 1, 1))?;
    if factors.track_op() { x.broadcast_mul(&by_channel) } else { scaled_by_constants(x, &by_channel) }
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
