use crate::comfyui::image_blur::kernel;
use crate::filters::sharpen::unsharp;
use dreamwire_sdk::prelude::*;

/// Sharpens every image of a batch, as ComfyUI's ImageSharpen does; Sharpen has a sigma in pixels and a threshold.
///
/// Each sample v becomes `v + 10 alpha (v - g)`, clamped to 0..1, where g is v blurred as in ImageBlur: sigma is in
/// units of the radius. The alpha channel of a picture stays, and weights the colours of g.
///
/// IMAGE has the shape of the input, and is the input itself for an alpha of 0.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// Pixels on each side of the centre.
    #[schemars(range(min = 1, max = 31), extend("x-dw-unit" = "px"))]
    pub(crate) sharpen_radius: u32,
    /// Standard deviation of the blur, in units of the radius.
    #[schemars(range(min = 0.1, max = 10.0), extend("x-dw-step" = 0.01))]
    pub(crate) sigma: f64,
    /// Strength: the difference from the blurred picture is added 10 times this.
    #[schemars(range(min = 0.0, max = 5.0), extend("x-dw-step" = 0.01))]
    pub(crate) alpha: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self { sharpen_radius: 1, sigma: 1.0, alpha: 1.0 }
    }
}

#[derive(Default)]
pub(crate) struct ImageSharpen;

impl Node for ImageSharpen {
    const KIND: Kind = Kind::new("ImageSharpen", 1)
        .title("Image Sharpen")
        .category("image")
        .inputs(&[port("image", "IMAGE").rows().doc("The pictures, `[B,H,W,C]`.")])
        .outputs(&[port("IMAGE", "IMAGE").rows().doc("The sharpened pictures, `[B,H,W,C]` in 0..1.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let image = inputs.image("image")?;
        if params.alpha == 0.0 {
            return Ok(image.into());
        }
        let kernel = kernel(params.sharpen_radius, params.sigma);
        Ok(unsharp(call, &image, &kernel, ((10.0 * params.alpha) as f32, 0.0))?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_sdk::testing::{Value, run_node};

    fn sharpen(params: &str, samples: &[f32], dims: (usize, usize, usize, usize)) -> Vec<f32> {
        let image =
            Tensor::from_slice(samples, dims, &Device::Cpu).expect("as many samples as the shape has");
        let ran = run_node::<ImageSharpen>(params, &[("image", Value::Tensor(image))], &[]).expect(params);
        ran.outputs[0].tensor().flatten_all().and_then(|t| t.to_vec1()).expect("f32")
    }

    #[test]
    fn a_dot_by_hand() {
        let mut dot = [0.5; 25];
        dot[12] = 0.55;
        // As in ImageBlur, 0.05 spreads by 1 / sum, e^(-1/2) / sum and e^(-1) / sum.
        let (side, corner) = ((-0.5f64).exp(), (-1f64).exp());
        let sum = 1.0 + 4.0 * side + 4.0 * corner;
        let found = sharpen(r#"{"alpha": 0.1}"#, &dot, (1, 5, 5, 1));
        let expected = [
            (12, 0.55 + 0.05 * (1.0 - 1.0 / sum)),
            (11, 0.5 - 0.05 * side / sum),
            (6, 0.5 - 0.05 * corner / sum),
            (10, 0.5),
        ];
        for (index, expected) in expected {
            assert!((f64::from(found[index]) - expected).abs() < 1e-6, "{index}: {found:?}");
        }
        // Ten times the default of 1.
        let found = sharpen("{}", &dot, (1, 5, 5, 1));
        assert!((f64::from(found[11]) - (0.5 - 0.5 * side / sum)).abs() < 1e-5, "{found:?}");
    }

    #[test]
    fn alpha_0_is_the_input_byte_for_byte() {
        assert_eq!(sharpen(r#"{"alpha": 0}"#, &[0.2, 1.5, 0.7], (1, 1, 3, 1)), [0.2, 1.5, 0.7]);
    }

    #[test]
    fn the_result_is_clamped() {
        let found = sharpen(r#"{"alpha": 5}"#, &[0.9, 0.1, 0.9], (1, 1, 3, 1));
        assert_eq!(found, [1.0, 0.0, 1.0]);
    }
}
