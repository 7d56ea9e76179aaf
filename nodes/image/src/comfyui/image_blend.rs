use super::upscale::Method;
use crate::blend::{self, blended};
use crate::geometry::Area;
use crate::masks::with_channels;
use dreamwire_sdk::prelude::*;
use serde::Serialize;

/// Blends one picture over another, as ComfyUI's ImageBlend does; Blend also takes a mask.
///
/// As Blend, with `blend_mode` and `blend_factor` for its mode and factor, but for one mode: here difference is `a - b`
/// and not `|a - b|`, so that it is black where `image2` is lighter and the factor is 1.
///
/// IMAGE has the size and the channels of `image1`. An `image2` of another size is cropped to the same ratio around its
/// centre and resized, bicubically, as by ImageScale. If only one has alpha, `image2` loses it or is opaque.
///
/// Errors: as Blend; an `image2` with colours on a grey `image1`.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// Strength of the blend: 0 is `image1`, 1 is the full effect.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-dw-step" = 0.01))]
    pub(crate) blend_factor: f64,
    /// The blend mode.
    pub(crate) blend_mode: Mode,
}

impl Default for Params {
    fn default() -> Self {
        Self { blend_factor: 0.5, blend_mode: Mode::Normal }
    }
}

#[derive(Clone, Copy, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum Mode {
    Normal,
    Multiply,
    Screen,
    Overlay,
    SoftLight,
    Difference,
}

#[derive(Default)]
pub(crate) struct ImageBlend;

impl Node for ImageBlend {
    const KIND: Kind = Kind::new("ImageBlend", 1)
        .title("Image Blend")
        .category("image")
        .inputs(&[
            port("image1", "IMAGE").doc("The lower picture, `[B or 1,H,W,C]`."),
            port("image2", "IMAGE").doc("The upper picture, `[B or 1,h,w,C]`; cropped and resized to H x W."),
        ])
        .outputs(&[port("IMAGE", "IMAGE").doc("The blended picture, `[B,H,W,C]` in 0..1.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let (below, above) = (inputs.image("image1")?, inputs.image("image2")?);
        let mode = match params.blend_mode {
            Mode::Normal => blend::Mode::Normal,
            Mode::Multiply => blend::Mode::Multiply,
            Mode::Screen => blend::Mode::Screen,
            Mode::Overlay => blend::Mode::Overlay,
            Mode::SoftLight => blend::Mode::SoftLight,
            Mode::Difference => blend::Mode::Subtract,
        };
        let (_, height, width, channels) = below.dims4()?;
        let (_, old_height, old_width, _) = above.dims4()?;
        let above = with_channels("image2", &above, channels)?;
        let above = Area::central((old_width, old_height), (width, height)).cut(&above)?;
        let above = Method::Bicubic.scaled(call, &above, (width, height))?;
        Ok(blended(call, (&below, &above), None, (mode, params.blend_factor))?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_sdk::testing::{Ran, Value, run_node};

    fn run(params: &str, below: &[f32], above: &[f32]) -> Result<Ran> {
        let image = |samples: &[f32]| {
            Value::Tensor(
                Tensor::from_slice(samples, (samples.len(), 1, 1, 1), &Device::Cpu).expect("a batch"),
            )
        };
        run_node::<ImageBlend>(params, &[("image1", image(below)), ("image2", image(above))], &[])
    }

    #[track_caller]
    fn check(params: &str, a: f32, b: f32, expected: f32) {
        let ran = run(params, &[a], &[b]).expect(params);
        let found: Vec<f32> = ran.outputs[0].tensor().flatten_all().and_then(|t| t.to_vec1()).expect("f32");
        assert!((found[0] - expected).abs() < 1e-6, "{params}: {found:?} for {expected}");
    }

    #[test]
    fn alpha_on_one_side_is_dropped_or_opaque() {
        let image = |samples: &[f32]| {
            let shape = (1, 1, 1, samples.len());
            Value::Tensor(Tensor::from_slice(samples, shape, &Device::Cpu).expect("one pixel"))
        };
        let blend = |below: &[f32], above: &[f32]| -> Vec<f32> {
            let inputs = [("image1", image(below)), ("image2", image(above))];
            let ran = run_node::<ImageBlend>(r#"{"blend_factor": 0.5}"#, &inputs, &[]).expect("it blends");
            ran.outputs[0].tensor().flatten_all().and_then(|t| t.to_vec1()).expect("f32")
        };
        assert_eq!(blend(&[0.0, 0.5, 1.0], &[0.5, 0.5, 0.5, 0.1]), [0.25, 0.5, 0.75]);
        assert_eq!(blend(&[0.0, 0.5, 1.0, 0.5], &[0.5, 0.5, 0.5]), [0.25, 0.5, 0.75, 0.75]);
    }

    #[test]
    fn modes_by_hand() {
        let full = |mode: &str| format!(r#"{{"blend_mode": "{mode}", "blend_factor": 1.0}}"#);
        check(&full("normal"), 0.2, 0.8, 0.8);
        check(&full("multiply"), 0.5, 0.4, 0.2);
        check(&full("screen"), 0.5, 0.4, 0.7);
        check(&full("overlay"), 0.75, 0.6, 0.8);
        check(&full("soft_light"), 0.25, 0.75, 0.375);
        check(&full("difference"), 0.7, 0.2, 0.5);
        check(&full("difference"), 0.2, 0.7, 0.0);
    }

    #[test]
    fn the_factor_is_a_mix() {
        check("{}", 0.2, 0.8, 0.5);
        check(r#"{"blend_factor": 0.25}"#, 0.2, 0.8, 0.35);
        // 0.5 a + 0.5 (a - b)
        check(r#"{"blend_mode": "difference"}"#, 0.7, 0.4, 0.5);
        check(r#"{"blend_mode": "difference"}"#, 0.2, 0.3, 0.05);
    }

    #[test]
    fn what_does_not_match_is_refused() {
        let error = run("{}", &[0.1, 0.2], &[0.1, 0.2, 0.3]).err().expect("refused");
        assert_eq!(error.input(), "image2");
    }
}
