use super::channels::colours;
use dreamwire_sdk::prelude::*;

/// Selects the pixels of one colour.
///
/// The mask is 1 where the picture, rounded to 8 bits per channel, has exactly this colour, and 0 elsewhere.
/// Alpha does not matter; grey counts as equal red, green and blue. `[B,H,W,C]` becomes `[B,H,W]`. Inputs as
/// ComfyUI's.
///
/// Errors: a picture that has neither 1, 3 nor 4 channels.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// The colour, `65536 red + 256 green + blue` with each in 0..255: 0 is black, 16711680 red, 65280 green, 255
    /// blue, 16777215 white.
    #[schemars(range(min = 0, max = 16_777_215))]
    pub(crate) color: u32,
}

#[derive(Default)]
pub(crate) struct ImageColorToMask;

impl Node for ImageColorToMask {
    const KIND: Kind = Kind::new("ImageColorToMask", 1)
        .title("Image Color to Mask")
        .category("mask")
        .inputs(&[port("image", "IMAGE").doc("The pictures, `[B,H,W,C]`.")])
        .outputs(&[port("MASK", "MASK").doc("Where they have the colour, `[B,H,W]`, of 0 and 1.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let image = inputs.image("image")?;
        let (batch, height, width, channels) = image.dims4()?;
        let colours = colours("image", &image)?;
        let [_, red, green, blue] = params.color.to_be_bytes().map(f32::from);
        let wanted = [red, green, blue];
        let mut mask = Vec::with_capacity(batch * height * width);
        for index in 0..batch {
            call.progress(index as u64, batch as u64, "comparing")?;
            let samples = image.get(index)?.flatten_all()?.to_vec1::<f32>()?;
            mask.extend(samples.chunks_exact(channels).map(|pixel| {
                let equal = (0..3).all(|colour| {
                    let found = (pixel[colour.min(colours - 1)].clamp(0.0, 1.0) * 255.0).round();
                    found == wanted[colour]
                });
                f32::from(u8::from(equal))
            }));
        }
        Ok(Tensor::from_vec(mask, (batch, height, width), call.device())?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masks::fixtures::{check, image};
    use dreamwire_sdk::testing::{Ran, run_node};

    fn select(color: u32, samples: &[f32], dims: (usize, usize, usize, usize)) -> Result<Ran> {
        let params = format!(r#"{{"color": {color}}}"#);
        run_node::<ImageColorToMask>(&params, &[("image", image(samples, dims))], &[])
    }

    #[test]
    fn the_colour_must_be_equal_in_eight_bits() {
        let v = |byte: f32| byte / 255.0;
        // 0x336699 itself, rounded to it from both sides, one off in blue, red and blue exchanged.
        let near = [
            [v(51.0), v(102.0), v(153.0)],
            [v(51.4), v(101.6), v(153.4)],
            [v(51.0), v(102.0), v(154.0)],
            [v(153.0), v(102.0), v(51.0)],
        ];
        check(select(0x33_66_99, near.as_flattened(), (2, 1, 2, 3)), &[2, 1, 2], &[1.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn the_ends_of_the_range_and_what_lies_outside() {
        let samples = [1.2, 1.0, 1.0, -0.2, 0.0, 0.001];
        check(select(0xFF_FF_FF, &samples, (1, 1, 2, 3)), &[1, 1, 2], &[1.0, 0.0]);
        check(select(0, &samples, (1, 1, 2, 3)), &[1, 1, 2], &[0.0, 1.0]);
    }

    #[test]
    fn grey_is_three_equal_colours_and_alpha_does_not_matter() {
        check(select(0x66_66_66, &[0.4, 0.5], (1, 1, 2, 1)), &[1, 1, 2], &[1.0, 0.0]);
        check(select(0x66_66_67, &[0.4, 0.5], (1, 1, 2, 1)), &[1, 1, 2], &[0.0, 0.0]);
        let rgba = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0];
        check(select(0xFF_00_00, &rgba, (1, 2, 1, 4)), &[1, 2, 1], &[1.0, 1.0]);
    }
}
