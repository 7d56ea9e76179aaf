use crate::geometry::{Borders, Edge};
use dreamwire_sdk::prelude::*;

/// Adds a grey border to every picture of a batch, with a mask for outpainting, as ComfyUI's ImagePadForOutpaint
/// does.
///
/// The border is 0.5 in every channel. MASK is 1 in it, and within `feathering` pixels f of a side with a border it
/// falls into the picture as `((f - d) / f)^2`, where d is the number of pixels between the pixel and the nearest
/// such side, and one more at the right and the bottom. As in ComfyUI, a feathering that is not less than half of the
/// picture's width and height is left out.
///
/// IMAGE is `[B,top+H+bottom,left+W+right,C]`, MASK `[1,top+H+bottom,left+W+right]`. Errors: a result of more than
/// 100 megapixels or 32768 pixels on a side. Pad has other borders.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// Columns to add on the left.
    #[schemars(range(min = 0, max = 16384), extend("x-dw-unit" = "px", "x-dw-step" = 8))]
    pub(crate) left: u32,
    /// Rows to add above.
    #[schemars(range(min = 0, max = 16384), extend("x-dw-unit" = "px", "x-dw-step" = 8))]
    pub(crate) top: u32,
    /// Columns to add on the right.
    #[schemars(range(min = 0, max = 16384), extend("x-dw-unit" = "px", "x-dw-step" = 8))]
    pub(crate) right: u32,
    /// Rows to add below.
    #[schemars(range(min = 0, max = 16384), extend("x-dw-unit" = "px", "x-dw-step" = 8))]
    pub(crate) bottom: u32,
    /// How far the mask reaches into the picture.
    #[schemars(range(min = 0, max = 16384), extend("x-dw-unit" = "px"))]
    pub(crate) feathering: u32,
}

impl Default for Params {
    fn default() -> Self {
        Self { left: 0, top: 0, right: 0, bottom: 0, feathering: 40 }
    }
}

#[derive(Default)]
pub(crate) struct ImagePadForOutpaint;

impl Node for ImagePadForOutpaint {
    const KIND: Kind = Kind::new("ImagePadForOutpaint", 1)
        .title("Pad Image for Outpainting")
        .category("image")
        .inputs(&[port("image", "IMAGE").doc("The pictures, `[B,H,W,C]`.")])
        .outputs(&[
            port("IMAGE", "IMAGE").doc("The pictures with their borders, `[B,height,width,C]`."),
            port("MASK", "MASK").doc("1 in the border, falling to 0 in the picture, `[1,height,width]`."),
        ]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let image = inputs.image("image")?;
        let (_, height, width, channels) = image.dims4()?;
        let borders = Borders {
            left: params.left as usize,
            top: params.top as usize,
            right: params.right as usize,
            bottom: params.bottom as usize,
        };
        let (padded, mask) = borders.around(call, &image, Edge::Constant, &vec![0.5; channels])?;
        let feathering = params.feathering as usize;
        let mask = if feathering > 0 && feathering < width.div_ceil(2) && feathering < height.div_ceil(2) {
            feathered(&mask, &borders, (width, height), feathering)?
        } else {
            mask
        };
        Ok(Outputs::new().tensor(padded).tensor(mask))
    }
}

/// The mask `[1,height,width]` of the borders, falling into the picture of size `picture`.
fn feathered(mask: &Tensor, borders: &Borders, picture: (usize, usize), feathering: usize) -> Result<Tensor> {
    let (_, _, width) = mask.dims3()?;
    let mut samples = crate::batch::samples(mask)?;
    // How deep a pixel is in the picture, seen from the sides that have a border.
    let depth = |at: usize, length: usize, before: usize, after: usize| {
        let first = if before > 0 { at } else { usize::MAX };
        // One more than from the first side, as in ComfyUI.
        let last = if after > 0 { length - at } else { usize::MAX };
        first.min(last)
    };
    for (y, row) in samples.chunks_exact_mut(width).skip(borders.top).take(picture.1).enumerate() {
        let down = depth(y, picture.1, borders.top, borders.bottom);
        for (x, sample) in row[borders.left..].iter_mut().take(picture.0).enumerate() {
            let depth = down.min(depth(x, picture.0, borders.left, borders.right));
            if depth < feathering {
                *sample = ((feathering - depth) as f32 / feathering as f32).powi(2);
            }
        }
    }
    Ok(Tensor::from_vec(samples, mask.dims(), mask.device())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{image, output};
    use dreamwire_sdk::testing::run_node;

    /// Pads a picture of 0.25 and three channels; width and height of the result, picture and mask.
    fn pad(params: &str, (width, height): (usize, usize)) -> (usize, usize, Vec<f32>, Vec<f32>) {
        let samples = vec![0.25; width * height * 3];
        let inputs = [("image", image(&samples, (1, height, width, 3)))];
        let ran = run_node::<ImagePadForOutpaint>(params, &inputs, &[]).expect(params);
        let (dims, padded) = output(&ran, 0);
        let (mask_dims, mask) = output(&ran, 1);
        assert_eq!(mask_dims, [1, dims[1], dims[2]]);
        (dims[2], dims[1], padded, mask)
    }

    #[test]
    fn the_border_is_grey_and_masked() {
        let (width, height, padded, mask) =
            pad(r#"{"left": 1, "right": 2, "top": 1, "bottom": 1, "feathering": 0}"#, (2, 1));
        assert_eq!((width, height), (5, 3));
        assert_eq!(mask, [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
        for (pixel, mask) in padded.chunks(3).zip(mask) {
            assert_eq!(pixel, [if mask == 1.0 { 0.5 } else { 0.25 }; 3]);
        }
    }

    #[test]
    fn the_mask_falls_by_the_square_into_the_picture() {
        // A border on the left alone: 1 and then ((4 - d) / 4)^2.
        let (width, _, _, mask) = pad(r#"{"left": 1, "feathering": 4}"#, (10, 10));
        let row = &mask[5 * width..6 * width];
        assert_eq!(row, [1.0, 1.0, 0.5625, 0.25, 0.0625, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        // On all sides the nearest one counts; the right and the bottom are one pixel further off.
        let (width, _, _, mask) =
            pad(r#"{"left": 1, "right": 1, "top": 1, "bottom": 1, "feathering": 2}"#, (6, 6));
        assert_eq!(mask[3 * width..4 * width], [1.0, 1.0, 0.25, 0.0, 0.0, 0.0, 0.25, 1.0]);
        for row in [2, 6] {
            assert_eq!(mask[row * width..(row + 1) * width], [1.0, 1.0, 0.25, 0.25, 0.25, 0.25, 0.25, 1.0]);
        }
    }

    #[test]
    fn feathering_that_does_not_fit_is_left_out() {
        for (feathering, fits) in [(4, true), (5, false)] {
            let (_, _, _, mask) = pad(&format!(r#"{{"left": 1, "feathering": {feathering}}}"#), (10, 10));
            assert_eq!(mask.iter().any(|v| *v > 0.0 && *v < 1.0), fits, "{feathering} in 10");
        }
    }

    #[test]
    fn without_a_border_the_mask_is_empty() {
        let (width, height, padded, mask) = pad("{}", (100, 100));
        assert_eq!((width, height), (100, 100));
        assert!(padded.iter().all(|v| *v == 0.25) && mask.iter().all(|v| *v == 0.0));
    }
}
