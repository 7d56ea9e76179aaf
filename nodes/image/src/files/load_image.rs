use crate::files::decode::Picture;
use dreamwire_sdk::prelude::*;

/// Reads a picture: PNG, JPEG, WebP, TIFF (also BigTIFF), GIF, BMP, QOI or OpenEXR, grey, colour or palette.
///
/// The format is recognised by the content, not by the name. EXIF orientation is applied; an embedded ICC
/// profile is converted to sRGB, and OpenEXR from linear light. A profile for other pictures (of grey for an
/// RGB picture, of CMYK, a damaged one) is ignored, with a warning. CMYK is converted without its profile,
/// with a warning. Premultiplied alpha of TIFF and OpenEXR is taken out of the colours. Of an animation the
/// first frame is read, of several pages the first. Integers of any depth become 0..1 over their range;
/// values outside 0..1 are clamped, with a warning.
///
/// TIFF: grey, RGB, palette and CMYK of integers of 1 to 16, 32 and 64 bits or floats of 16, 32 and 64 bits,
/// uncompressed or with LZW, Deflate, PackBits or CCITT Group 4. Samples that are neither colour nor alpha are
/// dropped, with a warning. OpenEXR: the channels R, G, B, or Y, RY, BY, or a single one, which is grey, with
/// or without A; layers by name. A JPEG that lacks only its end marker is read, with a warning.
///
/// IMAGE is `[1,H,W,3]`, display-referred sRGB in 0..1; MASK is `[1,H,W]`, `1 - alpha`, zeros without alpha.
///
/// Errors: a file that is empty, truncated, broken or of another format or kind; one of far more bytes than its
/// picture can have, which is not read; several layers of which none is chosen; a picture of more than 100
/// megapixels, more than 32768 pixels on a side, or too large for the memory that is available: 16 bytes a pixel
/// and the samples of the file.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The picture file.
    #[schemars(extend("format" = "dw-file"))]
    pub(crate) image: String,
    /// The layer of an OpenEXR, by name; empty for the one without a name, or the only one.
    #[serde(default)]
    pub(crate) layer: String,
}

#[derive(Default)]
pub(crate) struct LoadImage;

impl Node for LoadImage {
    const KIND: Kind = Kind::new("LoadImage", 1).title("Load Image").category("image").outputs(&[
        port("IMAGE", "IMAGE").doc("The picture, `[1,H,W,3]`."),
        port("MASK", "MASK").doc("The mask `1 - alpha`, `[1,H,W]`; zeros if the file has no alpha."),
    ]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, _: Inputs) -> Result<Outputs> {
        let picture = Picture::load(call, "image", &params.image, &params.layer)?;
        let (h, w) = (picture.height, picture.width);
        let image = Tensor::from_vec(picture.rgb, (1, h, w, 3), call.device())?;
        let mask = Tensor::from_vec(picture.mask, (1, h, w), call.device())?;
        Ok(Outputs::new().tensor(image).tensor(mask))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_sdk::testing::{Value, run_node};
    use image::{ImageFormat, RgbaImage};
    use std::io::Cursor;

    #[test]
    fn a_picture_becomes_an_image_and_a_mask() {
        let picture = RgbaImage::from_fn(3, 2, |x, y| image::Rgba([(x * 51) as u8, (y * 51) as u8, 0, 204]));
        let mut png = Cursor::new(Vec::new());
        picture.write_to(&mut png, ImageFormat::Png).expect("encodes");
        // The name lies, and that is noted.
        let ran = run_node::<LoadImage>(r#"{"image": "a.jpg"}"#, &[], &[("a.jpg", png.get_ref().as_slice())])
            .expect("it loads");
        let [Value::Tensor(image), Value::Tensor(mask)] = ran.outputs.as_slice() else {
            panic!("two tensors expected, {} outputs found", ran.outputs.len());
        };
        assert_eq!(image.dims(), [1, 2, 3, 3]);
        assert_eq!(mask.dims(), [1, 2, 3]);
        let samples = image.flatten_all().and_then(|t| t.to_vec1::<f32>()).expect("f32");
        // Row 1, column 2: red 102, green 51.
        assert!((samples[15] - 0.4).abs() < 1e-6 && (samples[16] - 0.2).abs() < 1e-6, "{samples:?}");
        let masked = mask.flatten_all().and_then(|t| t.to_vec1::<f32>()).expect("f32");
        assert!(masked.iter().all(|v| (v - 0.2).abs() < 1e-6), "{masked:?}");
        assert!(ran.notes.iter().any(|note| note.contains("despite its name")), "{:?}", ran.notes);
    }

    #[test]
    fn a_broken_file_is_an_input_error_that_names_the_param() {
        let Err(error) =
            run_node::<LoadImage>(r#"{"image": "a.png"}"#, &[], &[("a.png", b"<html>404</html>")])
        else {
            panic!("a web page was accepted as a picture");
        };
        assert_eq!(error.status(), dreamwire_sdk::abi::E_INPUT);
        assert!(error.to_string().contains("HTML"), "{error}");
    }
}
