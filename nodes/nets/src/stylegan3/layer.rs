use std::f64::consts::SQRT_2;

use candle_core::{DType, Result, Tensor};
use dreamwire_kernels::{FilteredLrelu, ModulatedConv, Rectifier, Stack, TensorOptions, Upfirdn2d};

use super::layout::{LayerLayout, Parameters};
use super::resampling::Taps;
use super::{Band, StyleGan3Error};
use crate::parameters::placed;
use crate::stylegan::{SLOPE, dense};

/// Keeps styles of all zeros finite.
const EPSILON: f64 = 1e-24;

/// A modulated convolution with its activation, or the last one, which makes the picture.
pub(super) struct Layer {
    pub(super) name: String,
    /// From w to styles.
    affine: Stack,
    /// Zeros around the map, so that the convolution is a full one.
    frame: Option<Upfirdn2d>,
    convolution: ModulatedConv,
    activation: Option<Activation>,
    pub(super) sizes: Sizes,
}

/// What follows a convolution, but for the last one.
struct Activation {
    rectifier: FilteredLrelu,
    /// `[O]`.
    bias: Tensor,
}

/// Heights of square maps, and channels.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    pub(super) read: usize,
    pub(super) convolved: usize,
    pub(super) made: usize,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    /// Height and width of kernels.
    pub(super) kernel: usize,
}

impl Layer {
    /// The layer that reads a map of the band `read` and makes one of the band `made`.
    pub(super) fn new(
        parameters: &Parameters,
        layout: &LayerLayout,
        [read, made]: [&Band; 2],
        clamp: Option<f64>,
        options: &TensorOptions,
    ) -> std::result::Result<Self, StyleGan3Error> {
        let LayerLayout { name, inputs, outputs, kernel, .. } = layout;
        let tensor = |part| parameters.get(&format!("{name}.{part}"));
        let weight = tensor("weight").to_dtype(DType::F64)?;
        let gain = input_gain(tensor("magnitude_ema"), name)?;
        let (affine_gain, convolution) = match layout.resampling {
            // Demodulation divides by the length of styles times weights, so the gain has to come after it.
            Some(_) => {
                let power = weight.sqr()?.mean_keepdim((1, 2, 3))?;
                let weight = weight.broadcast_div(&(power + EPSILON)?.sqrt()?)?;
                let convolution = ModulatedConv::new(&weight, true, options.clone())?;
                let zeros = Tensor::zeros(*outputs, DType::F64, weight.device())?;
                (1.0, convolution.rectified(&zeros, Rectifier { slope: 1.0, gain, clamp: None })?)
            }
            None => {
                let count = (inputs * kernel * kernel) as f64;
                let linear = Rectifier { slope: 1.0, gain: 1.0, clamp };
                let convolution = ModulatedConv::new(&weight, false, options.clone())?;
                (gain / count.sqrt(), convolution.rectified(tensor("bias"), linear)?)
            }
        };
        let affine = dense(tensor("affine.weight"), tensor("affine.bias"), [affine_gain; 2])?;
        let convolved = read.size + kernel - 1;
        let sizes = Sizes {
            read: read.size,
            convolved,
            made: made.size,
            inputs: *inputs,
            outputs: *outputs,
            kernel: *kernel,
        };
        Ok(Self {
            name: name.strip_prefix("synthesis.").unwrap_or(name).to_owned(),
            affine: Stack::new(&[affine], options.clone())?,
            frame: frame(*kernel)?,
            convolution,
            activation: Activation::new(parameters, layout, [read, made], clamp, options)?,
            sizes,
        })
    }

    /// From `x`, `[B, h, w, I]`, and `w`, `[B, w]`.
    pub(super) fn forward(&self, x: &Tensor, w: &Tensor) -> Result<Tensor> {
        let (batch, width) = w.dims2()?;
        let styles = self.affine.apply(&w.reshape((batch, width, 1, 1))?, &[0])?[0].flatten_from(1)?;
        let framed = self.frame.as_ref().map(|frame| frame.apply(x)).transpose()?;
        let x = framed.as_ref().unwrap_or(x);
        let Some(Activation { rectifier, bias }) = &self.activation else {
            return self.convolution.apply(x, &styles, None);
        };
        // Their size cancels in the demodulation, but for the epsilon there.
        let power = (styles.sqr()?.mean_keepdim(1)? + EPSILON)?;
        let styles = styles.broadcast_div(&power.sqrt()?)?;
        rectifier.apply(&self.convolution.apply(x, &styles, None)?, bias)
    }
}

impl Activation {
    /// None for the last layer, in which the convolution does all.
    fn new(
        parameters: &Parameters,
        layout: &LayerLayout,
        [read, made]: [&Band; 2],
        clamp: Option<f64>,
        options: &TensorOptions,
    ) -> Result<Option<Self>> {
        let Some(resampling) = layout.resampling else { return Ok(None) };
        let filter = |part| parameters.find(&format!("{}.{part}_filter", layout.name));
        let (up_filter, down_filter) = (filter("up"), filter("down"));
        let taps = |filter: Option<&Tensor>| filter.map_or(Ok(1), |filter| filter.dim(0));
        let taps = Taps { up: taps(up_filter)?, down: taps(down_filter)? };
        let [before, after] = resampling.padding(read, made, layout.kernel, taps);
        let rectifier = FilteredLrelu::new(
            up_filter,
            down_filter,
            resampling.up,
            resampling.down,
            [before, after, before, after],
            Rectifier { slope: SLOPE, gain: SQRT_2, clamp },
        )?;
        let bias = placed(parameters.get(&format!("{}.bias", layout.name)), options)?;
        Ok(Some(Self { rectifier, bias }))
    }
}

/// One over the root of the mean square of what a layer reads, as it was in training.
fn input_gain(magnitude: &Tensor, layer: &str) -> std::result::Result<f64, StyleGan3Error> {
    let found = magnitude.to_dtype(DType::F64)?.sum_all()?.to_scalar::<f64>()?;
    if found > 0.0 {
        return Ok(1.0 / found.sqrt());
    }
    Err(StyleGan3Error::Magnitude { name: format!("{layer}.magnitude_ema"), found })
}

/// Adds half of `kernel - 1` zeros on every side; the convolution adds the other half itself.
fn frame(kernel: usize) -> Result<Option<Upfirdn2d>> {
    let zeros = kernel / 2;
    if zeros == 0 {
        return Ok(None);
    }
    let one = Tensor::new(&[[1f64]], &candle_core::Device::Cpu)?;
    Upfirdn2d::new(&one, 1, 1, [zeros; 4], 1.0).map(Some)
}
