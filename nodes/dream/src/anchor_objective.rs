use dreamwire_nets::objective::anchor_distance;
use dreamwire_sdk::prelude::*;

use crate::scalar::{self, Positions};
use crate::target::Target;

/// Rewards staying close to a picture: minus the mean squared difference of pixels.
///
/// The value of a picture x is `-mean (x - z)^2` over pixels and channels, where z is `image`. In a
/// SumObjective it pulls a dream back to its photograph, the more the further it has moved away.
///
/// `image` is one picture, or one per picture of the batch, `[1 or B,h,w,C]` in 0..1. It is resized if the
/// picture has another size, as in the octaves of a dream.
///
/// Errors: a number of images that is neither 1 nor the picture's; another number of channels.
///
/// Source: as the constraint |x - z|^2 of feature inversion, Mahendran & Vedaldi, arXiv:1412.0035.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {}

#[derive(Default)]
pub(crate) struct AnchorObjective;

impl Node for AnchorObjective {
    const KIND: Kind = Kind::new("AnchorObjective", 1)
        .title("Anchor objective")
        .category("objectives")
        .inputs(&[port("image", "IMAGE").doc("The picture to stay close to, `[1 or B,h,w,C]`.")])
        .outputs(&[port("OBJECTIVE", "OBJECTIVE").doc("Minus the distance, at most 0.")]);
    type Params = Params;

    fn run(&mut self, _: &Call, _: Params, inputs: Inputs) -> Result<Outputs> {
        let image = inputs.image("image")?;
        let channels = image.dim(3)?;
        Ok(Outputs::new().function(Anchored { target: Target::new(image, "image"), channels }))
    }
}

/// OBJECTIVE: minus the squared differences to a picture.
struct Anchored {
    target: Target,
    channels: usize,
}

impl Differentiable for Anchored {
    fn spec(&self) -> FnSpec {
        let dims = scalar::for_targets(&[-1, -1, -1, self.channels as i64], self.target.count());
        scalar::spec("AnchorObjective", &dims, Positions::Fixed)
    }

    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
        let image = scalar::picture(x)?;
        let target = self.target.at_size_of(image, |target| Ok(vec![target.clone()]))?;
        scalar::total(&anchor_distance(image, &target[0])?.neg()?)
    }

    fn peak(&self) -> Option<Peak> {
        Some(scalar::pixel_peak(self.channels))
    }
}

#[cfg(test)]
mod tests {
    use dreamwire_sdk::testing::{Value, in_call};

    use super::*;
    use crate::objective_fixtures::{check_gradient, grey, objective, picture, red, value};

    fn anchor(image: Tensor) -> Function {
        objective::<AnchorObjective>("{}", &[("image", Value::Tensor(image))]).unwrap()
    }

    #[test]
    fn squares_are_averaged() {
        let function = anchor(red([1.0, 2.0, 0.0, -1.0]));
        // Differences of 0, 1, -1 and 2 among 12 numbers.
        assert!((value(&function, &red([1.0, 3.0, -1.0, 1.0])) + 6.0 / 12.0).abs() < 1e-6);
        for size in [4, 7, 40] {
            assert!((value(&anchor(grey(&[0.25], size)), &grey(&[0.5, 0.0], 7)) + 2.0 * 0.0625).abs() < 1e-5);
        }
    }

    #[test]
    fn it_is_differentiable_and_bound_to_places() {
        let function = anchor(picture(1, 6, 5, 500));
        check_gradient(&function, &picture(2, 6, 5, 0));
        assert_eq!(function.spec().inputs[0].dims, [-1, -1, -1, 3]);
        assert_eq!(function.spec().outputs[0].semantic("positions"), Some("fixed"));
        assert_eq!(function.tiles(), None);
    }

    #[test]
    fn as_many_anchors_as_pictures() {
        let function = anchor(picture(3, 4, 4, 0));
        assert_eq!(function.spec().inputs[0].dims, [3, -1, -1, 3], "the host must not split the batch");
        let error = in_call(|_| function.value_and_grad(&picture(2, 4, 4, 0))).expect_err("refused");
        assert_eq!(error.input(), "image");
    }
}
