use crate::filters::convolution::Kernel;
use dreamwire_sdk::prelude::*;

/// Sharpens every image of a batch by unsharp masking.
///
/// Each sample v becomes `v + amount (v - g)`, clamped to 0..1, where g is v blurred by a Gaussian as in Blur, and
/// `|v - g|` is at least the threshold; elsewhere it stays. On display-referred values. Alpha stays, and weights the
/// colours of g.
///
/// IMAGE has the shape of the input. A sigma or amount of 0 gives the input itself.
///
/// Source: Gonzalez and Woods, Digital Image Processing, 4th edition, section 3.6.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// Standard deviation of the blur: about the width of the details that gain.
    #[schemars(range(min = 0.0, max = 200.0), extend("x-dw-unit" = "px", "x-dw-step" = 0.1))]
    pub(crate) sigma: f64,
    /// How much of the difference is added: 1 doubles it.
    #[schemars(range(min = 0.0, max = 10.0), extend("x-dw-step" = 0.05))]
    pub(crate) amount: f64,
    /// Differences below this one stay, so that noise in flat areas does not grow; in units of the IMAGE range.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-dw-step" = 0.005))]
    pub(crate) threshold: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self { sigma: 1.0, amount: 0.5, threshold: 0.0 }
    }
}

#[derive(Default)]
pub(crate) struct Sharpen;

impl Node for Sharpen {
    const KIND: Kind = Kind::new("Sharpen", 1)
        .category("image")
        .inputs(&[port("image", "IMAGE").rows().doc("The pictures, `[B,H,W,C]`.")])
        .outputs(&[port("IMAGE", "IMAGE").rows().doc("The sharpened pictures, `[B,H,W,C]` in 0..1.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let image = inputs.image("image")?;
        if params.sigma <= 0.0 || params.amount == 0.0 {
            return Ok(image.into());
        }
        let kernel = Kernel::gaussian(params.sigma);
        Ok(unsharp(call, &image, &kernel, (params.amount as f32, params.threshold as f32))?.into())
    }
}

/// `image + amount (image - smoothed)` where the difference is at least the threshold; alpha stays.
pub(crate) fn unsharp(
    call: &Call,
    image: &Tensor,
    kernel: &Kernel,
    (amount, threshold): (f32, f32),
) -> Result<Tensor> {
    kernel.smooth(call, image, |given, smoothed| {
        let colours = if given.len() == 4 { 3 } else { given.len() };
        for (smoothed, given) in smoothed[..colours].iter_mut().zip(given) {
            let difference = given - *smoothed;
            *smoothed = if difference.abs() < threshold { *given } else { given + amount * difference };
        }
        smoothed[colours..].copy_from_slice(&given[colours..]);
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_sdk::testing::{Value, in_call, run_node};

    /// `[B,H,W,C]`.
    type Dims = (usize, usize, usize, usize);

    fn image(samples: &[f32], dims: Dims) -> Tensor {
        Tensor::from_slice(samples, dims, &Device::Cpu).expect("as many samples as the shape has")
    }

    fn read(image: &Tensor) -> Vec<f32> {
        image.flatten_all().and_then(|t| t.to_vec1()).expect("f32")
    }

    fn sharpen(params: &str, samples: &[f32], dims: Dims) -> Vec<f32> {
        let inputs = [("image", Value::Tensor(image(samples, dims)))];
        read(run_node::<Sharpen>(params, &inputs, &[]).expect(params).outputs[0].tensor())
    }

    /// With the mean of three as the blur.
    #[track_caller]
    fn check(settings: (f32, f32), samples: &[f32], dims: Dims, expected: &[f32]) {
        let sharpened = in_call(|call| unsharp(call, &image(samples, dims), &Kernel::mean(1), settings));
        let found = read(&sharpened.expect("it sharpens"));
        assert_eq!(found.len(), expected.len());
        for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
            assert!((found - expected).abs() < 1e-6, "sample {index}: {found} for {expected}");
        }
    }

    #[test]
    fn by_hand() {
        // The means are 0.4, 0.5 and 0.4: the differences 0.2, -0.2 and 0.2.
        let (samples, dims) = ([0.6, 0.3, 0.6], (1, 1, 3, 1));
        check((0.5, 0.0), &samples, dims, &[0.7, 0.2, 0.7]);
        check((1.0, 0.0), &samples, dims, &[0.8, 0.1, 0.8]);
        // Clamped.
        check((10.0, 0.0), &samples, dims, &[1.0, 0.0, 1.0]);
        check((1.0, 0.21), &samples, dims, &samples);
    }

    #[test]
    fn the_threshold_is_per_sample() {
        // The means of the columns: 0.4 0.5 0.4, and 0.5 0.52 0.5 with differences of 0.04, -0.04 and 0.04.
        let samples = [0.6, 0.54, 0.3, 0.48, 0.6, 0.54];
        check((1.0, 0.1), &samples, (1, 1, 3, 2), &[0.8, 0.54, 0.1, 0.48, 0.8, 0.54]);
    }

    #[test]
    fn alpha_stays_and_hidden_colours_do_not_count() {
        // All that can be seen is 0.5: nothing differs, though the pixel beside it is white.
        let samples = [0.5, 0.5, 0.5, 1.0, 1.0, 1.0, 1.0, 0.0, 0.5, 0.5, 0.5, 0.25];
        let sharpened = sharpen(r#"{"amount": 1}"#, &samples, (1, 1, 3, 4));
        for pixel in [0, 2] {
            let (found, given) = (&sharpened[4 * pixel..], &samples[4 * pixel..]);
            assert!(found[..3].iter().all(|v| (v - 0.5).abs() < 1e-6), "{sharpened:?}");
            assert_eq!(found[3], given[3]);
        }
        assert_eq!(sharpened[7], 0.0);
    }

    #[test]
    fn an_edge_gains_contrast_on_both_sides() {
        let edge: Vec<f32> = (0..20).map(|x| if x < 10 { 0.3 } else { 0.7 }).collect();
        let sharpened = sharpen("{}", &edge, (1, 1, 20, 1));
        assert!(sharpened[9] < 0.25 && sharpened[10] > 0.75, "{sharpened:?}");
        assert!((sharpened[2] - 0.3).abs() < 1e-6 && (sharpened[17] - 0.7).abs() < 1e-6, "{sharpened:?}");
    }

    #[test]
    fn nothing_is_the_input_byte_for_byte() {
        let samples = [0.1, -0.5, 1.5, 0.7];
        assert_eq!(sharpen(r#"{"sigma": 0}"#, &samples, (1, 1, 4, 1)), samples);
        assert_eq!(sharpen(r#"{"amount": 0}"#, &samples, (1, 1, 1, 4)), samples);
        let alone = sharpen("{}", &[0.4], (1, 1, 1, 1));
        assert!((alone[0] - 0.4).abs() < 1e-6, "{alone:?}");
    }
}
