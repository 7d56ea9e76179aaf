use dreamwire_nets::adain::channel_statistics;
use dreamwire_nets::objective::{gram, gram_distance, statistics_distance};
use dreamwire_sdk::prelude::*;
use serde::Serialize;

use crate::on_features::OnFeatures;
use crate::scalar::{self, Positions};
use crate::target::check_count;

/// Rewards the colours and textures of a picture: minus the style loss of style transfer.
///
/// Style is the statistics of the layers of `features`, without positions: with `gram` the products of all
/// pairs of channels, `G = F F^T / (C h w)`, with `mean_std` the mean and standard deviation of every
/// channel. The value of a picture x is `-sum_l w_l mean (G_l(x) - G_l(style))^2`, or
/// `-sum_l w_l (mean (m_l(x) - m_l(style))^2 + mean (s_l(x) - s_l(style))^2)`: at most 0. Layers
/// `relu1_1, relu2_1, relu3_1, relu4_1` are a good start.
///
/// `style` is one picture, or one per picture of the batch, `[1 or B,h,w,3]` in 0..1. It is used at its own
/// size: a larger one has larger strokes. The objective needs the whole picture at once, so it cannot be
/// tiled.
///
/// Errors: a number of styles that is neither 1 nor that of the pictures; whatever the features refuse.
///
/// Source: Gatys, Ecker & Bethge, arXiv:1508.06576 (gram); Huang & Belongie, arXiv:1703.06868, equation 13
/// (mean_std; there norms instead of means).
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// The statistics that define style: gram, which channels occur together and how strongly; or mean_std,
    /// how strong every channel is and how much it varies, which is simpler and faster.
    pub(crate) statistics: Statistics,
}

#[derive(Clone, Copy, Default, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum Statistics {
    #[default]
    Gram,
    MeanStd,
}

#[derive(Default)]
pub(crate) struct StyleObjective;

impl Node for StyleObjective {
    const KIND: Kind = Kind::new("StyleObjective", 1)
        .title("Style objective")
        .category("objectives")
        .inputs(&[
            port("features", "FEATURES").doc("The layers to compare, with their weights."),
            port("style", "IMAGE").doc("The picture whose style to match, `[1 or B,h,w,3]`."),
        ])
        .outputs(&[port("OBJECTIVE", "OBJECTIVE").doc("Minus the distance of the styles, at most 0.")]);
    type Params = Params;

    fn run(&mut self, _: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let features = OnFeatures::weighted(inputs.function("features")?, "features")?;
        let picture = inputs.image("style")?;
        features.check_channels(&picture, "style")?;
        let count = picture.dim(0)?;
        let layers = features.eval(&picture)?;
        let style = match params.statistics {
            Statistics::Gram => {
                Style::Gram(layers.iter().map(|layer| Ok(gram(layer)?)).collect::<Result<_>>()?)
            }
            Statistics::MeanStd => {
                let statistics = layers.iter().map(|layer| channel_statistics(layer).map_err(too_small));
                Style::MeanStd(statistics.collect::<Result<_>>()?)
            }
        };
        Ok(Outputs::new().function(Styled { features, style, count }))
    }
}

/// Adds what helps where a layer of the style has too few positions.
fn too_small(error: impl Into<Error>) -> Error {
    error.into().at("style").hint("use a larger `style`, or earlier layers in `layers` of the features")
}

/// The target style, per layer.
enum Style {
    /// `[count,C,C]`.
    Gram(Vec<Tensor>),
    /// `[count,C,1,1]` each.
    MeanStd(Vec<(Tensor, Tensor)>),
}

/// OBJECTIVE: minus the distance of statistics.
struct Styled {
    features: OnFeatures,
    style: Style,
    count: usize,
}

impl Differentiable for Styled {
    fn spec(&self) -> FnSpec {
        let dims = scalar::for_targets(self.features.dims(), self.count);
        scalar::spec("StyleObjective", &dims, Positions::Free)
    }

    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
        check_count(self.count, scalar::picture(x)?, "style")?;
        let (layers, weights) = (self.features.apply(x)?, self.features.weights());
        let distance = match &self.style {
            Style::Gram(targets) => gram_distance(&layers, targets, weights)?,
            Style::MeanStd(targets) => statistics_distance(&layers, targets, weights)?,
        };
        scalar::total(&distance.neg()?)
    }

    fn peak(&self) -> Option<Peak> {
        self.features.peak()
    }
}

#[cfg(test)]
mod tests {
    use dreamwire_sdk::testing::{Value, in_call};

    use super::*;
    use crate::objective_fixtures::{Blocks, check_gradient, grey, objective, picture, value};

    const BOTH: [&str; 2] = [r#"{"statistics": "gram"}"#, r#"{"statistics": "mean_std"}"#];

    fn style(params: &str, style: Tensor) -> Function {
        let features = Value::function(Blocks(["2", "0.5"]));
        let inputs = [("features", features), ("style", Value::Tensor(style))];
        objective::<StyleObjective>(params, &inputs).unwrap()
    }

    /// Uniform grey g has a Gram matrix of g^2 / 3 everywhere, means of g and no deviation, at every size.
    #[test]
    fn statistics_are_compared() {
        for size in [4, 6, 32] {
            let found = BOTH.map(|params| value(&style(params, grey(&[1.0], size)), &grey(&[0.5, 1.0], 4)));
            assert!((found[0] + 2.5 * (0.75f64 / 3.0).powi(2)).abs() < 1e-5, "{found:?}");
            assert!((found[1] + 2.5 * 0.25).abs() < 1e-5, "{found:?}");
        }
    }

    #[test]
    fn places_play_no_part() {
        let image = picture(1, 6, 4, 3);
        let blocks = |from, count| image.narrow(1, from, count).unwrap();
        let moved = Tensor::cat(&[blocks(2, 4), blocks(0, 2)], 1).unwrap();
        for params in BOTH {
            let function = style(params, image.clone());
            assert!(value(&function, &moved).abs() < 1e-9);
            assert!(value(&function, &picture(1, 6, 4, 400)) < -1e-6);
        }
    }

    #[test]
    fn it_is_differentiable_and_not_local() {
        for params in BOTH {
            let function = style(params, grey(&[0.1], 8));
            check_gradient(&function, &picture(2, 6, 4, 0));
            assert_eq!(function.tiles(), None);
            assert_eq!(function.spec().outputs[0].semantic("positions"), None);
        }
    }

    /// One position has no deviation.
    #[test]
    fn styles_that_are_too_small_are_refused() {
        let features = Value::function(Blocks(["1", "1"]));
        let inputs = [("features", features), ("style", Value::Tensor(grey(&[0.5], 2)))];
        let error = objective::<StyleObjective>(BOTH[1], &inputs).err().expect("refused");
        assert_eq!(error.input(), "style");
        assert!(error.to_string().contains("`layers` of the features"), "{error}");
    }

    #[test]
    fn as_many_styles_as_pictures() {
        for params in BOTH {
            let function = style(params, picture(2, 4, 4, 0));
            assert!(value(&function, &picture(2, 4, 4, 0)).abs() < 1e-9);
            let error = in_call(|_| function.value_and_grad(&picture(3, 4, 4, 0))).expect_err("refused");
            assert_eq!(error.input(), "style");
        }
    }
}
