use crate::geometry::Area;
use dreamwire_sdk::prelude::*;

/// Cuts a rectangle out of every picture of a batch, as ComfyUI's ImageCrop does.
///
/// As in ComfyUI, the part of the rectangle that is beyond the picture is left out, and a rectangle that begins
/// outside begins at the last column or row; Crop refuses both.
///
/// `[B,H,W,C]` becomes `[B,h,w,C]` with `w = min(width, W - x)`, `h = min(height, H - y)`.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// Width of the rectangle.
    #[schemars(range(min = 1, max = 16384), extend("x-dw-unit" = "px"))]
    pub(crate) width: u32,
    /// Height of the rectangle.
    #[schemars(range(min = 1, max = 16384), extend("x-dw-unit" = "px"))]
    pub(crate) height: u32,
    /// First column, from 0.
    #[schemars(range(min = 0, max = 16384), extend("x-dw-unit" = "px"))]
    pub(crate) x: u32,
    /// First row, from 0.
    #[schemars(range(min = 0, max = 16384), extend("x-dw-unit" = "px"))]
    pub(crate) y: u32,
}

impl Default for Params {
    fn default() -> Self {
        Self { width: 512, height: 512, x: 0, y: 0 }
    }
}

#[derive(Default)]
pub(crate) struct ImageCrop;

impl Node for ImageCrop {
    const KIND: Kind = Kind::new("ImageCrop", 1)
        .title("Image Crop")
        .category("image")
        .inputs(&[port("image", "IMAGE").doc("The pictures, `[B,H,W,C]`.")])
        .outputs(&[port("IMAGE", "IMAGE").doc("The rectangles, `[B,h,w,C]`.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let image = inputs.image("image")?;
        let (_, height, width, _) = image.dims4()?;
        let Params { x, y, .. } = params;
        let area = Area::clamped(
            (width, height),
            (x as usize, y as usize),
            (params.width.max(1) as usize, params.height.max(1) as usize),
        );
        if (area.width, area.height) != (params.width as usize, params.height as usize) {
            let Area { x, y, width: cut_width, height: cut_height } = area;
            call.info(&format!(
                "the picture is {width}x{height}: what is left of the rectangle is {cut_width}x{cut_height} at {x}, {y}"
            ));
        }
        Ok(area.cut(&image)?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{image, output};
    use dreamwire_sdk::testing::run_node;

    /// Crops pixels 0 to 5 (in tenths), three to a row.
    #[track_caller]
    fn check(params: &str, dims: [usize; 4], expected: &[f32], notes: usize) {
        let samples = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5];
        let ran =
            run_node::<ImageCrop>(params, &[("image", image(&samples, (1, 2, 3, 1)))], &[]).expect(params);
        assert_eq!(output(&ran, 0), (dims.to_vec(), expected.to_vec()), "{params}");
        assert_eq!(ran.notes.len(), notes, "{params}: {:?}", ran.notes);
    }

    #[test]
    fn a_rectangle_inside_is_cut_as_it_is() {
        check(r#"{"width": 2, "height": 1, "x": 1, "y": 1}"#, [1, 1, 2, 1], &[0.4, 0.5], 0);
    }

    #[test]
    fn one_that_reaches_beyond_is_clamped_with_a_note() {
        check("{}", [1, 2, 3, 1], &[0.0, 0.1, 0.2, 0.3, 0.4, 0.5], 1);
        check(r#"{"width": 2, "height": 2, "x": 2, "y": 0}"#, [1, 2, 1, 1], &[0.2, 0.5], 1);
        check(r#"{"x": 99, "y": 99}"#, [1, 1, 1, 1], &[0.5], 1);
    }
}
