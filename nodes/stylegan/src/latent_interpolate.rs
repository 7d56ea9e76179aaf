use dreamwire_nets::stylegan::{Interpolation, interpolate};
use dreamwire_sdk::prelude::*;
use serde::Serialize;

use crate::latent;

/// Interpolates between latents: one latent per frame of an animation.
///
/// The latents of the batch are keyframes, which the result passes through exactly. Between two of them there
/// are `frames - 1` others: K keyframes make `K * frames` latents if the path is closed,
/// `(K - 1) * frames + 1` if it is open. LATENT_W stays LATENT_W, LATENT_Z stays LATENT_Z.
///
/// `linear` is straight; `spherical` follows the arc between two directions, which suits LATENT_Z; `cubic` is
/// a smooth curve (a spline with continuous acceleration) without a jolt at the keyframes.
///
/// Errors: fewer than 2 latents; more than 4096 frames in all.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// The path between keyframes.
    #[serde(with = "InterpolationName")]
    pub(crate) mode: Interpolation,
    /// Number of frames from one keyframe to the next.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) frames: usize,
    /// Return to the first latent, for a loop.
    pub(crate) closed: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self { mode: Interpolation::Cubic, frames: 24, closed: true }
    }
}

/// How a graph names an [`Interpolation`].
#[derive(Deserialize, JsonSchema, Serialize)]
#[serde(remote = "Interpolation", rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum InterpolationName {
    Linear,
    Spherical,
    Cubic,
}

#[derive(Default)]
pub(crate) struct LatentInterpolate;

impl Node for LatentInterpolate {
    const KIND: Kind = Kind::new("LatentInterpolate", 1)
        .title("Latent interpolation")
        .category("stylegan")
        .inputs(&[port("latents", "LATENT_W|LATENT_Z").doc("The keyframes, `[K,layers,w]` or `[K,z]`.")])
        .outputs(&[port("LATENT", "LATENT_W|LATENT_Z").doc("One latent per frame, of the keyframes' type.")]);
    type Params = Params;

    fn run(&mut self, _: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let latents = latent::latent(&inputs, "latents")?;
        let count = latents.dim(0)? as u64;
        if count < 2 {
            let message = "`latents` must have at least 2 latents, for example of two seeds, found 1";
            return Err(Error::shape("latents", message));
        }
        let frames = params.frames as u64;
        let total = if params.closed { count * frames } else { (count - 1) * frames + 1 };
        latent::check_count(total).map_err(|error| error.at("frames"))?;
        Ok(interpolate(&latents, params.mode, params.frames, params.closed)?.into())
    }
}

#[cfg(test)]
mod tests {
    use dreamwire_sdk::testing::Value;

    use super::*;
    use crate::small;

    fn walk(params: &str, latents: &Tensor) -> Tensor {
        small::output::<LatentInterpolate>(params, &[("latents", Value::Tensor(latents.clone()))])
    }

    #[test]
    fn keyframes_are_met_in_every_mode() {
        let latents = small::normal(3, &[4, 6, 5]);
        for mode in ["linear", "spherical", "cubic"] {
            for (closed, count) in [(true, 4 * 3), (false, 3 * 3 + 1)] {
                let params = format!(r#"{{"mode": "{mode}", "frames": 3, "closed": {closed}}}"#);
                let frames = walk(&params, &latents);
                assert_eq!(frames.dims(), [count, 6, 5], "{params}");
                for key in 0..4 {
                    let frame = frames.narrow(0, 3 * key, 1).unwrap();
                    let difference = small::difference(&frame, &latents.narrow(0, key, 1).unwrap());
                    assert!(difference < 1e-5, "{params}, keyframe {key}: {difference}");
                }
            }
        }
    }

    #[test]
    fn modes_take_their_own_paths() {
        let latents = Tensor::new(&[[1f32, 0.0], [0.0, 1.0]], &Device::Cpu).unwrap();
        let middle = |mode: &str| {
            let params = format!(r#"{{"mode": "{mode}", "frames": 2, "closed": false}}"#);
            let frames: Vec<Vec<f32>> = walk(&params, &latents).to_vec2().unwrap();
            assert_eq!(frames.len(), 3);
            frames[1].clone()
        };
        assert_eq!(middle("linear"), [0.5, 0.5]);
        assert!(middle("spherical").iter().all(|x| (x - 0.5f32.sqrt()).abs() < 1e-6));
    }

    /// A closed walk returns: its last transition leads from the last keyframe to the first.
    #[test]
    fn a_closed_walk_is_a_loop() {
        let latents = Tensor::new(&[[0f32], [2.0], [6.0]], &Device::Cpu).unwrap();
        let frames = walk(r#"{"mode": "linear", "frames": 2}"#, &latents);
        assert_eq!(frames.flatten_all().unwrap().to_vec1::<f32>().unwrap(), [0.0, 1.0, 2.0, 4.0, 6.0, 3.0]);
    }

    #[test]
    fn defaults_are_a_smooth_loop() {
        let latents = small::normal(3, &[3, 4]);
        let named = walk(r#"{"mode": "cubic", "frames": 24, "closed": true}"#, &latents);
        assert_eq!(small::bits(&walk("{}", &latents)), small::bits(&named));
    }

    #[test]
    fn what_makes_no_walk_is_refused() {
        let check = |params: &str, shape: &[usize], blamed: &str, expected: &str| {
            let inputs = [("latents", Value::Tensor(small::normal(0, shape)))];
            small::check_error::<LatentInterpolate>(params, &inputs, blamed, expected);
        };
        let one = "`latents` must have at least 2 latents, for example of two seeds, found 1";
        check("{}", &[1, 4], "latents", one);
        let limit = "this makes 5000 latents, the limit is 4096";
        check(r#"{"frames": 1000}"#, &[5, 4], "frames", limit);
        let limit = "this makes 5001 latents, the limit is 4096";
        check(r#"{"frames": 1000, "closed": false}"#, &[6, 4], "frames", limit);
        let rank = "`latents` must be a LATENT_W [B,layers,w] or a LATENT_Z [B,z], found shape [2, 4, 4, 3]";
        check("{}", &[2, 4, 4, 3], "latents", rank);
    }
}
