use dreamwire_sdk::prelude::*;

use crate::comparison::{self, Distance, FEATURES, OUTPUTS};

/// Rewards showing the content of a picture: minus the content loss of style transfer.
///
/// The value of a picture x is `-sum_l w_l mean (F_l(x) - F_l(content))^2` over the layers of `features`,
/// with their weights: at most 0, and 0 if the features are equal. Late layers (`relu4_2`) determine what is
/// where and leave the texture free for StyleObjective; SumObjective combines both.
///
/// `content` is one picture, or one per picture of the batch, `[1 or B,h,w,3]` in 0..1. It is resized if the
/// picture has another size, as in the octaves of a dream, and compared position by position.
///
/// Errors: a number of content images that is neither 1 nor the picture's; whatever the features refuse.
///
/// Source: Gatys, Ecker & Bethge, arXiv:1508.06576, equation 1, where it is half the sum.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Params(comparison::Params);

#[derive(Default)]
pub(crate) struct ContentObjective;

impl Node for ContentObjective {
    const KIND: Kind = Kind::new("ContentObjective", 1)
        .title("Content objective")
        .category("objectives")
        .inputs(&[
            FEATURES,
            port("content", "IMAGE").doc("The picture whose content to show, `[1 or B,h,w,3]`."),
        ])
        .outputs(OUTPUTS);
    type Params = Params;

    fn run(&mut self, _: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        comparison::run("ContentObjective", &inputs, "content", Distance::Squared, &params.0)
    }
}

#[cfg(test)]
mod tests {
    use dreamwire_sdk::testing::Value;

    use super::*;
    use crate::objective_fixtures::{Blocks, check_gradient, grey, objective, picture, value};

    fn content(params: &str, content: Tensor) -> Function {
        let features = Value::function(Blocks(["2", "0.5"]));
        let inputs = [("features", features), ("content", Value::Tensor(content))];
        objective::<ContentObjective>(params, &inputs).unwrap()
    }

    #[test]
    fn squares_are_weighted() {
        let mean = content("{}", grey(&[0.25], 8));
        assert!((value(&mean, &grey(&[0.5, 0.25], 4)) + 2.5 * 0.0625).abs() < 1e-5);
        let sum = content(r#"{"reduction": "sum"}"#, grey(&[0.25], 8));
        assert!((value(&sum, &grey(&[0.5], 4)) + (2.0 * 48.0 + 0.5 * 12.0) * 0.0625).abs() < 1e-4);
    }

    #[test]
    fn it_is_differentiable_and_bound_to_places() {
        let function = content("{}", picture(1, 10, 8, 500));
        check_gradient(&function, &picture(2, 6, 4, 0));
        assert_eq!(function.spec().outputs[0].semantic("positions"), Some("fixed"));
        assert_eq!(function.tiles(), None);
    }
}
