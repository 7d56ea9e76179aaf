use crate::batch::samples;
use crate::colour::pixels;
use crate::transfer::{from_linear, to_linear};
use dreamwire_sdk::prelude::*;

/// Adjusts exposure, contrast, gamma, saturation and hue of every image of a batch.
///
/// In this order, on display-referred values v except for exposure: auto_contrast `(v - low) / (high - low)`, clamped
/// to 0..1; exposure, in linear light, times `2^exposure`; contrast `pivot + contrast (v - pivot)`; gamma
/// `v^(1/gamma)`; saturation and hue, matrices that keep grey and luma (Rec. 709 weights). The result is clamped to
/// 0..1. Alpha stays.
///
/// IMAGE has the shape of the input, and is the input itself where every param is neutral.
///
/// Source: W3C Filter Effects Module Level 1, section 9.6 (saturate, hueRotate).
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// Stretches the values of each picture to the whole range, all channels alike.
    pub(crate) auto_contrast: bool,
    /// How much of the visible samples auto_contrast may clip at each end.
    #[schemars(range(min = 0.0, max = 49.0), extend("x-dw-unit" = "%", "x-dw-step" = 0.1))]
    pub(crate) clip: f64,
    /// Exposure: 1 doubles the light, -1 halves it.
    #[schemars(range(min = -10.0, max = 10.0), extend("x-dw-unit" = "stops", "x-dw-step" = 0.05))]
    pub(crate) exposure: f64,
    /// Contrast: 1 keeps it, 0 leaves only the pivot.
    #[schemars(range(min = 0.0, max = 10.0), extend("x-dw-step" = 0.01))]
    pub(crate) contrast: f64,
    /// The value that contrast leaves as it is, in units of the IMAGE range.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-dw-step" = 0.01))]
    pub(crate) pivot: f64,
    /// Gamma: above 1 lightens the middle, below 1 darkens it; 1 keeps it.
    #[schemars(range(min = 0.1, max = 10.0), extend("x-dw-step" = 0.01))]
    pub(crate) gamma: f64,
    /// Saturation: 1 keeps it, 0 is grey of the same luma.
    #[schemars(range(min = 0.0, max = 10.0), extend("x-dw-step" = 0.01))]
    pub(crate) saturation: f64,
    /// Turns all hues: 120 turns red towards green; 0 keeps them.
    #[schemars(range(min = -360.0, max = 360.0), extend("x-dw-unit" = "degrees", "x-dw-step" = 1.0))]
    pub(crate) hue: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            auto_contrast: false,
            clip: 0.5,
            exposure: 0.0,
            contrast: 1.0,
            pivot: 0.5,
            gamma: 1.0,
            saturation: 1.0,
            hue: 0.0,
        }
    }
}

#[derive(Default)]
pub(crate) struct Adjust;

impl Node for Adjust {
    const KIND: Kind = Kind::new("Adjust", 1)
        .category("image")
        .inputs(&[port("image", "IMAGE").rows().doc("The pictures, `[B,H,W,C]`.")])
        .outputs(&[port("IMAGE", "IMAGE").rows().doc("The adjusted pictures, `[B,H,W,C]` in 0..1.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let image = inputs.image("image")?;
        let steps = Steps::of(&params);
        if !params.auto_contrast && steps.is_neutral() {
            return Ok(image.into());
        }
        let (batch, height, width, channels) = image.dims4()?;
        let mut adjusted = Vec::with_capacity(image.elem_count());
        for index in 0..batch {
            let given = samples(&image.get(index)?)?;
            let steps = Steps { stretch: stretch(&params, &given, channels), ..steps };
            let before = |done: u64, pixels: u64| {
                call.progress(index as u64 * pixels + done, batch as u64 * pixels, "adjusting")
            };
            adjusted.extend(pixels::recoloured(&given, (channels, channels), before, |c| steps.apply(c))?);
        }
        Ok(Tensor::from_vec(adjusted, (batch, height, width, channels), image.device())?.into())
    }
}

/// The adjustments that are not neutral.
#[derive(Clone, Copy)]
struct Steps {
    /// The values that become 0 and 1.
    stretch: Option<(f32, f32)>,
    /// Factor of the light.
    exposure: Option<f32>,
    /// Slope and pivot.
    contrast: Option<(f32, f32)>,
    /// Exponent.
    gamma: Option<f32>,
    /// Saturation and hue.
    matrix: Option<[[f32; 3]; 3]>,
}

impl Steps {
    /// All but the stretch, which depends on the picture.
    fn of(params: &Params) -> Self {
        let Params { exposure, contrast, pivot, gamma, saturation, hue, .. } = *params;
        Self {
            stretch: None,
            exposure: (exposure != 0.0).then(|| exposure.exp2() as f32),
            contrast: (contrast != 1.0).then_some((contrast as f32, pivot as f32)),
            gamma: (gamma != 1.0).then(|| (1.0 / gamma) as f32),
            matrix: (saturation != 1.0 || hue != 0.0)
                .then(|| saturate_and_turn(saturation, hue.to_radians())),
        }
    }

    fn is_neutral(&self) -> bool {
        self.exposure.is_none() && self.contrast.is_none() && self.gamma.is_none() && self.matrix.is_none()
    }

    fn apply(&self, mut colour: [f32; 3]) -> [f32; 3] {
        if let Some((low, high)) = self.stretch {
            colour = colour.map(|v| ((v - low) / (high - low)).clamp(0.0, 1.0));
        }
        if let Some(factor) = self.exposure {
            colour = colour.map(|v| from_linear(to_linear(v) * factor));
        }
        if let Some((slope, pivot)) = self.contrast {
            colour = colour.map(|v| pivot + slope * (v - pivot));
        }
        if let Some(exponent) = self.gamma {
            colour = colour.map(|v| v.max(0.0).powf(exponent));
        }
        if let Some(matrix) = &self.matrix {
            colour = matrix.map(|row| row[0] * colour[0] + row[1] * colour[1] + row[2] * colour[2]);
        }
        colour
    }
}

/// The samples that `clip` percent of the visible ones lie below and above; `None` without auto_contrast, or if they
/// are the same.
fn stretch(params: &Params, samples: &[f32], channels: usize) -> Option<(f32, f32)> {
    if !params.auto_contrast {
        return None;
    }
    let visible = samples.chunks_exact(channels).filter(|pixel| pixels::weight(pixel) > 0.0);
    let mut values: Vec<f32> = visible.flat_map(|pixel| pixel.iter().take(3)).copied().collect();
    let rank = (values.len().checked_sub(1)? as f64 * params.clip.clamp(0.0, 50.0) / 100.0).round() as usize;
    let other = values.len() - 1 - rank;
    let low = *values.select_nth_unstable_by(rank, f32::total_cmp).1;
    let high = *values.select_nth_unstable_by(other, f32::total_cmp).1;
    // A flat picture has no contrast to stretch; false for NaN too.
    (high - low > 1e-6).then_some((low, high))
}

/// feColorMatrix's saturate, then its hueRotate.
fn saturate_and_turn(saturation: f64, angle: f64) -> [[f32; 3]; 3] {
    const LUMA: [f64; 3] = [0.213, 0.715, 0.072];
    const SINE: [[f64; 3]; 3] = [[-0.213, -0.715, 0.928], [0.143, 0.140, -0.283], [-0.787, 0.715, 0.072]];
    let (sin, cos) = angle.sin_cos();
    // luma + k (identity - luma), on every row.
    let towards_luma = |i: usize, j: usize, k: f64| LUMA[j] + k * (f64::from(u8::from(i == j)) - LUMA[j]);
    let turn = |i: usize, j: usize| towards_luma(i, j, cos) + sin * SINE[i][j];
    std::array::from_fn(|i| {
        std::array::from_fn(|j| {
            (0..3).map(|k| turn(i, k) * towards_luma(k, j, saturation)).sum::<f64>() as f32
        })
    })
}

#[cfg(test)]
mod tests;
