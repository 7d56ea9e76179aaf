use crate::geometry::{Quarters, quarters};
use dreamwire_sdk::prelude::*;
use serde::Serialize;

/// Turns every picture of a batch by quarters, clockwise, as ComfyUI's ImageRotate does.
///
/// Samples are moved, not changed. `[B,H,W,C]` becomes `[B,W,H,C]` at 90 and 270 degrees. See Rotate for other
/// angles.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// The angle, clockwise.
    pub(crate) rotation: Rotation,
}

impl Default for Params {
    fn default() -> Self {
        Self { rotation: Rotation::None }
    }
}

#[derive(Clone, Copy, Deserialize, JsonSchema, Serialize)]
#[schemars(inline)]
pub(crate) enum Rotation {
    #[serde(rename = "none")]
    None,
    #[serde(rename = "90 degrees")]
    One,
    #[serde(rename = "180 degrees")]
    Two,
    #[serde(rename = "270 degrees")]
    Three,
}

#[derive(Default)]
pub(crate) struct ImageRotate;

impl Node for ImageRotate {
    const KIND: Kind = Kind::new("ImageRotate", 1)
        .title("Image Rotate")
        .category("image")
        .inputs(&[port("image", "IMAGE").doc("The pictures, `[B,H,W,C]`.")])
        .outputs(&[port("IMAGE", "IMAGE").doc("The turned pictures, `[B,H,W,C]` or `[B,W,H,C]`.")]);
    type Params = Params;

    fn run(&mut self, _: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let turns = match params.rotation {
            Rotation::None => Quarters::None,
            Rotation::One => Quarters::One,
            Rotation::Two => Quarters::Two,
            Rotation::Three => Quarters::Three,
        };
        Ok(quarters(&inputs.image("image")?, turns)?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{image, output};
    use dreamwire_sdk::testing::run_node;

    #[test]
    fn quarters_turn_clockwise() {
        let samples = [0.1, 0.2, 0.3];
        for (params, dims, expected) in [
            ("{}", [1, 1, 3, 1], [0.1, 0.2, 0.3]),
            (r#"{"rotation": "90 degrees"}"#, [1, 3, 1, 1], [0.1, 0.2, 0.3]),
            (r#"{"rotation": "180 degrees"}"#, [1, 1, 3, 1], [0.3, 0.2, 0.1]),
            (r#"{"rotation": "270 degrees"}"#, [1, 3, 1, 1], [0.3, 0.2, 0.1]),
        ] {
            let inputs = [("image", image(&samples, (1, 1, 3, 1)))];
            let ran = run_node::<ImageRotate>(params, &inputs, &[]).expect(params);
            assert_eq!(output(&ran, 0), (dims.to_vec(), expected.to_vec()), "{params}");
        }
    }
}
