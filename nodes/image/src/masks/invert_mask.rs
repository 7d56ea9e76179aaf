use dreamwire_sdk::prelude::*;

/// Turns a mask round: what was selected no longer is, and the other way round.
///
/// Each value v becomes `1 - v`, clamped to 0..1. The shape stays `[B,H,W]`. Inputs as ComfyUI's.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {}

#[derive(Default)]
pub(crate) struct InvertMask;

impl Node for InvertMask {
    const KIND: Kind = Kind::new("InvertMask", 1)
        .title("Invert Mask")
        .category("mask")
        .inputs(&[port("mask", "MASK").doc("The masks, `[B,H,W]`.")])
        .outputs(&[port("MASK", "MASK").doc("The inverted masks, `[B,H,W]` in 0..1.")]);
    type Params = Params;

    fn run(&mut self, _: &Call, _: Params, inputs: Inputs) -> Result<Outputs> {
        Ok(inputs.mask("mask")?.affine(-1.0, 1.0)?.clamp(0f32, 1f32)?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masks::fixtures::{check, mask};
    use dreamwire_sdk::testing::run_node;

    #[test]
    fn one_becomes_zero_and_values_stay_in_range() {
        let given = mask(&[0.0, 1.0, 0.25, -0.5, 1.5, 0.5], (2, 1, 3));
        let ran = run_node::<InvertMask>("{}", &[("mask", given)], &[]);
        check(ran, &[2, 1, 3], &[1.0, 0.0, 0.75, 1.0, 0.0, 0.5]);
    }
}
