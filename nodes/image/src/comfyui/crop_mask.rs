use crate::geometry::Area;
use dreamwire_sdk::prelude::*;

/// Cuts a rectangle out of every mask of a batch, as ComfyUI's CropMask does.
///
/// The part of the rectangle that is beyond the mask is left out; a rectangle that begins outside begins at the
/// last column or row.
///
/// `[B,H,W]` becomes `[B,h,w]` with `w = min(width, W - x)`, `h = min(height, H - y)`.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// First column, from 0.
    #[schemars(range(min = 0, max = 16384), extend("x-dw-unit" = "px"))]
    pub(crate) x: u32,
    /// First row, from 0.
    #[schemars(range(min = 0, max = 16384), extend("x-dw-unit" = "px"))]
    pub(crate) y: u32,
    /// Width of the rectangle.
    #[schemars(range(min = 1, max = 16384), extend("x-dw-unit" = "px"))]
    pub(crate) width: u32,
    /// Height of the rectangle.
    #[schemars(range(min = 1, max = 16384), extend("x-dw-unit" = "px"))]
    pub(crate) height: u32,
}

impl Default for Params {
    fn default() -> Self {
        Self { x: 0, y: 0, width: 512, height: 512 }
    }
}

#[derive(Default)]
pub(crate) struct CropMask;

impl Node for CropMask {
    const KIND: Kind = Kind::new("CropMask", 1)
        .title("Crop Mask")
        .category("mask")
        .inputs(&[port("mask", "MASK").doc("The masks, `[B,H,W]`.")])
        .outputs(&[port("MASK", "MASK").doc("The rectangles, `[B,h,w]`.")]);
    type Params = Params;

    fn run(&mut self, _: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let mask = inputs.mask("mask")?;
        let (_, height, width) = mask.dims3()?;
        let area = Area::clamped(
            (width, height),
            (params.x as usize, params.y as usize),
            (params.width.max(1) as usize, params.height.max(1) as usize),
        );
        Ok(area.cut(&mask)?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{mask, output};
    use dreamwire_sdk::testing::run_node;

    #[test]
    fn rectangles_are_cut_and_clamped() {
        // Two masks of two rows.
        let samples = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7];
        for (params, dims, expected) in [
            (r#"{"x": 1, "width": 1, "height": 2}"#, [2, 2, 1], vec![0.1, 0.3, 0.5, 0.7]),
            (r#"{"y": 1, "width": 2, "height": 9}"#, [2, 1, 2], vec![0.2, 0.3, 0.6, 0.7]),
            (r#"{"x": 7, "y": 7}"#, [2, 1, 1], vec![0.3, 0.7]),
        ] {
            let ran =
                run_node::<CropMask>(params, &[("mask", mask(&samples, (2, 2, 2)))], &[]).expect(params);
            assert_eq!(output(&ran, 0), (dims.to_vec(), expected), "{params}");
        }
    }
}
