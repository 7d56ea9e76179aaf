use crate::geometry::{Direction, flipped};
use dreamwire_sdk::prelude::*;
use serde::Serialize;

/// Mirrors every picture of a batch, as ComfyUI's ImageFlip does.
///
/// Samples are moved, not changed. `[B,H,W,C]` stays.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// At which axis: at the x axis, top and bottom change places; at the y axis, left and right.
    pub(crate) flip_method: Method,
}

impl Default for Params {
    fn default() -> Self {
        Self { flip_method: Method::Vertically }
    }
}

#[derive(Clone, Copy, Deserialize, JsonSchema, Serialize)]
#[schemars(inline)]
pub(crate) enum Method {
    #[serde(rename = "x-axis: vertically")]
    Vertically,
    #[serde(rename = "y-axis: horizontally")]
    Horizontally,
}

#[derive(Default)]
pub(crate) struct ImageFlip;

impl Node for ImageFlip {
    const KIND: Kind = Kind::new("ImageFlip", 1)
        .title("Image Flip")
        .category("image")
        .inputs(&[port("image", "IMAGE").doc("The pictures, `[B,H,W,C]`.")])
        .outputs(&[port("IMAGE", "IMAGE").doc("The mirrored pictures, `[B,H,W,C]`.")]);
    type Params = Params;

    fn run(&mut self, _: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let direction = match params.flip_method {
            Method::Vertically => Direction::Vertical,
            Method::Horizontally => Direction::Horizontal,
        };
        Ok(flipped(&inputs.image("image")?, direction)?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{image, output};
    use dreamwire_sdk::testing::run_node;

    #[test]
    fn both_axes_mirror() {
        let samples = [0.1, 0.2, 0.3, 0.4];
        for (params, expected) in [
            ("{}", [0.3, 0.4, 0.1, 0.2]),
            (r#"{"flip_method": "x-axis: vertically"}"#, [0.3, 0.4, 0.1, 0.2]),
            (r#"{"flip_method": "y-axis: horizontally"}"#, [0.2, 0.1, 0.4, 0.3]),
        ] {
            let inputs = [("image", image(&samples, (1, 2, 2, 1)))];
            let ran = run_node::<ImageFlip>(params, &inputs, &[]).expect(params);
            assert_eq!(output(&ran, 0).1, expected, "{params}");
        }
    }
}
