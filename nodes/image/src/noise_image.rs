use crate::limits;
use crate::perlin::{self, Perlin};
use dreamwire_nets::random::CounterRng;
use dreamwire_sdk::prelude::*;
use serde::Serialize;

/// Random pictures to start a dream from.
///
/// `value = mean + std * noise`, clamped to 0..1, where noise has mean 0 and standard deviation 1,
/// independent for every channel of every picture. Clamping reduces the actual standard deviation. The same
/// params give the same picture on every machine, up to the last bit of its sine and logarithm.
///
/// IMAGE is `[batch,height,width,3]`. Errors: more than 100 megapixels over the whole batch.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// Width in pixels.
    #[schemars(range(min = 1, max = 16384), extend("x-dw-unit" = "px"))]
    pub(crate) width: u32,
    /// Height in pixels.
    #[schemars(range(min = 1, max = 16384), extend("x-dw-unit" = "px"))]
    pub(crate) height: u32,
    /// Number of pictures.
    #[schemars(range(min = 1, max = 4096))]
    pub(crate) batch: u32,
    /// Distribution of the noise: gaussian and uniform are independent per pixel, perlin is smooth.
    pub(crate) distribution: Distribution,
    /// Mean, in units of the IMAGE range.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-dw-step" = 0.01))]
    pub(crate) mean: f64,
    /// Standard deviation, in units of the IMAGE range.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-dw-step" = 0.01))]
    pub(crate) std: f64,
    /// Size of a cell of perlin noise; the other distributions ignore it.
    #[schemars(range(min = 2.0, max = 16384.0), extend("x-dw-unit" = "px"))]
    pub(crate) scale: f64,
    /// Seed of the noise.
    #[schemars(range(min = 0, max = 18_446_744_073_709_551_615_u64))]
    pub(crate) seed: u64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            width: 512,
            height: 512,
            batch: 1,
            distribution: Distribution::Gaussian,
            mean: 0.5,
            std: 0.1,
            scale: 32.0,
            seed: 0,
        }
    }
}

#[derive(Clone, Copy, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Distribution {
    Gaussian,
    Uniform,
    Perlin,
}

#[derive(Default)]
pub(crate) struct NoiseImage;

impl Node for NoiseImage {
    const KIND: Kind = Kind::new("NoiseImage", 1)
        .title("Noise Image")
        .category("image")
        .outputs(&[port("IMAGE", "IMAGE").doc("The noise, `[batch,height,width,3]`.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, _: Inputs) -> Result<Outputs> {
        let (batch, height, width) =
            (u64::from(params.batch), u64::from(params.height), u64::from(params.width));
        let rng = CounterRng::mixed(params.seed);
        let mut samples = Vec::with_capacity((batch * height * width * 3) as usize);
        for picture in 0..batch {
            // One field per channel for perlin; the others use the index of the sample.
            let fields = [0, 1, 2].map(|channel| Perlin(CounterRng::mixed(rng.at(picture * 3 + channel))));
            for y in 0..height {
                // Often enough to react to a cancel, rarely enough to cost nothing.
                if y.is_multiple_of(256) {
                    call.progress(picture * height + y, batch * height, "noise")?;
                }
                for x in 0..width {
                    let pixel = (picture * height + y) * width + x;
                    for (channel, field) in (0..).zip(&fields) {
                        let index = pixel * 3 + channel;
                        let noise = match params.distribution {
                            Distribution::Gaussian => rng.normal(index),
                            // The uniform distribution on 0..1 has the standard deviation 1 / sqrt(12).
                            Distribution::Uniform => (rng.uniform(index) - 0.5) * 12f64.sqrt(),
                            Distribution::Perlin => {
                                let at = |pixel: u64| (pixel as f64 + 0.5) / params.scale;
                                field.at(at(x), at(y)) / perlin::STD
                            }
                        };
                        samples.push((params.mean + params.std * noise).clamp(0.0, 1.0) as f32);
                    }
                }
            }
        }
        let shape = (batch as usize, height as usize, width as usize, 3);
        Ok(Tensor::from_vec(samples, shape, call.device())?.into())
    }

    /// Rejects more pixels than the limit.
    fn check(params: &Params) -> Result<()> {
        let Params { width, height, batch, .. } = *params;
        limits::check("the noise", batch.into(), width.into(), height.into())
            .map_err(|error| error.at("width"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_sdk::testing::run_node;

    fn noise(params: &str) -> Vec<f32> {
        let ran = run_node::<NoiseImage>(params, &[], &[]).expect(params);
        ran.outputs[0].tensor().flatten_all().and_then(|t| t.to_vec1()).expect("f32")
    }

    #[test]
    fn mean_and_deviation_are_as_asked() {
        for distribution in ["gaussian", "uniform", "perlin"] {
            // Narrow enough that the clamp cuts next to nothing.
            let params = format!(
                r#"{{"width": 400, "height": 300, "distribution": "{distribution}", "mean": 0.4, "std": 0.1, "scale": 4}}"#
            );
            let samples = noise(&params);
            assert_eq!(samples.len(), 400 * 300 * 3);
            let n = samples.len() as f64;
            let mean = samples.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
            let std = (samples.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / n).sqrt();
            assert!((mean - 0.4).abs() < 0.002, "{distribution}: mean {mean}");
            assert!((std - 0.1).abs() < 0.003, "{distribution}: std {std}");
        }
    }

    #[test]
    fn a_seed_is_a_picture() {
        for distribution in ["gaussian", "uniform", "perlin"] {
            let picture = |seed: u64| {
                noise(&format!(
                    r#"{{"width": 8, "height": 6, "distribution": "{distribution}", "scale": 3, "seed": {seed}}}"#
                ))
            };
            assert_eq!(picture(5), picture(5), "{distribution}");
            assert_ne!(picture(5), picture(6), "{distribution}");
        }
    }

    #[test]
    fn pictures_and_channels_differ() {
        for distribution in ["gaussian", "uniform", "perlin"] {
            let samples = noise(&format!(
                r#"{{"width": 5, "height": 4, "batch": 2, "distribution": "{distribution}", "scale": 3}}"#
            ));
            let (first, second) = samples.split_at(5 * 4 * 3);
            assert_ne!(first, second, "{distribution}");
            assert!(first.chunks(3).any(|pixel| pixel[0] != pixel[1]), "{distribution}");
        }
    }

    #[test]
    fn perlin_is_smooth() {
        let samples = noise(r#"{"width": 64, "height": 1, "distribution": "perlin", "scale": 32}"#);
        let steps = samples.chunks(3).zip(samples.chunks(3).skip(1)).map(|(a, b)| (a[0] - b[0]).abs());
        assert!(steps.fold(0.0, f32::max) < 0.05);
    }

    #[test]
    fn values_stay_in_range() {
        let samples = noise(r#"{"width": 32, "height": 32, "mean": 0.9, "std": 1}"#);
        assert!(samples.iter().all(|v| (0.0..=1.0).contains(v)));
        assert!(samples.contains(&1.0) && samples.contains(&0.0), "the clamp is at work");
    }

    #[test]
    fn too_much_is_refused_before_it_is_made() {
        let Err(error) = run_node::<NoiseImage>(r#"{"width": 16384, "height": 16384}"#, &[], &[]) else {
            panic!("268 megapixels were made");
        };
        assert_eq!(error.status(), dreamwire_sdk::abi::E_LIMIT);
        assert_eq!(error.input(), "width");
        assert!(error.to_string().contains("16384x16384"), "{error}");
    }
}
