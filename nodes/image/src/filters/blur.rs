use crate::filters::convolution::Kernel;
use dreamwire_sdk::prelude::*;
use serde::Serialize;

/// Blurs every image of a batch.
///
/// `gaussian` weights the neighbours by `exp(-d^2 / (2 sigma^2))`, cut at 4 sigma; `box` is the mean of the
/// `2 radius + 1` pixels on a side. Both act on the display-referred values, along rows and then columns.
/// Outside of the picture lies its reflection, without the border pixel twice. With an alpha channel the colours are
/// weighted by it: those of transparent pixels do not bleed.
///
/// IMAGE has the shape of the input. A sigma or radius of 0 gives the input itself.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// The shape of the blur.
    pub(crate) mode: Mode,
    /// Standard deviation of `gaussian`; `box` ignores it.
    #[schemars(range(min = 0.0, max = 200.0), extend("x-dw-unit" = "px", "x-dw-step" = 0.1))]
    pub(crate) sigma: f64,
    /// Pixels on each side of the centre for `box`; `gaussian` ignores it.
    #[schemars(range(min = 0, max = 512), extend("x-dw-unit" = "px"))]
    pub(crate) radius: u32,
}

impl Default for Params {
    fn default() -> Self {
        Self { mode: Mode::Gaussian, sigma: 2.0, radius: 2 }
    }
}

#[derive(Clone, Copy, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Mode {
    Gaussian,
    Box,
}

#[derive(Default)]
pub(crate) struct Blur;

impl Node for Blur {
    const KIND: Kind = Kind::new("Blur", 1)
        .category("image")
        .inputs(&[port("image", "IMAGE").rows().doc("The pictures, `[B,H,W,C]`.")])
        .outputs(&[port("IMAGE", "IMAGE").rows().doc("The blurred pictures, `[B,H,W,C]` in 0..1.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let image = inputs.image("image")?;
        let kernel = match params.mode {
            Mode::Gaussian if params.sigma > 0.0 => Kernel::gaussian(params.sigma),
            Mode::Box if params.radius > 0 => Kernel::mean(params.radius as usize),
            // Not even clamped.
            Mode::Gaussian | Mode::Box => return Ok(image.into()),
        };
        Ok(kernel.smooth(call, &image, |_, _| ())?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_sdk::testing::{Value, run_node};

    /// `[B,H,W,C]`.
    type Dims = (usize, usize, usize, usize);

    fn blur(params: &str, samples: &[f32], dims: Dims) -> Vec<f32> {
        let image =
            Tensor::from_slice(samples, dims, &Device::Cpu).expect("as many samples as the shape has");
        let ran = run_node::<Blur>(params, &[("image", Value::Tensor(image))], &[]).expect(params);
        let image = ran.outputs[0].tensor();
        assert_eq!(image.dims4().expect("four"), dims);
        image.flatten_all().and_then(|t| t.to_vec1()).expect("f32")
    }

    #[track_caller]
    fn close(found: &[f32], expected: &[f32]) {
        assert_eq!(found.len(), expected.len());
        for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
            assert!((found - expected).abs() < 1e-5, "sample {index}: {found} for {expected}");
        }
    }

    #[test]
    fn a_box_is_the_mean_and_the_border_is_reflected() {
        let params = r#"{"mode": "box", "radius": 1}"#;
        // 0.6 0 | 0.6 0 0.3 | 0: the neighbour of the first is the second, on both sides.
        close(&blur(params, &[0.6, 0.0, 0.3], (1, 1, 3, 1)), &[0.2, 0.3, 0.1]);
        close(&blur(params, &[0.6, 0.0, 0.3], (1, 3, 1, 1)), &[0.2, 0.3, 0.1]);
        let mut dot = [0.0; 25];
        dot[12] = 0.9;
        let spread = blur(params, &dot, (1, 5, 5, 1));
        for (index, found) in spread.iter().enumerate() {
            let inside = (1..4).contains(&(index / 5)) && (1..4).contains(&(index % 5));
            assert!((found - if inside { 0.1 } else { 0.0 }).abs() < 1e-6, "{index}: {found}");
        }
    }

    #[test]
    fn a_dot_becomes_a_gaussian() {
        let (side, sigma) = (41usize, 3.0f64);
        let mut dot = vec![0.0; side * side];
        dot[side * 20 + 20] = 1.0;
        let spread = blur(r#"{"sigma": 3}"#, &dot, (1, side, side, 1));
        for (index, found) in spread.iter().enumerate() {
            let (y, x) = ((index / side) as f64 - 20.0, (index % side) as f64 - 20.0);
            // The density of the normal distribution; sampled, and normalised without its tails.
            let density =
                (-(x * x + y * y) / (2.0 * sigma * sigma)).exp() / (std::f64::consts::TAU * sigma * sigma);
            assert!((f64::from(*found) - density).abs() < 1e-5, "{x} {y}: {found} for {density}");
        }
    }

    #[test]
    fn wide_and_large_pictures_are_the_same_in_parts() {
        // More rows than a strip and more samples than a chunk: a slope stays a slope away from the border.
        let (height, width) = (150, 900);
        let slope: Vec<f32> = (0..height * width)
            .flat_map(|i| [(i % width) as f32 / 900.0, (i / width) as f32 / 150.0, 0.5])
            .collect();
        let blurred = blur(r#"{"sigma": 2.5}"#, &slope, (1, height, width, 3));
        for y in 10..height - 10 {
            for x in 10..width - 10 {
                let at = (y * width + x) * 3;
                close(&blurred[at..at + 3], &slope[at..at + 3]);
            }
        }
    }

    #[test]
    fn a_flat_picture_stays_flat_whatever_the_size() {
        for params in [r#"{"sigma": 200}"#, r#"{"mode": "box", "radius": 512}"#, r#"{"sigma": 0.01}"#] {
            for dims in [(1, 1, 1, 1), (2, 1, 5, 3), (1, 7, 2, 4)] {
                let samples = vec![0.3; dims.0 * dims.1 * dims.2 * dims.3];
                close(&blur(params, &samples, dims), &samples);
            }
        }
    }

    #[test]
    fn nothing_is_the_input_byte_for_byte() {
        let samples = [0.1, -0.5, 1.5, 0.7];
        assert_eq!(blur(r#"{"sigma": 0}"#, &samples, (1, 1, 4, 1)), samples);
        assert_eq!(blur(r#"{"mode": "box", "radius": 0}"#, &samples, (1, 4, 1, 1)), samples);
    }

    #[test]
    fn transparent_pixels_do_not_bleed() {
        // Red, beside green that cannot be seen.
        let samples = [1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0];
        let blurred = blur(r#"{"mode": "box", "radius": 1}"#, &samples, (1, 1, 3, 4));
        let third = 1.0 / 3.0;
        // The last one sees only green that cannot be seen: its own colour stays.
        close(&blurred, &[1.0, 0.0, 0.0, third, 1.0, 0.0, 0.0, third, 0.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn alpha_weights_the_colours() {
        // (1 * 0.25 + 0.5 * 0.75 + 0.5 * 0.75) / 1.75 and (2 * 1 * 0.25 + 0.5 * 0.75) / 1.25
        let samples = [1.0, 1.0, 1.0, 0.25, 0.5, 0.5, 0.5, 0.75];
        let blurred = blur(r#"{"mode": "box", "radius": 1}"#, &samples, (1, 1, 2, 4));
        let (first, second) = (1.0 / 1.75, 0.875 / 1.25);
        close(&blurred, &[first, first, first, 1.75 / 3.0, second, second, second, 1.25 / 3.0]);
    }

    #[test]
    fn images_of_a_batch_do_not_mix() {
        let blurred = blur("{}", &[0.2, 0.2, 0.8, 0.8], (2, 1, 2, 1));
        close(&blurred, &[0.2, 0.2, 0.8, 0.8]);
    }
}
