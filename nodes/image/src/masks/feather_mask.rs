use dreamwire_sdk::prelude::*;

/// Fades a mask out towards the edges of the picture.
///
/// The n columns at the left are multiplied by `1/n`, `2/n`, ... `n/n`, from the edge inwards; those at the
/// other edges likewise, and where two ramps meet by both. A ramp that is longer than the mask is as long as
/// the mask. The shape stays `[B,H,W]`; values are clamped to 0..1. Inputs as ComfyUI's. Feather softens the
/// outline of what is selected instead.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// Length of the ramp at the left edge; 0 is none.
    #[schemars(range(min = 0, max = 16384), extend("x-dw-unit" = "px"))]
    pub(crate) left: u32,
    /// Length of the ramp at the upper edge.
    #[schemars(range(min = 0, max = 16384), extend("x-dw-unit" = "px"))]
    pub(crate) top: u32,
    /// Length of the ramp at the right edge.
    #[schemars(range(min = 0, max = 16384), extend("x-dw-unit" = "px"))]
    pub(crate) right: u32,
    /// Length of the ramp at the lower edge.
    #[schemars(range(min = 0, max = 16384), extend("x-dw-unit" = "px"))]
    pub(crate) bottom: u32,
}

#[derive(Default)]
pub(crate) struct FeatherMask;

impl Node for FeatherMask {
    const KIND: Kind = Kind::new("FeatherMask", 1)
        .title("Feather Mask Edges")
        .category("mask")
        .inputs(&[port("mask", "MASK").doc("The masks, `[B,H,W]`.")])
        .outputs(&[port("MASK", "MASK").doc("The faded masks, `[B,H,W]` in 0..1.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let mask = inputs.mask("mask")?;
        let (_, height, width) = mask.dims3()?;
        let columns = weights(width, params.left as usize, params.right as usize);
        let rows = weights(height, params.top as usize, params.bottom as usize);
        let columns = Tensor::from_vec(columns, (1, 1, width), call.device())?;
        let rows = Tensor::from_vec(rows, (1, height, 1), call.device())?;
        Ok(mask.broadcast_mul(&columns)?.broadcast_mul(&rows)?.clamp(0f32, 1f32)?.into())
    }
}

/// The weights of `length` pixels with a ramp of `first` at the start and one of `last` at the end.
fn weights(length: usize, first: usize, last: usize) -> Vec<f32> {
    let ramp = |place: usize, pixels: usize| {
        let pixels = pixels.min(length);
        if place < pixels { (place + 1) as f32 / pixels as f32 } else { 1.0 }
    };
    (0..length).map(|place| ramp(place, first) * ramp(length - 1 - place, last)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masks::fixtures::{check, mask};
    use dreamwire_sdk::testing::{Ran, run_node};

    fn feather(params: &str, samples: &[f32], dims: (usize, usize, usize)) -> Result<Ran> {
        run_node::<FeatherMask>(params, &[("mask", mask(samples, dims))], &[])
    }

    #[test]
    fn every_edge_has_its_ramp() {
        let row = |params: &str| feather(params, &[1.0; 5], (1, 1, 5));
        check(row("{}"), &[1, 1, 5], &[1.0; 5]);
        check(row(r#"{"left": 4}"#), &[1, 1, 5], &[0.25, 0.5, 0.75, 1.0, 1.0]);
        check(row(r#"{"right": 4}"#), &[1, 1, 5], &[1.0, 1.0, 0.75, 0.5, 0.25]);
        let column = |params: &str| feather(params, &[1.0; 5], (1, 5, 1));
        check(column(r#"{"top": 2}"#), &[1, 5, 1], &[0.5, 1.0, 1.0, 1.0, 1.0]);
        check(column(r#"{"bottom": 2}"#), &[1, 5, 1], &[1.0, 1.0, 1.0, 1.0, 0.5]);
    }

    #[test]
    fn ramps_multiply_where_they_meet() {
        let ran = feather(r#"{"left": 4, "right": 4}"#, &[1.0; 4], (1, 1, 4));
        check(ran, &[1, 1, 4], &[0.25, 0.375, 0.375, 0.25]);
        let ran = feather(r#"{"left": 2, "top": 2}"#, &[0.8, 0.4, 0.4, 0.4, 1.0, 1.0, 1.0, 1.0], (2, 2, 2));
        check(ran, &[2, 2, 2], &[0.2, 0.2, 0.2, 0.4, 0.25, 0.5, 0.5, 1.0]);
    }

    #[test]
    fn a_ramp_is_at_most_as_long_as_the_mask() {
        check(feather(r#"{"left": 16384}"#, &[1.0; 2], (1, 1, 2)), &[1, 1, 2], &[0.5, 1.0]);
        check(feather(r#"{"top": 9, "right": 9}"#, &[0.6], (1, 1, 1)), &[1, 1, 1], &[0.6]);
    }
}
