use std::f64::consts::SQRT_2;

use candle_core::{DType, Result, Tensor};
use dreamwire_kernels::{self as kernels, ModulatedConv, Padding, Rectifier, Stack, TensorOptions};

use super::SLOPE;
use super::filter::square;
use super::layout::Parameters;
use super::tiles::Tiles;
use crate::parameters::unrounded;

/// A modulated convolution, with everything up to its activation: `conv0`, `conv1` or `torgb` of a block.
pub(super) struct Layer {
    /// From w to styles.
    affine: Stack,
    convolution: ModulatedConv,
    noise: Option<Noise>,
}

struct Noise {
    strength: Strength,
    /// `[1, r, r]`, times the strength.
    constant: Tensor,
}

enum Strength {
    Fixed(f64),
    /// One that trains, of one number.
    Variable(Tensor),
}

impl Layer {
    /// `conv0`, which upsamples the map by 2, or `conv1`, which keeps the size: only the former has a filter. Its result,
    /// limited to +-`clamp`, is multiplied by `gain`.
    pub(super) fn convolution(
        parameters: &Parameters,
        name: &str,
        gain: f64,
        clamp: Option<f64>,
        options: &TensorOptions,
    ) -> Result<Self> {
        let tensor = |part| parameters.get(&format!("{name}.{part}"));
        let convolution = match parameters.find(&format!("{name}.resample_filter")) {
            Some(filter) => ModulatedConv::upsampling(tensor("weight"), true, options.clone())?
                .smoothed(&square(filter)?)?,
            None => ModulatedConv::new(tensor("weight"), true, options.clone())?,
        };
        let noise = match parameters.find(&format!("{name}.noise_const")) {
            Some(plane) => Some(Noise::new(plane, tensor("noise_strength"), options)?),
            None => None,
        };
        Ok(Self {
            affine: affine(parameters, name, 1.0, options)?,
            convolution: convolution.rectified(tensor("bias"), rectifier(gain, clamp))?,
            noise,
        })
    }

    /// `torgb`: 1x1, linear, not scaled to unit variance, and without noise.
    pub(super) fn to_picture(
        parameters: &Parameters,
        name: &str,
        clamp: Option<f64>,
        options: &TensorOptions,
    ) -> Result<Self> {
        let tensor = |part| parameters.get(&format!("{name}.{part}"));
        let inputs = tensor("weight").dim(1)?;
        let convolution = ModulatedConv::new(tensor("weight"), false, options.clone())?;
        Ok(Self {
            affine: affine(parameters, name, 1.0 / (inputs as f64).sqrt(), options)?,
            convolution: convolution.rectified(tensor("bias"), Rectifier { slope: 1.0, gain: 1.0, clamp })?,
            noise: None,
        })
    }

    /// Channels of its outputs.
    pub(super) fn outputs(&self) -> usize {
        self.convolution.outputs()
    }

    /// From `x`, `[B, h, w, I]`, made of `tiles`, and `w`, `[B, w]`. `noise`, `[B or 1, 1, h, w]` of the result, replaces
    /// the stored plane, which is repeated in every tile, and is ignored in a layer without noise.
    pub(super) fn forward(
        &self,
        x: &Tensor,
        w: &Tensor,
        noise: Option<&Tensor>,
        tiles: Tiles,
    ) -> Result<Tensor> {
        let (batch, width) = w.dims2()?;
        let styles = self.affine.apply(&w.reshape((batch, width, 1, 1))?, &[0])?[0].flatten_from(1)?;
        let noise = match (&self.noise, noise) {
            (Some(own), Some(plane)) => Some(own.strength.of(&plane.squeeze(1)?)?),
            (Some(own), None) => Some(tiles.repeated(&own.constant, 1)?),
            (None, _) => None,
        };
        self.convolution.apply(x, &styles, noise.as_ref())
    }
}

impl Noise {
    fn new(plane: &Tensor, strength: &Tensor, options: &TensorOptions) -> Result<Self> {
        let (strength, plane) = if options.requires_grad {
            // Of shape [] or [1].
            (Strength::Variable(options.place(&strength.sum_all()?)?), options.place(plane)?)
        } else {
            let strength = strength.to_dtype(DType::F64)?.sum_all()?.to_scalar::<f64>()?;
            (Strength::Fixed(strength), plane.to_dtype(DType::F64)?)
        };
        let constant = options.place(&strength.of(&plane)?)?.unsqueeze(0)?;
        Ok(Self { strength, constant })
    }
}

impl Strength {
    /// `plane` times this.
    fn of(&self, plane: &Tensor) -> Result<Tensor> {
        match self {
            Self::Fixed(strength) => plane * *strength,
            Self::Variable(strength) => plane.broadcast_mul(strength),
        }
    }
}

/// A leaky ReLU with a gain of `sqrt(2)`, limited to +-`clamp`, and all of that times `gain`.
pub(super) fn rectifier(gain: f64, clamp: Option<f64>) -> Rectifier {
    Rectifier { slope: SLOPE, gain: SQRT_2 * gain, clamp: clamp.map(|clamp| clamp * gain) }
}

/// `gain (A w / sqrt(width) + b)`, from `[B, w, 1, 1]` to `[B, I, 1, 1]`.
fn affine(parameters: &Parameters, name: &str, gain: f64, options: &TensorOptions) -> Result<Stack> {
    let tensor = |part| parameters.get(&format!("{name}.affine.{part}"));
    Stack::new(&[dense(tensor("weight"), tensor("bias"), [gain, gain])?], options.clone())
}

/// `gains[0] W x / sqrt(I) + gains[1] b` as a 1x1 convolution, for `weight` `[O, I]` and `bias` `[O]`. The
/// gains are folded in here, in f64 if the weights are fixed, so that the network rounds once.
pub(crate) fn dense(weight: &Tensor, bias: &Tensor, gains: [f64; 2]) -> Result<kernels::Layer> {
    let (outputs, inputs) = weight.dims2()?;
    let weight = (unrounded(weight)? * (gains[0] / (inputs as f64).sqrt()))?;
    Ok(kernels::Layer::Conv {
        weight: weight.reshape((outputs, inputs, 1, 1))?,
        bias: Some((unrounded(bias)? * gains[1])?),
        stride: 1,
        padding: Padding::zeros(0),
    })
}
