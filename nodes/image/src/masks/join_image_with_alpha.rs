use super::channels::rgb;
use crate::batch::{paired, stretched};
use crate::limits;
use dreamwire_sdk::prelude::*;

/// Gives a picture an alpha channel: what the mask selects becomes transparent.
///
/// Alpha is `1 - mask`, as in ComfyUI, clamped to 0..1; a mask of another size is resized bilinearly. An alpha
/// that the picture has is replaced; grey becomes three equal colours. SplitImageWithAlpha is the inverse.
///
/// IMAGE is `[B,H,W,4]`. The images and masks of two batches are paired; a single one goes with all of the
/// others.
///
/// Errors: a picture that has neither 1, 3 nor 4 channels; batches that do not match; more than 100 megapixels
/// over the batch.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {}

#[derive(Default)]
pub(crate) struct JoinImageWithAlpha;

impl Node for JoinImageWithAlpha {
    const KIND: Kind = Kind::new("JoinImageWithAlpha", 1)
        .title("Join Image with Alpha")
        .category("mask")
        .inputs(&[
            port("image", "IMAGE").doc("The pictures, `[B or 1,H,W,C]`."),
            port("alpha", "MASK").doc("What becomes transparent, `[B or 1,h,w]`."),
        ])
        .outputs(&[port("IMAGE", "IMAGE").doc("The pictures with alpha, `[B,H,W,4]`.")]);
    type Params = Params;

    fn run(&mut self, _: &Call, _: Params, inputs: Inputs) -> Result<Outputs> {
        let (image, mask) = (inputs.image("image")?, inputs.mask("alpha")?);
        let (images, height, width, _) = image.dims4()?;
        let batch = paired(("image", images), ("alpha", mask.dim(0)?))?;
        limits::check("the result", batch as u64, width as u64, height as u64)?;
        let alpha = stretched(&mask, (width, height))?.affine(-1.0, 1.0)?.clamp(0f32, 1f32)?;
        let colours = rgb("image", &image)?.broadcast_as((batch, height, width, 3))?;
        let alpha = alpha.broadcast_as((batch, height, width, 1))?;
        Ok(Tensor::cat(&[colours, alpha], 3)?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masks::fixtures::{check, image, mask, refused};
    use dreamwire_sdk::testing::{Ran, Value, run_node};

    fn join(image: Value, alpha: Value) -> Result<Ran> {
        run_node::<JoinImageWithAlpha>("{}", &[("image", image), ("alpha", alpha)], &[])
    }

    #[test]
    fn what_is_selected_becomes_transparent() {
        let colours = image(&[0.1, 0.2, 0.3, 0.4, 0.5, 0.6], (1, 1, 2, 3));
        let expected = [0.1, 0.2, 0.3, 1.0, 0.4, 0.5, 0.6, 0.25];
        check(join(colours, mask(&[0.0, 0.75], (1, 1, 2))), &[1, 1, 2, 4], &expected);
    }

    #[test]
    fn grey_becomes_colours_and_alpha_is_replaced() {
        let one = || mask(&[0.5], (1, 1, 1));
        check(join(image(&[0.1], (1, 1, 1, 1)), one()), &[1, 1, 1, 4], &[0.1, 0.1, 0.1, 0.5]);
        check(join(image(&[0.1, 0.2, 0.3, 0.9], (1, 1, 1, 4)), one()), &[1, 1, 1, 4], &[0.1, 0.2, 0.3, 0.5]);
    }

    #[test]
    fn a_mask_of_another_size_is_resized() {
        // Two pixels stretched to four, each half a pixel from the middle of its neighbours.
        let ran = join(image(&[0.0; 4], (1, 1, 4, 1)), mask(&[0.0, 1.0], (1, 1, 2))).expect("it runs");
        let (_, found) = crate::masks::fixtures::output(&ran, 0);
        let alpha: Vec<f32> = found.iter().skip(3).step_by(4).copied().collect();
        assert_eq!(alpha, [1.0, 0.75, 0.25, 0.0]);
    }

    #[test]
    fn batches_are_paired() {
        let dims = [2, 1, 1, 4];
        let expected = [0.3, 0.3, 0.3, 1.0, 0.3, 0.3, 0.3, 0.0];
        check(join(image(&[0.3], (1, 1, 1, 1)), mask(&[0.0, 1.0], (2, 1, 1))), &dims, &expected);
        let expected = [0.3, 0.3, 0.3, 0.5, 0.6, 0.6, 0.6, 0.5];
        check(join(image(&[0.3, 0.6], (2, 1, 1, 1)), mask(&[0.5], (1, 1, 1))), &dims, &expected);
        refused(
            join(image(&[0.3, 0.6], (2, 1, 1, 1)), mask(&[0.5; 3], (3, 1, 1))),
            "alpha",
            "`alpha` has 3 images, but `image` has 2",
        );
    }
}
