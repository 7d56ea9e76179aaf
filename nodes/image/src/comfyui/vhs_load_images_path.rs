use crate::files::load_images::Selection;
use crate::sizes::Sizes;
use dreamwire_sdk::prelude::*;

/// Reads the pictures of a folder as one batch, with the inputs of VideoHelperSuite's node of that name.
///
/// As LoadImages with `resize` = first: pictures of another size than the first are cropped around their centre and resized.
/// The order is natural (2 before 10). IMAGE is `[B,H,W,3]`, MASK `[B,H,W]`.
///
/// Errors: as LoadImages.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The folder, or a pattern of names such as `frames/*.png`.
    #[schemars(extend("format" = "dw-files"))]
    pub(crate) directory: String,
    /// The most pictures to read; 0 reads all.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub(crate) image_load_cap: usize,
    /// How many pictures to leave out at the beginning.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub(crate) skip_first_images: usize,
    /// Of how many pictures one is read.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(crate) select_every_nth: usize,
}

fn one() -> usize {
    1
}

#[derive(Default)]
pub(crate) struct VhsLoadImagesPath;

impl Node for VhsLoadImagesPath {
    const KIND: Kind =
        Kind::new("VHS_LoadImagesPath", 1).title("Load Images (Path)").category("image").outputs(&[
            port("IMAGE", "IMAGE").doc("The pictures, `[B,H,W,3]`."),
            port("MASK", "MASK").doc("The masks `1 - alpha`, `[B,H,W]`."),
            port("frame_count", "INT").doc("How many pictures there are, B."),
        ]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, _: Inputs) -> Result<Outputs> {
        let selection = Selection {
            param: "directory",
            files: &params.directory,
            first: params.skip_first_images,
            count: params.image_load_cap,
            step: params.select_every_nth,
            resize: Sizes::First,
        };
        selection.load(call)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_sdk::testing::run_node;
    use image::{GrayImage, ImageFormat};
    use std::io::Cursor;

    #[test]
    fn its_inputs_say_which_pictures() {
        let png = |value: u8, side: u32| {
            let mut png = Cursor::new(Vec::new());
            let picture = GrayImage::from_pixel(side, side, image::Luma([value]));
            picture.write_to(&mut png, ImageFormat::Png).expect("encodes");
            png.into_inner()
        };
        let pictures = [png(0, 1), png(51, 2), png(102, 1), png(153, 4), png(204, 1)];
        let names = ["f/0.png", "f/1.png", "f/2.png", "f/3.png", "f/4.png"];
        let mut files: Vec<(&str, &[u8])> =
            names.into_iter().zip(pictures.iter().map(Vec::as_slice)).collect();
        files.push(("f", b"f/0.png\0f/1.png\0f/2.png\0f/3.png\0f/4.png\0"));
        let params =
            r#"{"directory": "f", "image_load_cap": 2, "skip_first_images": 1, "select_every_nth": 2}"#;
        let ran = run_node::<VhsLoadImagesPath>(params, &[], &files).expect("it loads");
        let image = ran.outputs[0].tensor();
        assert_eq!(image.dims(), [2, 2, 2, 3]);
        let samples: Vec<f32> = image.flatten_all().and_then(|t| t.to_vec1()).expect("f32");
        assert!((samples[0] - 0.2).abs() < 1e-6 && (samples[12] - 0.6).abs() < 1e-6, "{samples:?}");
    }
}
