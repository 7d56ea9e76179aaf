use candle_core::{Result, Tensor};
use dreamwire_kernels::{
    Layer, ModulatedConv, Padding, Rectifier, Stack, TensorOptions, Upfirdn2d, channels_first, channels_last,
};

use super::SLOPE;
use super::filter::{before_halving, enlarging, halving};
use super::layer::rectifier;
use crate::parameters::unrounded;

/// A convolution without styles that keeps the size, channels last.
pub(super) struct Convolution {
    convolution: ModulatedConv,
    inputs: usize,
    options: TensorOptions,
}

impl Convolution {
    /// With a bias and a leaky ReLU, limited to +-`clamp`. `weight` is `[O, I, k, k]`, `bias` `[O]`.
    pub(super) fn rectified(
        weight: &Tensor,
        bias: &Tensor,
        clamp: Option<f64>,
        options: &TensorOptions,
    ) -> Result<Self> {
        Self::new(weight, bias, rectifier(1.0, clamp), 1.0, options)
    }

    /// Linear and without bias, times `gain`.
    fn linear(weight: &Tensor, gain: f64, options: &TensorOptions) -> Result<Self> {
        let bias = Tensor::zeros(weight.dim(0)?, weight.dtype(), weight.device())?;
        Self::new(weight, &bias, Rectifier { slope: 1.0, gain: 1.0, clamp: None }, gain, options)
    }

    fn new(
        weight: &Tensor,
        bias: &Tensor,
        behind: Rectifier,
        gain: f64,
        options: &TensorOptions,
    ) -> Result<Self> {
        // All styles are 1, and nothing is scaled back.
        let convolution =
            ModulatedConv::new(&scaled(weight, gain)?, false, options.clone())?.rectified(bias, behind)?;
        Ok(Self { convolution, inputs: weight.dim(1)?, options: options.clone() })
    }

    /// Channels of its outputs.
    pub(super) fn outputs(&self) -> usize {
        self.convolution.outputs()
    }

    /// From `x`, `[B, h, w, I]`.
    pub(super) fn apply(&self, x: &Tensor) -> Result<Tensor> {
        let ones = Tensor::ones((x.dim(0)?, self.inputs), self.options.dtype, &self.options.device)?;
        self.convolution.apply(x, &ones, None)
    }
}

/// A 3x3 convolution that halves the size, rounded down, with a bias and a leaky ReLU, channels last.
pub(super) struct Halving {
    filter: Upfirdn2d,
    stack: Stack,
    clamp: Option<f64>,
}

impl Halving {
    /// Its result, limited to +-`clamp`, is multiplied by `gain`.
    pub(super) fn new(
        [weight, bias, filter]: [&Tensor; 3],
        gain: f64,
        clamp: Option<f64>,
        options: &TensorOptions,
    ) -> Result<Self> {
        let Rectifier { gain, clamp, .. } = rectifier(gain, clamp);
        // The gain commutes with the leaky ReLU.
        let layer = Layer::Conv {
            weight: scaled(weight, gain)?,
            bias: Some((unrounded(bias)? * gain)?),
            stride: 2,
            padding: Padding::zeros(0),
        };
        let stack = Stack::new(&[layer, Layer::LeakyRelu { slope: SLOPE }], options.clone())?;
        Ok(Self { filter: before_halving(filter)?, stack, clamp })
    }

    /// From `x`, `[B, h, w, I]`.
    pub(super) fn apply(&self, x: &Tensor) -> Result<Tensor> {
        let x = channels_first(&self.filter.apply(x)?)?;
        let x = channels_last(&self.stack.apply(&x, &[1])?[0])?;
        match self.clamp {
            Some(clamp) => x.clamp(-clamp, clamp),
            None => Ok(x),
        }
    }
}

/// The way around a block of the resnet architecture: a linear 1x1 convolution, and a filter that doubles or halves the
/// size. It is applied where the map is small.
pub(super) struct Shortcut {
    convolution: Convolution,
    filter: Upfirdn2d,
    doubles: bool,
}

impl Shortcut {
    /// To twice the size.
    pub(super) fn doubling(
        [weight, filter]: [&Tensor; 2],
        gain: f64,
        options: &TensorOptions,
    ) -> Result<Self> {
        let (convolution, filter) = (Convolution::linear(weight, gain, options)?, enlarging(filter)?);
        Ok(Self { convolution, filter, doubles: true })
    }

    /// To half of the size, rounded down.
    pub(super) fn halving(
        [weight, filter]: [&Tensor; 2],
        gain: f64,
        options: &TensorOptions,
    ) -> Result<Self> {
        let (convolution, filter) = (Convolution::linear(weight, gain, options)?, halving(filter)?);
        Ok(Self { convolution, filter, doubles: false })
    }

    /// From `x`, `[B, h, w, I]`.
    pub(super) fn apply(&self, x: &Tensor) -> Result<Tensor> {
        if self.doubles {
            self.filter.apply(&self.convolution.apply(x)?)
        } else {
            self.convolution.apply(&self.filter.apply(x)?)
        }
    }
}

/// `gain weight / sqrt(inputs of a sum)`.
fn scaled(weight: &Tensor, gain: f64) -> Result<Tensor> {
    let fan_in: usize = weight.dims()[1..].iter().product();
    unrounded(weight)? * (gain / (fan_in as f64).sqrt())
}
