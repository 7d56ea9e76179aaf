use crate::batch::{one_of, samples, stretched};
use crate::sizes::fitted;
use crate::{batch, limits};
use dreamwire_sdk::prelude::*;
use serde::Serialize;

/// Blends one picture over another.
///
/// With a of `image1` (below), b of `image2` (above) and B the mode, each sample is
/// `a (1 - factor mask) + B(a, b) factor mask`, clamped to 0..1, on display-referred values:
/// normal `b`; multiply `a b`; screen `a + b - a b`; overlay `2 a b` where a <= 1/2, else `1 - 2 (1 - a) (1 - b)`;
/// soft_light `a - (1 - 2 b) a (1 - a)` where b <= 1/2, else `a + (2 b - 1) (D(a) - a)` with
/// `D(a) = ((16 a - 12) a + 4) a` where a <= 1/4, else `sqrt(a)`; difference `|a - b|`;
/// subtract `a - b`.
///
/// IMAGE has the size of `image1`. An `image2` of another size is cropped to the same ratio around its centre
/// and resized (Catmull-Rom), as in ComfyUI. A mask of another size is resized bilinearly. The images of two
/// batches are paired; a single image or mask goes with all of them.
///
/// Errors: different numbers of channels; batches that do not match; more than 100 megapixels over the batch.
///
/// Source: W3C Compositing and Blending Level 1, section 10.1.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// The blend mode.
    pub(crate) mode: Mode,
    /// Strength of the blend: 0 is `image1`, 1 is the full effect.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-dw-step" = 0.01))]
    pub(crate) factor: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self { mode: Mode::Normal, factor: 0.5 }
    }
}

#[derive(Clone, Copy, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum Mode {
    Normal,
    Multiply,
    Screen,
    Overlay,
    SoftLight,
    Difference,
    Subtract,
}

impl Mode {
    /// `B(a, b)`: the sample `b` blended over `a`.
    fn mix(self, a: f32, b: f32) -> f32 {
        match self {
            Self::Normal => b,
            Self::Multiply => a * b,
            Self::Screen => a + b - a * b,
            Self::Overlay if a <= 0.5 => 2.0 * a * b,
            Self::Overlay => 1.0 - 2.0 * (1.0 - a) * (1.0 - b),
            Self::SoftLight if b <= 0.5 => a - (1.0 - 2.0 * b) * a * (1.0 - a),
            Self::SoftLight => {
                let lightened = if a <= 0.25 { ((16.0 * a - 12.0) * a + 4.0) * a } else { a.sqrt() };
                a + (2.0 * b - 1.0) * (lightened - a)
            }
            Self::Difference => (a - b).abs(),
            Self::Subtract => a - b,
        }
    }
}

#[derive(Default)]
pub(crate) struct Blend;

impl Node for Blend {
    const KIND: Kind = Kind::new("Blend", 1)
        .category("image")
        .inputs(&[
            port("image1", "IMAGE").doc("The lower picture, `[B or 1,H,W,C]`."),
            port("image2", "IMAGE").doc("The upper picture, `[B or 1,h,w,C]`; cropped and resized to H x W."),
            port("mask", "MASK")
                .optional()
                .doc("Where the upper picture is visible, `[B or 1,h,w]`; everywhere if not connected."),
        ])
        .outputs(&[port("IMAGE", "IMAGE").doc("The blended picture, `[B,H,W,C]` in 0..1.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let (below, above) = (inputs.image("image1")?, inputs.image("image2")?);
        let mask = inputs.opt_mask("mask")?;
        Ok(blended(call, (&below, &above), mask.as_ref(), (params.mode, params.factor))?.into())
    }
}

/// The second picture over the first, as Blend documents it.
///
/// # Errors
/// Name the ports `image1`, `image2` and `mask`.
pub(crate) fn blended(
    call: &Call,
    (below, above): (&Tensor, &Tensor),
    mask: Option<&Tensor>,
    (mode, factor): (Mode, f64),
) -> Result<Tensor> {
    let (_, height, width, channels) = below.dims4()?;
    let batch = count(below, above, mask)?;
    limits::check("the result", batch as u64, width as u64, height as u64)?;

    let above = samples(&fitted(call, ("image2", above), ("image1", (width, height)))?)?;
    let below = samples(below)?;
    let mask = mask.map(|mask| samples(&stretched(mask, (width, height))?)).transpose()?;
    let (pixels, factor) = (height * width, factor as f32);
    let mut blended = Vec::with_capacity(batch * pixels * channels);
    for index in 0..batch {
        call.progress(index as u64, batch as u64, "blending")?;
        let below = one_of(&below, index, pixels * channels).chunks_exact(channels);
        let above = one_of(&above, index, pixels * channels).chunks_exact(channels);
        let mask = mask.as_ref().map(|mask| one_of(mask, index, pixels));
        for (pixel, (below, above)) in below.zip(above).enumerate() {
            let amount = factor * mask.map_or(1.0, |mask| mask[pixel]);
            let mixed = below.iter().zip(above).map(|(&a, &b)| {
                // In this form 0 gives exactly a, and 1 exactly the blend.
                (a * (1.0 - amount) + mode.mix(a, b) * amount).clamp(0.0, 1.0)
            });
            blended.extend(mixed);
        }
    }
    Ok(Tensor::from_vec(blended, (batch, height, width, channels), call.device())?)
}

/// Number of images of the result.
fn count(below: &Tensor, above: &Tensor, mask: Option<&Tensor>) -> Result<usize> {
    batch::same_channels(("image1", below), ("image2", above))?;
    let images = batch::paired(("image1", below.dim(0)?), ("image2", above.dim(0)?))?;
    match mask {
        Some(mask) => batch::covered("mask", mask.dim(0)?, images).map(|()| images),
        None => Ok(images),
    }
}

#[cfg(test)]
mod tests;
