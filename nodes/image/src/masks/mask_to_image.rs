use dreamwire_sdk::prelude::*;

/// Shows a mask as a grey picture: black where it is 0, white where it is 1.
///
/// `[B,H,W]` becomes `[B,H,W,3]`, with the mask's values in all three colours, clamped to 0..1. Inputs as
/// ComfyUI's.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {}

#[derive(Default)]
pub(crate) struct MaskToImage;

impl Node for MaskToImage {
    const KIND: Kind = Kind::new("MaskToImage", 1)
        .title("Mask to Image")
        .category("mask")
        .inputs(&[port("mask", "MASK").doc("The masks, `[B,H,W]`.")])
        .outputs(&[port("IMAGE", "IMAGE").doc("The grey pictures, `[B,H,W,3]` in 0..1.")]);
    type Params = Params;

    fn run(&mut self, _: &Call, _: Params, inputs: Inputs) -> Result<Outputs> {
        let mask = inputs.mask("mask")?;
        let (batch, height, width) = mask.dims3()?;
        let grey = mask.clamp(0f32, 1f32)?.unsqueeze(3)?;
        Ok(grey.broadcast_as((batch, height, width, 3))?.contiguous()?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masks::fixtures::{check, mask};
    use dreamwire_sdk::testing::run_node;

    #[test]
    fn every_colour_is_the_mask() {
        let ran = run_node::<MaskToImage>("{}", &[("mask", mask(&[0.25, 1.0, -1.0, 2.0], (2, 1, 2)))], &[]);
        let expected = [0.25, 0.25, 0.25, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0];
        check(ran, &[2, 1, 2, 3], &expected);
    }
}
