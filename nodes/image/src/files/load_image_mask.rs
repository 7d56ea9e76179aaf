use crate::files::decode::Picture;
use dreamwire_sdk::prelude::*;
use serde::Serialize;

/// Reads one channel of a picture file as a mask.
///
/// The file is read as by LoadImage: the same formats, limits and conversions. `alpha` gives `1 - alpha`, as
/// in ComfyUI: 1 where the picture is transparent, zeros of the picture's size if it has no alpha. `red`,
/// `green` and `blue` give the channel itself, display-referred, in 0..1; for a grey picture they are all the
/// same.
///
/// MASK is `[1,H,W]`.
///
/// Errors: as LoadImage.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The picture file.
    #[schemars(extend("format" = "dw-file"))]
    pub(crate) image: String,
    /// The channel that becomes the mask; alpha is inverted, the colours are not.
    #[serde(default)]
    pub(crate) channel: Channel,
    /// The layer of an OpenEXR, by name; empty for the one without a name, or the only one.
    #[serde(default)]
    pub(crate) layer: String,
}

#[derive(Clone, Copy, Default, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Channel {
    #[default]
    Alpha,
    Red,
    Green,
    Blue,
}

#[derive(Default)]
pub(crate) struct LoadImageMask;

impl Node for LoadImageMask {
    const KIND: Kind = Kind::new("LoadImageMask", 1)
        .title("Load Image as Mask")
        .category("image")
        .outputs(&[port("MASK", "MASK").doc("The mask, `1 - alpha` or a colour channel, `[1,H,W]`.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, _: Inputs) -> Result<Outputs> {
        let picture = Picture::load(call, "image", &params.image, &params.layer)?;
        let shape = (1, picture.height, picture.width);
        let mask = match params.channel {
            Channel::Alpha => picture.mask,
            Channel::Red => plane(&picture.rgb, 0),
            Channel::Green => plane(&picture.rgb, 1),
            Channel::Blue => plane(&picture.rgb, 2),
        };
        Ok(Tensor::from_vec(mask, shape, call.device())?.into())
    }
}

/// One channel of interleaved RGB.
fn plane(rgb: &[f32], channel: usize) -> Vec<f32> {
    rgb.iter().skip(channel).step_by(3).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_sdk::testing::run_node;
    use image::{DynamicImage, GrayImage, ImageFormat, RgbImage, RgbaImage};
    use std::io::Cursor;

    /// Shape and samples, in 1/255, of the mask from a channel of a picture.
    fn mask(picture: &DynamicImage, channel: &str) -> (Vec<usize>, Vec<f32>) {
        let mut png = Cursor::new(Vec::new());
        picture.write_to(&mut png, ImageFormat::Png).expect("the test picture encodes");
        let params = format!(r#"{{"image": "a.png", "channel": "{channel}"}}"#);
        let files = [("a.png", png.get_ref().as_slice())];
        let ran = run_node::<LoadImageMask>(&params, &[], &files).expect(channel);
        let mask = ran.outputs[0].tensor();
        let samples: Vec<f32> = mask.flatten_all().and_then(|t| t.to_vec1()).expect("f32");
        (mask.dims().to_vec(), samples.iter().map(|v| v * 255.0).collect())
    }

    #[track_caller]
    fn check(picture: &DynamicImage, channel: &str, expected: [f32; 6]) {
        let (dims, found) = mask(picture, channel);
        assert_eq!(dims, [1, 2, 3], "{channel}");
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-3, "{channel}: {found} for {expected}");
        }
    }

    #[test]
    fn every_channel_is_itself_and_alpha_is_turned_round() {
        // Pixel n is (n, 10 + n, 20 + n, 30 + n), by rows of three.
        let picture = RgbaImage::from_fn(3, 2, |x, y| {
            let n = (3 * y + x) as u8;
            image::Rgba([n, 10 + n, 20 + n, 30 + n])
        });
        let picture = DynamicImage::ImageRgba8(picture);
        check(&picture, "red", [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        check(&picture, "green", [10.0, 11.0, 12.0, 13.0, 14.0, 15.0]);
        check(&picture, "blue", [20.0, 21.0, 22.0, 23.0, 24.0, 25.0]);
        check(&picture, "alpha", [225.0, 224.0, 223.0, 222.0, 221.0, 220.0]);
    }

    #[test]
    fn without_alpha_the_mask_is_zero_and_of_the_pictures_size() {
        let picture = DynamicImage::ImageRgb8(RgbImage::from_pixel(3, 2, image::Rgb([9, 9, 9])));
        check(&picture, "alpha", [0.0; 6]);
    }

    #[test]
    fn the_channels_of_a_grey_picture_are_equal() {
        let picture =
            DynamicImage::ImageLuma8(GrayImage::from_fn(3, 2, |x, y| image::Luma([(3 * y + x) as u8])));
        for channel in ["red", "green", "blue"] {
            check(&picture, channel, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        }
    }

    #[test]
    fn a_broken_file_is_an_input_error_that_names_the_param() {
        let files: &[(&str, &[u8])] = &[("a.png", b"<html>404</html>")];
        let Err(error) = run_node::<LoadImageMask>(r#"{"image": "a.png"}"#, &[], files) else {
            panic!("a web page was accepted as a mask");
        };
        assert_eq!((error.status(), error.input()), (dreamwire_sdk::abi::E_INPUT, "image"));
    }
}
