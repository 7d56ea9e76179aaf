use candle_core::{Result, Tensor};
use dreamwire_kernels::{TensorOptions, Upfirdn2d};

use super::layout::Parameters;
use crate::stylegan::RESIDUAL_GAIN;
use crate::stylegan::convolution::{Convolution, Halving, Shortcut};
use crate::stylegan::filter::halving;

/// The layers at one resolution.
pub(super) struct Block {
    pub(super) resolution: usize,
    /// From the picture: in the first block, and in every one of the skip architecture.
    from_picture: Option<Convolution>,
    /// Downsamples the picture for the next block, in the skip architecture.
    shrink: Option<Upfirdn2d>,
    keeping: Convolution,
    halving: Halving,
    /// Around both convolutions, in the resnet architecture.
    shortcut: Option<Shortcut>,
    /// Channels of its output.
    pub(super) outputs: usize,
}

impl Block {
    pub(super) fn new(
        parameters: &Parameters,
        resolution: usize,
        clamp: Option<f64>,
        options: &TensorOptions,
    ) -> Result<Self> {
        let name = |part: &str| format!("b{resolution}.{part}");
        let get = |part: &str| parameters.get(&name(part));
        let shortcut = match parameters.find(&name("skip.weight")) {
            Some(weight) => {
                let filter = get("skip.resample_filter");
                Some(Shortcut::halving([weight, filter], RESIDUAL_GAIN, options)?)
            }
            None => None,
        };
        let gain = if shortcut.is_some() { RESIDUAL_GAIN } else { 1.0 };
        let halved = ["conv1.weight", "conv1.bias", "conv1.resample_filter"].map(get);
        Ok(Self {
            resolution,
            from_picture: from_picture(parameters, resolution, clamp, options)?,
            shrink: parameters.find(&name("resample_filter")).map(halving).transpose()?,
            keeping: Convolution::rectified(get("conv0.weight"), get("conv0.bias"), clamp, options)?,
            halving: Halving::new(halved, gain, clamp, options)?,
            shortcut,
            outputs: halved[1].dim(0)?,
        })
    }

    /// Channels of the first convolution's output.
    pub(super) fn channels(&self) -> usize {
        self.keeping.outputs()
    }

    /// The first convolution's output, `[B, h, w, channels]`, and the block's, `[B, h / 2, w / 2, outputs]`, of the block
    /// before, if there is one, and the picture. `picture` becomes that of the next block, if that sees one.
    pub(super) fn apply(&self, before: Option<Tensor>, picture: &mut Option<Tensor>) -> Result<[Tensor; 2]> {
        let x = seen(before, self.from_picture.as_ref(), picture.as_ref())?;
        *picture = match (&self.shrink, picture.take()) {
            (Some(shrink), Some(picture)) => Some(shrink.apply(&picture)?),
            _ => None,
        };
        let kept = self.keeping.apply(&x)?;
        let halved = self.halving.apply(&kept)?;
        let halved = match &self.shortcut {
            Some(shortcut) => (shortcut.apply(&x)? + halved)?,
            None => halved,
        };
        Ok([kept, halved])
    }
}

/// `fromrgb` of a block, if it has one.
pub(super) fn from_picture(
    parameters: &Parameters,
    resolution: usize,
    clamp: Option<f64>,
    options: &TensorOptions,
) -> Result<Option<Convolution>> {
    let Some(weight) = parameters.find(&format!("b{resolution}.fromrgb.weight")) else { return Ok(None) };
    let bias = parameters.get(&format!("b{resolution}.fromrgb.bias"));
    Convolution::rectified(weight, bias, clamp, options).map(Some)
}

/// What a block works on: the output of the one before, and what it sees of the picture.
pub(super) fn seen(
    before: Option<Tensor>,
    from_picture: Option<&Convolution>,
    picture: Option<&Tensor>,
) -> Result<Tensor> {
    let part = match (from_picture, picture) {
        (Some(convolution), Some(picture)) => Some(convolution.apply(picture)?),
        _ => None,
    };
    match (before, part) {
        (Some(x), Some(part)) => x + part,
        (Some(x), None) | (None, Some(x)) => Ok(x),
        (None, None) => candle_core::bail!("the first block of a discriminator sees no picture"),
    }
}
