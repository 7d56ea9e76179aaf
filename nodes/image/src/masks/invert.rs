use super::channels::colours;
use dreamwire_sdk::prelude::*;

/// Inverts the colours of a picture.
///
/// Each colour v becomes `1 - v`, display-referred, clamped to 0..1; alpha stays as it is. The shape stays
/// `[B,H,W,C]`. For a MASK, use InvertMask.
///
/// Errors: a picture that has neither 1, 3 nor 4 channels.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {}

#[derive(Default)]
pub(crate) struct Invert;

impl Node for Invert {
    const KIND: Kind = Kind::new("Invert", 1)
        .category("image")
        .inputs(&[port("image", "IMAGE").doc("The pictures, `[B,H,W,C]`.")])
        .outputs(&[port("IMAGE", "IMAGE").doc("The negatives, `[B,H,W,C]` in 0..1.")]);
    type Params = Params;

    fn run(&mut self, _: &Call, _: Params, inputs: Inputs) -> Result<Outputs> {
        let image = inputs.image("image")?;
        let (colours, channels) = (colours("image", &image)?, image.dim(3)?);
        let negative = image.narrow(3, 0, colours)?.affine(-1.0, 1.0)?.clamp(0f32, 1f32)?;
        if colours == channels {
            return Ok(negative.into());
        }
        let alpha = image.narrow(3, colours, channels - colours)?;
        Ok(Tensor::cat(&[negative, alpha], 3)?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masks::fixtures::{check, image, refused};
    use dreamwire_sdk::testing::{Ran, run_node};

    fn invert(samples: &[f32], dims: (usize, usize, usize, usize)) -> Result<Ran> {
        run_node::<Invert>("{}", &[("image", image(samples, dims))], &[])
    }

    #[test]
    fn colours_are_inverted_and_alpha_is_kept() {
        check(invert(&[0.25, 1.0], (2, 1, 1, 1)), &[2, 1, 1, 1], &[0.75, 0.0]);
        check(invert(&[0.0, 0.5, 0.9], (1, 1, 1, 3)), &[1, 1, 1, 3], &[1.0, 0.5, 0.1]);
        let rgba = [0.0, 0.5, 0.9, 0.3, 1.0, 0.2, 0.4, 0.0];
        check(invert(&rgba, (1, 1, 2, 4)), &[1, 1, 2, 4], &[1.0, 0.5, 0.1, 0.3, 0.0, 0.8, 0.6, 0.0]);
    }

    #[test]
    fn what_lies_outside_the_range_is_clamped() {
        check(invert(&[-0.5, 1.5, 0.5], (1, 1, 1, 3)), &[1, 1, 1, 3], &[1.0, 0.0, 0.5]);
    }

    #[test]
    fn other_numbers_of_channels_are_refused() {
        refused(invert(&[0.0; 2], (1, 1, 1, 2)), "image", "`image` must have 1, 3 or 4 channels, found 2");
    }
}
