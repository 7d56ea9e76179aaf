use dreamwire_sdk::prelude::*;

/// Makes a mask hard: 1 where it is above a value, 0 elsewhere.
///
/// The shape stays `[B,H,W]`. Inputs as ComfyUI's.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// What the mask must exceed to be selected.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-dw-step" = 0.01))]
    pub(crate) value: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self { value: 0.5 }
    }
}

#[derive(Default)]
pub(crate) struct ThresholdMask;

impl Node for ThresholdMask {
    const KIND: Kind = Kind::new("ThresholdMask", 1)
        .title("Threshold Mask")
        .category("mask")
        .inputs(&[port("mask", "MASK").doc("The masks, `[B,H,W]`.")])
        .outputs(&[port("MASK", "MASK").doc("The hard masks, `[B,H,W]`, of 0 and 1.")]);
    type Params = Params;

    fn run(&mut self, _: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        Ok(inputs.mask("mask")?.gt(params.value as f32)?.to_dtype(DType::F32)?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masks::fixtures::{check, mask};
    use dreamwire_sdk::testing::{Ran, run_node};

    fn threshold(params: &str, samples: [f32; 4]) -> Result<Ran> {
        run_node::<ThresholdMask>(params, &[("mask", mask(&samples, (2, 1, 2)))], &[])
    }

    #[test]
    fn what_exceeds_the_value_is_selected() {
        check(threshold("{}", [0.5, 0.500_001, 0.0, 1.0]), &[2, 1, 2], &[0.0, 1.0, 0.0, 1.0]);
        // 0.1 itself does not exceed 0.1, though neither type of float holds it exactly.
        check(threshold(r#"{"value": 0.1}"#, [0.1, 0.11, 0.09, 0.0]), &[2, 1, 2], &[0.0, 1.0, 0.0, 0.0]);
        check(threshold(r#"{"value": 1}"#, [1.0, 0.0, 0.5, 1.0]), &[2, 1, 2], &[0.0; 4]);
    }
}
