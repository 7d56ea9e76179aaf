//! StyleGAN2's layer: a convolution with per-image styles, and everything up to its activation.

use std::sync::Arc;

use candle_core::{DType, Result, Tensor, bail};

use crate::element::Element;
use crate::op::to_f64;
use crate::operators::modulated::Modulated;
use crate::options::{TensorOptions, check_device};
use crate::rectifier::Rectifier;

mod band;
mod run;
mod slopes;
mod smoothing;
mod styles;
mod weights;

use run::Run;
use smoothing::Smoothing;
use weights::Weights;

/// A convolution whose input channels are scaled by the image's styles, and whose outputs are scaled back to
/// unit variance (Karras et al., arXiv:1912.04958, equations 1 and 3 and figure 2), for maps `[n, h, w, c]`:
///
/// ```text
/// y = rectifier(smooth(d * conv(weight, styles * x)) + noise + bias)
/// d[o] = rsqrt(sum_{i, k} (styles[i] * weight[o, i, k])^2 + 1e-8),  or 1 without demodulation
/// ```
///
/// Scaling maps instead of weights leaves one convolution for the whole batch. The result is differentiable
/// with respect to `x`, `styles` and `noise`, and with `requires_grad` to weights and bias too; a run of the
/// kernels keeps only the former and the result. Cloning shares the weights.
#[derive(Clone)]
pub struct ModulatedConv {
    outputs: usize,
    inputs: usize,
    is_upsampling: bool,
    weights: AnyWeights,
    behind: Behind,
}

#[derive(Clone)]
enum AnyWeights {
    F32(Arc<Weights<f32>>),
    F64(Arc<Weights<f64>>),
    Portable(Box<Modulated>),
}

/// What follows a convolution.
#[derive(Clone)]
struct Behind {
    /// The filter after upsampling.
    smoothing: Smoothing,
    /// One number per output; the portable operators have their own.
    bias: Vec<f64>,
    rectifier: Rectifier,
}

impl ModulatedConv {
    /// A convolution of stride 1 that keeps the size; `weight` is `[o, i, k, k]`, k odd. Computes with `options`, in F32 or
    /// F64, and on their device.
    ///
    /// # Errors
    ///
    /// If `weight` has another shape, or the type is another.
    pub fn new(weight: &Tensor, demodulate: bool, options: impl Into<TensorOptions>) -> Result<Self> {
        let (_, _, kh, kw) = weight.dims4()?;
        if kh != kw || kh % 2 == 0 {
            bail!("a modulated convolution needs square kernels of odd size, found {kh}x{kw}")
        }
        Self::build(weight, demodulate, &options.into(), false)
    }

    /// A transposed convolution of stride 2, from `[n, h, w, i]` to `[n, 2 h + 1, 2 w + 1, o]`: `y[2 p + v, 2
    /// q + u] += weight[v, u] * x[p, q]`, as `torch.nn.functional.conv_transpose2d` without padding. `weight`
    /// is `[o, i, 3, 3]`. StyleGAN2 [smooths](ModulatedConv::smoothed) it.
    ///
    /// # Errors
    ///
    /// As [`ModulatedConv::new`].
    pub fn upsampling(weight: &Tensor, demodulate: bool, options: impl Into<TensorOptions>) -> Result<Self> {
        let (_, _, kh, kw) = weight.dims4()?;
        if (kh, kw) != (3, 3) {
            bail!("an upsampling convolution needs 3x3 kernels, found {kh}x{kw}")
        }
        Self::build(weight, demodulate, &options.into(), true)
    }

    fn build(
        weight: &Tensor,
        demodulate: bool,
        options: &TensorOptions,
        is_upsampling: bool,
    ) -> Result<Self> {
        if weight.elem_count() == 0 {
            bail!("a modulated convolution needs weights, found shape {:?}", weight.dims())
        }
        let weights = match options.dtype {
            DType::F32 | DType::F64 if options.is_portable() => {
                AnyWeights::Portable(Box::new(Modulated::new(weight, demodulate, is_upsampling, options)?))
            }
            DType::F32 => AnyWeights::F32(Arc::new(Weights::new(weight, demodulate, is_upsampling)?)),
            DType::F64 => AnyWeights::F64(Arc::new(Weights::new(weight, demodulate, is_upsampling)?)),
            other => bail!("a modulated convolution needs f32 or f64, found {other:?}"),
        };
        let (outputs, inputs, _, _) = weight.dims4()?;
        let behind =
            Behind { smoothing: Smoothing::none(), bias: vec![0.0; outputs], rectifier: Rectifier::NONE };
        Ok(Self { outputs, inputs, is_upsampling, weights, behind })
    }

    /// Smooths the output of an upsampling convolution with `filter`, `[k, k]`, times 4, because three of
    /// four input pixels were zeros. The filter is flipped, as in [`Upfirdn2d`](crate::Upfirdn2d), and reads
    /// zeros around the picture. The result is `[n, 2 h, 2 w, o]`.
    ///
    /// # Errors
    ///
    /// If the convolution keeps the size, or `filter` has another shape or fewer than 2x2 taps.
    pub fn smoothed(mut self, filter: &Tensor) -> Result<Self> {
        if !self.is_upsampling {
            bail!("only an upsampling convolution takes a smoothing filter")
        }
        self.behind.smoothing = Smoothing::new(filter)?;
        if let AnyWeights::Portable(weights) = &mut self.weights {
            weights.smooth(&Smoothing::taps_of(filter)?, self.behind.smoothing.before())?;
        }
        Ok(self)
    }

    /// Adds `bias`, `[o]`, and applies a rectifier.
    ///
    /// # Errors
    ///
    /// If `bias` has another shape, or a field of the rectifier is not positive.
    pub fn rectified(mut self, bias: &Tensor, rectifier: Rectifier) -> Result<Self> {
        let outputs = self.outputs;
        if bias.dims() != [outputs] {
            bail!("the bias must have shape [{outputs}], found {:?}", bias.dims())
        }
        rectifier.check()?;
        match &mut self.weights {
            AnyWeights::Portable(weights) => weights.shift(bias)?,
            AnyWeights::F32(_) | AnyWeights::F64(_) => self.behind.bias = to_f64(bias)?,
        }
        self.behind.rectifier = rectifier;
        Ok(self)
    }

    /// Channels of its outputs.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// The layer's outputs for `x`, `[n, h, w, i]`, and `styles`, `[n, i]`. `noise` is one plane of the
    /// outputs' height and width per image, or one for all, `[n or 1, h, w]`; all channels share it.
    ///
    /// # Errors
    ///
    /// If a shape, a type or a device differs.
    pub fn apply(&self, x: &Tensor, styles: &Tensor, noise: Option<&Tensor>) -> Result<Tensor> {
        let (n, h, w, c) = x.dims4()?;
        if c != self.inputs || styles.dims() != [n, c] {
            let (inputs, found) = (self.inputs, styles.dims());
            bail!(
                "a modulated convolution of {inputs} channels does not match a map {:?} and styles {found:?}",
                x.dims()
            )
        }
        let TensorOptions { dtype, device, .. } = match &self.weights {
            AnyWeights::F32(_) => DType::F32.into(),
            AnyWeights::F64(_) => DType::F64.into(),
            AnyWeights::Portable(weights) => weights.options().clone(),
        };
        if x.dtype() != dtype || styles.dtype() != dtype {
            let (x, styles) = (x.dtype(), styles.dtype());
            bail!(
                "a modulated convolution of {dtype:?} does not match a map of {x:?} and styles of {styles:?}"
            )
        }
        let tensors: Vec<&Tensor> = [x, styles].into_iter().chain(noise).collect();
        check_device("a modulated convolution", &device, &tensors)?;
        let [h, w] = if self.is_upsampling {
            [h, w].map(|size| self.behind.smoothing.outputs(2 * size + 1))
        } else {
            [h, w]
        };
        if let Some(noise) = noise {
            let (planes, noise_h, noise_w) = noise.dims3()?;
            if (planes != 1 && planes != n) || [noise_h, noise_w] != [h, w] || noise.dtype() != dtype {
                let (found, type_found) = (noise.dims(), noise.dtype());
                bail!(
                    "the noise must have shape [{n} or 1, {h}, {w}] and type {dtype:?}, found {found:?} and \
                     {type_found:?}"
                )
            }
        }
        // An empty plane means no noise to the kernels.
        let plane = || match noise {
            Some(noise) => noise.contiguous(),
            None => Tensor::zeros((0, h, w), dtype, x.device()),
        };
        match &self.weights {
            AnyWeights::F32(weights) => self.run(weights, x, styles, &plane()?),
            AnyWeights::F64(weights) => self.run(weights, x, styles, &plane()?),
            AnyWeights::Portable(weights) => weights.apply(x, styles, noise, [h, w], self.behind.rectifier),
        }
    }

    fn run<T: Element>(
        &self,
        weights: &Arc<Weights<T>>,
        x: &Tensor,
        styles: &Tensor,
        noise: &Tensor,
    ) -> Result<Tensor> {
        let run = Run { weights: Arc::clone(weights), behind: self.behind.clone() };
        x.contiguous()?.apply_op3(&styles.contiguous()?, noise, run)
    }
}
