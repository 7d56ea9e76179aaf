use super::upscale::Method;
use dreamwire_sdk::prelude::*;

/// Changes the size of every picture of a batch by a factor, as ComfyUI's ImageScaleBy does.
///
/// `width = round(W scale_by)`, `height = round(H scale_by)`, each at least 1. Results are clamped to 0..1.
///
/// `[B,H,W,C]` becomes `[B,height,width,C]`. Errors: a result of more than 100 megapixels or 32768 pixels on a side.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// nearest-exact repeats pixels; bilinear and bicubic (a = -0.75) look at the nearest pixels, also when they
    /// shrink; area averages the pixels covered; lanczos (3 lobes) widens when it shrinks.
    pub(crate) upscale_method: Method,
    /// The factor: 2 doubles both sides.
    #[schemars(range(min = 0.01, max = 8.0), extend("x-dw-step" = 0.01))]
    pub(crate) scale_by: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self { upscale_method: Method::NearestExact, scale_by: 1.0 }
    }
}

#[derive(Default)]
pub(crate) struct ImageScaleBy;

impl Node for ImageScaleBy {
    const KIND: Kind = Kind::new("ImageScaleBy", 1)
        .title("Upscale Image By")
        .category("image")
        .inputs(&[port("image", "IMAGE").doc("The pictures, `[B,H,W,C]`.")])
        .outputs(&[port("IMAGE", "IMAGE").doc("The resized pictures, `[B,height,width,C]`.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let image = inputs.image("image")?;
        let (_, height, width, _) = image.dims4()?;
        let side = |old: usize| ((old as f64 * params.scale_by).round() as usize).max(1);
        Ok(params.upscale_method.scaled(call, &image, (side(width), side(height)))?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{image, output};
    use dreamwire_sdk::testing::run_node;

    fn scale(params: &str) -> (Vec<usize>, Vec<f32>) {
        let samples = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6];
        let ran = run_node::<ImageScaleBy>(params, &[("image", image(&samples, (1, 2, 3, 1)))], &[]);
        output(&ran.expect(params), 0)
    }

    #[test]
    fn sides_are_rounded() {
        assert_eq!(scale(r#"{"scale_by": 2}"#).0, [1, 4, 6, 1]);
        // 2 * 0.8 = 1.6 and 3 * 0.8 = 2.4.
        assert_eq!(scale(r#"{"scale_by": 0.8}"#).0, [1, 2, 2, 1]);
        assert_eq!(scale(r#"{"scale_by": 0.01, "upscale_method": "lanczos"}"#).0, [1, 1, 1, 1]);
    }

    #[test]
    fn one_changes_nothing() {
        assert_eq!(scale(r#"{"upscale_method": "bicubic"}"#).1, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]);
    }

    #[test]
    fn nearest_repeats() {
        let (_, found) = scale(r#"{"scale_by": 2}"#);
        assert_eq!(found[..6], [0.1, 0.1, 0.2, 0.2, 0.3, 0.3]);
    }
}
