use super::morphology::{Shape, dilated, eroded};
use dreamwire_sdk::prelude::*;
use rayon::prelude::*;
use serde::Serialize;

/// Softens the outline of what a mask selects.
///
/// With `both`, the mask is blurred by a Gaussian of the standard deviation `radius / 3`, cut off at `radius`:
/// a hard edge becomes a ramp of `2 radius` pixels, half of it on each side. With `inside` the mask shrinks by
/// `radius` first, so that the whole ramp lies within it and nothing outside is selected; parts narrower than
/// `2 radius` vanish. With `outside` it grows by `radius` first, so that all that was selected stays selected;
/// gaps narrower than `2 radius` close. Beyond the edges of the picture the mask goes on as it is there.
///
/// The shape stays `[B,H,W]`; values are clamped to 0..1. FeatherMask fades a mask out towards the edges of the
/// picture instead.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// Half the width of the ramp; 0 changes nothing.
    #[schemars(range(min = 0, max = 1024), extend("x-dw-unit" = "px"))]
    pub(crate) radius: u32,
    /// On which side of the edge the ramp lies.
    pub(crate) mode: Mode,
}

impl Default for Params {
    fn default() -> Self {
        Self { radius: 8, mode: Mode::Both }
    }
}

#[derive(Clone, Copy, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Mode {
    Inside,
    Outside,
    Both,
}

#[derive(Default)]
pub(crate) struct Feather;

impl Node for Feather {
    const KIND: Kind = Kind::new("Feather", 1)
        .category("mask")
        .inputs(&[port("mask", "MASK").doc("The masks, `[B,H,W]`.")])
        .outputs(&[port("MASK", "MASK").doc("The softened masks, `[B,H,W]` in 0..1.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let mask = inputs.mask("mask")?;
        let (batch, height, width) = mask.dims3()?;
        // Schemas end at 1024; a larger one must not take forever either.
        let radius = params.radius.min(1024) as usize;
        let mut soft = Vec::with_capacity(batch * height * width);
        for index in 0..batch {
            call.progress(index as u64, batch as u64, "feathering")?;
            let given = mask.get(index)?.clamp(0f32, 1f32)?.flatten_all()?.to_vec1::<f32>()?;
            soft.extend(feathered(given, width, radius, params.mode));
        }
        Ok(Tensor::from_vec(soft, (batch, height, width), call.device())?.into())
    }
}

/// One mask of `width`, in 0..1.
fn feathered(given: Vec<f32>, width: usize, radius: usize, mode: Mode) -> Vec<f32> {
    if radius == 0 {
        return given;
    }
    let kernel = gaussian(radius);
    let mut soft = match mode {
        Mode::Inside => blurred(&eroded(given.clone(), width, Shape::Square, radius), width, &kernel),
        Mode::Outside => blurred(&dilated(given.clone(), width, Shape::Square, radius), width, &kernel),
        Mode::Both => blurred(&given, width, &kernel),
    };
    for (value, given) in soft.iter_mut().zip(given) {
        // Blurring what is within reach cannot exceed it; but sums of floats can, by the last bit.
        *value = match mode {
            Mode::Inside => value.min(given).max(0.0),
            Mode::Outside => value.max(given).min(1.0),
            Mode::Both => value.clamp(0.0, 1.0),
        };
    }
    soft
}

/// The weights from `-radius` to `radius`, of a sum of 1.
fn gaussian(radius: usize) -> Vec<f32> {
    let weights: Vec<f64> = (0..=2 * radius)
        .map(|tap| {
            let distance = tap.abs_diff(radius) as f64 / radius.max(1) as f64;
            (-0.5 * (3.0 * distance).powi(2)).exp()
        })
        .collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| (weight / sum) as f32).collect()
}

/// The mask convolved with `kernel` along both axes; beyond the edges it goes on as it is there.
fn blurred(mask: &[f32], width: usize, kernel: &[f32]) -> Vec<f32> {
    let (radius, height) = (kernel.len() / 2, mask.len() / width.max(1));
    let mut wide = vec![0.0; mask.len()];
    wide.par_chunks_mut(width).zip(mask.par_chunks(width)).for_each(|(out, row)| {
        let mut padded = vec![row[0]; radius];
        padded.extend_from_slice(row);
        padded.resize(width + 2 * radius, row[width - 1]);
        for (out, window) in out.iter_mut().zip(padded.windows(kernel.len())) {
            *out = window.iter().zip(kernel).map(|(value, weight)| value * weight).sum();
        }
    });
    let mut soft = vec![0.0; mask.len()];
    soft.par_chunks_mut(width).enumerate().for_each(|(y, out)| {
        for (tap, weight) in kernel.iter().enumerate() {
            let row = (y + tap).saturating_sub(radius).min(height - 1);
            for (out, value) in out.iter_mut().zip(&wide[row * width..][..width]) {
                *out += weight * value;
            }
        }
    });
    soft
}

#[cfg(test)]
mod tests;
