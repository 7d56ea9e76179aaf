use super::channels::colours;
use dreamwire_sdk::prelude::*;
use serde::Serialize;

/// Makes a mask of one channel of a picture.
///
/// `red`, `green`, `blue` and `alpha` are the channel itself, as in ComfyUI: unlike in LoadImageMask, alpha is
/// not inverted, so what is opaque is selected. `luminance`, which is ours, is
/// `0.2126 R + 0.7152 G + 0.0722 B` of the display-referred values (the weights of Rec. 709). Of a grey
/// picture all of these but alpha are the grey. A picture without alpha is opaque: its alpha is 1 everywhere,
/// with a warning.
///
/// `[B,H,W,C]` becomes `[B,H,W]`, clamped to 0..1.
///
/// Errors: a picture that has neither 1, 3 nor 4 channels.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// The channel that becomes the mask.
    pub(crate) channel: Channel,
}

impl Default for Params {
    fn default() -> Self {
        Self { channel: Channel::Red }
    }
}

#[derive(Clone, Copy, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Channel {
    Red,
    Green,
    Blue,
    Alpha,
    Luminance,
}

#[derive(Default)]
pub(crate) struct ImageToMask;

impl Node for ImageToMask {
    const KIND: Kind = Kind::new("ImageToMask", 1)
        .title("Image to Mask")
        .category("mask")
        .inputs(&[port("image", "IMAGE").doc("The pictures, `[B,H,W,C]`.")])
        .outputs(&[port("MASK", "MASK").doc("The channel, `[B,H,W]` in 0..1.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let image = inputs.image("image")?;
        let (batch, height, width, channels) = image.dims4()?;
        let colours = colours("image", &image)?;
        let plane = |channel: usize| image.narrow(3, channel.min(colours - 1), 1)?.squeeze(3);
        let mask = match params.channel {
            Channel::Red => plane(0)?,
            Channel::Green => plane(1)?,
            Channel::Blue => plane(2)?,
            Channel::Alpha if channels > colours => image.narrow(3, colours, 1)?.squeeze(3)?,
            Channel::Alpha => {
                call.warn("`image` has no alpha, so it is opaque: the mask is 1 everywhere");
                Tensor::ones((batch, height, width), DType::F32, call.device())?
            }
            Channel::Luminance if colours == 1 => plane(0)?,
            Channel::Luminance => (((plane(0)? * 0.2126)? + (plane(1)? * 0.7152)?)? + (plane(2)? * 0.0722)?)?,
        };
        Ok(mask.clamp(0f32, 1f32)?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masks::fixtures::{check, image, refused};
    use dreamwire_sdk::testing::{Ran, run_node};

    fn mask(channel: &str, samples: &[f32], dims: (usize, usize, usize, usize)) -> Result<Ran> {
        let params = format!(r#"{{"channel": "{channel}"}}"#);
        run_node::<ImageToMask>(&params, &[("image", image(samples, dims))], &[])
    }

    #[test]
    fn every_channel_is_itself() {
        let (rgba, dims) = ([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8], (2, 1, 1, 4));
        for (channel, expected) in
            [("red", [0.1, 0.5]), ("green", [0.2, 0.6]), ("blue", [0.3, 0.7]), ("alpha", [0.4, 0.8])]
        {
            check(mask(channel, &rgba, dims), &[2, 1, 1], &expected);
        }
    }

    #[test]
    fn luminance_weighs_the_colours() {
        let colours = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0];
        check(mask("luminance", &colours, (1, 2, 2, 3)), &[1, 2, 2], &[0.2126, 0.7152, 0.0722, 1.0]);
    }

    #[test]
    fn the_channels_of_grey_are_the_grey() {
        for channel in ["red", "green", "blue", "luminance"] {
            check(mask(channel, &[0.3, 1.5], (1, 1, 2, 1)), &[1, 1, 2], &[0.3, 1.0]);
        }
    }

    #[test]
    fn without_alpha_a_picture_is_opaque_and_that_is_said() {
        for channels in [1, 3] {
            let ran = mask("alpha", &[0.2; 6][..2 * channels], (1, 1, 2, channels)).expect("it runs");
            assert!(ran.notes.iter().any(|note| note.contains("has no alpha")), "{:?}", ran.notes);
            check(Ok(ran), &[1, 1, 2], &[1.0, 1.0]);
        }
    }

    #[test]
    fn other_numbers_of_channels_are_refused() {
        refused(mask("red", &[0.0; 5], (1, 1, 1, 5)), "image", "must have 1, 3 or 4 channels, found 5");
    }
}
