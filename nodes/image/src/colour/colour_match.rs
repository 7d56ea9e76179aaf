use crate::batch::{self, one_of, samples};
use crate::colour::matching::{self, Target};
use crate::colour::pixels;
use crate::limits;
use dreamwire_sdk::prelude::*;
use serde::Serialize;

/// Gives a picture the colours of another.
///
/// `mean_std` gives each channel the mean and standard deviation of the reference. `mean_std_lab` does so in the
/// decorrelated space l-alpha-beta, on linear light. `covariance` gives the mean and the whole covariance, by the
/// linear map that moves colours least: `A^(-1/2) (A^(1/2) B A^(1/2))^(1/2) A^(-1/2)` for the covariances A of the
/// picture and B of the reference; where the picture's colours lie in a plane or on a line, what varies along it.
/// `histogram` gives each channel the distribution of the reference, by a rising curve through equal quantiles. All
/// but `mean_std_lab` work on display-referred values. The result is `image (1 - strength) + matched strength`,
/// clamped to 0..1.
///
/// Colours count by their alpha, and alpha stays. A picture that is transparent all over stays as it is.
///
/// IMAGE has the size of `image`, and 3 channels if `image` is grey and the reference is not. The images of two
/// batches are paired; a single image goes with all of the other batch.
///
/// Errors: batches that do not match; a reference that is transparent all over; more than 100 megapixels over the
/// batch.
///
/// Sources: Reinhard, Ashikhmin, Gooch and Shirley 2001, Color Transfer between Images; Pitié and Kokaram 2007, The
/// Linear Monge-Kantorovitch Linear Colour Mapping for Example-Based Colour Transfer; Gonzalez and Woods, Digital Image
/// Processing, 4th edition, section 3.3 (histogram matching).
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// What of the reference's colours is taken.
    pub(crate) mode: Mode,
    /// Strength: 0 is the picture, 1 the full match.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-dw-step" = 0.01))]
    pub(crate) strength: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self { mode: Mode::MeanStd, strength: 1.0 }
    }
}

#[derive(Clone, Copy, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum Mode {
    MeanStd,
    MeanStdLab,
    Covariance,
    Histogram,
}

#[derive(Default)]
pub(crate) struct ColorMatch;

impl Node for ColorMatch {
    const KIND: Kind = Kind::new("ColorMatch", 1)
        .title("Color Match")
        .category("image")
        .inputs(&[
            port("image", "IMAGE").doc("The pictures to change, `[B or 1,H,W,C]`."),
            port("reference", "IMAGE")
                .doc("The pictures with the wanted colours, `[B or 1,h,w,c]`, of any size."),
        ])
        .outputs(&[port("IMAGE", "IMAGE").doc("The pictures with those colours, `[B,H,W,C]` in 0..1.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let (image, reference) = (inputs.image("image")?, inputs.image("reference")?);
        let (images, height, width, channels) = image.dims4()?;
        let (references, _, _, other_channels) = reference.dims4()?;
        let batch = batch::paired(("image", images), ("reference", references))?;
        limits::check("the result", batch as u64, width as u64, height as u64)?;
        let wanted = if channels == 1 && other_channels > 1 { 3 } else { channels };

        let image = samples(&image)?;
        let strength = params.strength as f32;
        let mut target = None;
        let mut matched = Vec::with_capacity(batch * height * width * wanted);
        for index in 0..batch {
            call.progress(index as u64, batch as u64, "matching colours")?;
            let target = match &mut target {
                Some(target) if references == 1 => target,
                slot => {
                    let one = samples(&reference.get(if references == 1 { 0 } else { index })?)?;
                    let found = Target::of(params.mode, &one, other_channels).ok_or_else(|| {
                        Error::port("reference", "`reference` is transparent all over: it has no colours")
                    })?;
                    slot.insert(found)
                }
            };
            let given = one_of(&image, index, height * width * channels);
            let change = matching::change(given, channels, target);
            let mixed = |colour: [f32; 3]| match &change {
                Some(change) => {
                    let full = change(colour);
                    // In this form 0 gives exactly the picture, and 1 exactly the match.
                    std::array::from_fn(|i| colour[i] * (1.0 - strength) + full[i] * strength)
                }
                None => colour,
            };
            let before = |done: u64, pixels: u64| {
                call.progress(index as u64 * pixels + done, batch as u64 * pixels, "matching colours")
            };
            matched.extend(pixels::recoloured(given, (channels, wanted), before, mixed)?);
        }
        Ok(Tensor::from_vec(matched, (batch, height, width, wanted), call.device())?.into())
    }
}

#[cfg(test)]
mod tests;
