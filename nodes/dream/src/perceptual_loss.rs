use dreamwire_sdk::prelude::*;

use crate::comparison::{self, Distance, FEATURES, OUTPUTS};

/// Rewards resembling a target picture in the features of a network: minus the perceptual loss.
///
/// The value of a picture x is `-sum_l w_l |F_l(x) - F_l(target)|_1` over the layers of `features`, with
/// their weights: at most 0, and 0 if the features are equal. Gradient ascent moves the picture towards the
/// target.
///
/// `target` is one picture, or one per picture of the batch, `[1 or B,h,w,3]` in 0..1. It is resized if the
/// picture has another size, as in the octaves of a dream, and compared position by position.
///
/// Errors: a number of targets that is neither 1 nor the picture's; whatever the features refuse.
///
/// Source: Chen & Koltun, arXiv:1707.09405; with squares (ContentObjective) Johnson, Alahi & Fei-Fei,
/// arXiv:1603.08155.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Params(comparison::Params);

#[derive(Default)]
pub(crate) struct PerceptualLoss;

impl Node for PerceptualLoss {
    const KIND: Kind = Kind::new("PerceptualLoss", 1)
        .title("Perceptual loss")
        .category("objectives")
        .inputs(&[FEATURES, port("target", "IMAGE").doc("The picture to resemble, `[1 or B,h,w,3]`.")])
        .outputs(OUTPUTS);
    type Params = Params;

    fn run(&mut self, _: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        comparison::run("PerceptualLoss", &inputs, "target", Distance::Absolute, &params.0)
    }
}

#[cfg(test)]
mod tests {
    use dreamwire_sdk::testing::{Value, in_call};

    use super::*;
    use crate::objective_fixtures::{Blocks, check_gradient, grey, objective, picture, value};

    fn loss(params: &str, target: Tensor) -> Result<Function> {
        let features = Value::function(Blocks(["2", "0.5"]));
        objective::<PerceptualLoss>(params, &[("features", features), ("target", Value::Tensor(target))])
    }

    /// Uniform grey differs by 0.25 everywhere, at every size of the target.
    #[test]
    fn differences_are_weighted() {
        for size in [4, 6, 30] {
            let mean = loss("{}", grey(&[0.25], size)).unwrap();
            assert!((value(&mean, &grey(&[0.5, 0.0], 4)) + 2.0 * 2.5 * 0.25).abs() < 1e-5);
            let sum = loss(r#"{"reduction": "sum"}"#, grey(&[0.25], size)).unwrap();
            // 48 numbers in the planes, 12 in the means.
            assert!((value(&sum, &grey(&[0.5], 4)) + (2.0 * 48.0 + 0.5 * 12.0) * 0.25).abs() < 1e-3);
        }
    }

    #[test]
    fn the_target_itself_is_the_best() {
        let target = picture(2, 6, 4, 3);
        let function = loss("{}", target.clone()).unwrap();
        let (value, gradient) = in_call(|_| function.value_and_grad(&target)).unwrap();
        assert_eq!(value, 0.0);
        assert_eq!(gradient.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap(), 0.0);
    }

    #[test]
    fn it_is_differentiable_and_bound_to_places() {
        for params in ["{}", r#"{"reduction": "sum"}"#] {
            let function = loss(params, picture(1, 6, 4, 500)).unwrap();
            check_gradient(&function, &picture(2, 6, 4, 0));
            assert_eq!(function.spec().outputs[0].semantic("positions"), Some("fixed"));
            assert_eq!(function.tiles(), None);
        }
    }

    #[test]
    fn targets_that_do_not_fit_are_refused() {
        let grey = Tensor::ones((1, 4, 4, 1), DType::F32, &Device::Cpu).unwrap();
        let error = loss("{}", grey).err().expect("refused");
        assert_eq!(error.input(), "target");
        assert_eq!(error.to_string(), "`blocks` needs pictures with 3 channels, `target` has 1");

        let function = loss("{}", picture(3, 4, 4, 0)).unwrap();
        let error = in_call(|_| function.value_and_grad(&picture(2, 4, 4, 0))).expect_err("refused");
        assert_eq!(error.input(), "target");
    }
}
