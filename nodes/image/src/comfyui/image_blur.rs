use crate::filters::convolution::Kernel;
use dreamwire_sdk::prelude::*;

/// Blurs every image of a batch, as ComfyUI's ImageBlur does; the sigma of Blur is in pixels.
///
/// The weight of a pixel at the offset `(x, y)`, at most the radius on each axis, is `exp(-(x^2 + y^2) / (2 (sigma
/// radius)^2))`: sigma is in units of the radius, so that from 1 on the blur is almost the mean of the square.
/// Outside of the picture lies its reflection, without the border pixel twice. With an alpha channel the colours are
/// weighted by it.
///
/// IMAGE has the shape of the input.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// Pixels on each side of the centre.
    #[schemars(range(min = 1, max = 31), extend("x-dw-unit" = "px"))]
    pub(crate) blur_radius: u32,
    /// Standard deviation, in units of the radius.
    #[schemars(range(min = 0.1, max = 10.0), extend("x-dw-step" = 0.1))]
    pub(crate) sigma: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self { blur_radius: 1, sigma: 1.0 }
    }
}

#[derive(Default)]
pub(crate) struct ImageBlur;

impl Node for ImageBlur {
    const KIND: Kind = Kind::new("ImageBlur", 1)
        .title("Image Blur")
        .category("image")
        .inputs(&[port("image", "IMAGE").rows().doc("The pictures, `[B,H,W,C]`.")])
        .outputs(&[port("IMAGE", "IMAGE").rows().doc("The blurred pictures, `[B,H,W,C]` in 0..1.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let image = inputs.image("image")?;
        Ok(kernel(params.blur_radius, params.sigma).smooth(call, &image, |_, _| ())?.into())
    }
}

/// A Gaussian over `2 radius + 1` pixels whose sigma is in units of the radius.
pub(crate) fn kernel(radius: u32, sigma: f64) -> Kernel {
    let sigma = sigma * f64::from(radius);
    Kernel::sampled(radius as usize, |offset| {
        // Radius and sigma are never 0 in a graph that was checked.
        if offset == 0.0 { 1.0 } else { (-0.5 * (offset / sigma).powi(2)).exp() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_sdk::testing::{Value, run_node};

    fn blur(params: &str, samples: &[f32], dims: (usize, usize, usize, usize)) -> Vec<f32> {
        let image =
            Tensor::from_slice(samples, dims, &Device::Cpu).expect("as many samples as the shape has");
        let ran = run_node::<ImageBlur>(params, &[("image", Value::Tensor(image))], &[]).expect(params);
        ran.outputs[0].tensor().flatten_all().and_then(|t| t.to_vec1()).expect("f32")
    }

    #[test]
    fn a_dot_shows_the_kernel() {
        let mut dot = [0.0; 25];
        dot[12] = 1.0;
        // Of radius 1 and sigma 1: e^(-1/2) beside the centre and e^(-1) at the corners, over their sum.
        let (side, corner) = ((-0.5f64).exp(), (-1f64).exp());
        let sum = 1.0 + 4.0 * side + 4.0 * corner;
        let spread = blur("{}", &dot, (1, 5, 5, 1));
        let expected = [(12, 1.0), (11, side), (7, side), (6, corner), (18, corner), (10, 0.0), (2, 0.0)];
        for (index, weight) in expected {
            assert!((f64::from(spread[index]) - weight / sum).abs() < 1e-6, "{index}: {spread:?}");
        }
    }

    #[test]
    fn sigma_is_in_units_of_the_radius() {
        let mut dot = [0.0; 9];
        dot[4] = 1.0;
        let spread = blur(r#"{"blur_radius": 4, "sigma": 0.5}"#, &dot, (1, 1, 9, 1));
        // Offsets of 2 of 4 are one standard deviation; along y all is the same picture.
        let ratio = f64::from(spread[6] / spread[4]);
        assert!((ratio - (-0.5f64).exp()).abs() < 1e-5, "{ratio}");
    }

    #[test]
    fn the_largest_radius_fits_the_smallest_picture() {
        let all = r#"{"blur_radius": 31, "sigma": 10}"#;
        for found in blur(all, &[0.3; 6], (1, 2, 1, 3)) {
            assert!((found - 0.3).abs() < 1e-6, "{found}");
        }
        // White and black, reflected, are black 31 and white 32 times of 63, or the other way round.
        let found = blur(all, &[1.0, 0.0], (1, 1, 2, 1));
        assert!((found[0] - 0.5).abs() < 0.02 && (found[0] + found[1] - 1.0).abs() < 1e-5, "{found:?}");
    }
}
