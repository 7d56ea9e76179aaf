use super::channels::{colours, rgb};
use dreamwire_sdk::prelude::*;

/// Takes a picture with alpha apart: its colours, and a mask of what is transparent.
///
/// MASK is `1 - alpha`, as in ComfyUI and LoadImage, clamped to 0..1: zeros if the picture has no alpha. The
/// colours stay as they are; grey becomes three equal colours. JoinImageWithAlpha is the inverse.
///
/// `[B,H,W,C]` becomes `[B,H,W,3]` and `[B,H,W]`.
///
/// Errors: a picture that has neither 1, 3 nor 4 channels.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {}

#[derive(Default)]
pub(crate) struct SplitImageWithAlpha;

impl Node for SplitImageWithAlpha {
    const KIND: Kind = Kind::new("SplitImageWithAlpha", 1)
        .title("Split Image with Alpha")
        .category("mask")
        .inputs(&[port("image", "IMAGE").doc("The pictures, `[B,H,W,C]`.")])
        .outputs(&[
            port("IMAGE", "IMAGE").doc("The colours, `[B,H,W,3]`."),
            port("MASK", "MASK").doc("What is transparent, `1 - alpha`, `[B,H,W]`; zeros without alpha."),
        ]);
    type Params = Params;

    fn run(&mut self, call: &Call, _: Params, inputs: Inputs) -> Result<Outputs> {
        let image = inputs.image("image")?;
        let (batch, height, width, channels) = image.dims4()?;
        let colours = colours("image", &image)?;
        let mask = if channels > colours {
            image.narrow(3, colours, 1)?.squeeze(3)?.affine(-1.0, 1.0)?.clamp(0f32, 1f32)?
        } else {
            Tensor::zeros((batch, height, width), DType::F32, call.device())?
        };
        Ok(Outputs::new().tensor(rgb("image", &image)?).tensor(mask))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masks::JoinImageWithAlpha;
    use crate::masks::fixtures::{check_output, image, refused};
    use dreamwire_sdk::testing::{Ran, run_node};

    fn split(samples: &[f32], dims: (usize, usize, usize, usize)) -> Result<Ran> {
        run_node::<SplitImageWithAlpha>("{}", &[("image", image(samples, dims))], &[])
    }

    #[test]
    fn alpha_is_turned_round() {
        let ran = split(&[0.1, 0.2, 0.3, 0.0, 0.4, 0.5, 0.6, 0.75], (2, 1, 1, 4)).expect("it runs");
        check_output(&ran, 0, &[2, 1, 1, 3], &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6]);
        check_output(&ran, 1, &[2, 1, 1], &[1.0, 0.25]);
    }

    #[test]
    fn without_alpha_nothing_is_transparent() {
        let ran = split(&[0.1, 0.2, 0.3], (1, 1, 1, 3)).expect("it runs");
        check_output(&ran, 0, &[1, 1, 1, 3], &[0.1, 0.2, 0.3]);
        check_output(&ran, 1, &[1, 1, 1], &[0.0]);
        let ran = split(&[0.1, 0.6], (1, 1, 2, 1)).expect("it runs");
        check_output(&ran, 0, &[1, 1, 2, 3], &[0.1, 0.1, 0.1, 0.6, 0.6, 0.6]);
        check_output(&ran, 1, &[1, 1, 2], &[0.0, 0.0]);
        refused(split(&[0.0; 2], (1, 1, 1, 2)), "image", "must have 1, 3 or 4 channels, found 2");
    }

    #[test]
    fn joined_again_it_is_the_same() {
        let samples = [0.1, 0.2, 0.3, 0.25, 0.4, 0.5, 0.6, 1.0];
        let mut parts = split(&samples, (1, 2, 1, 4)).expect("it runs").outputs;
        let (mask, colours) = (parts.swap_remove(1), parts.swap_remove(0));
        let ran = run_node::<JoinImageWithAlpha>("{}", &[("image", colours), ("alpha", mask)], &[]);
        check_output(&ran.expect("it runs"), 0, &[1, 2, 1, 4], &samples);
    }
}
