use dreamwire_nets::objective::{Norm, energy};
use dreamwire_sdk::prelude::*;

use crate::norm::NormName;
use crate::on_features::OnFeatures;
use crate::scalar::{self, Positions};

/// How strongly whole layers of a network are activated: the objective of DeepDream.
///
/// The value of a picture is the weighted sum, over the layers of `features`, of the layer's norm over all
/// channels and positions: for activations a, l2 is `mean(a^2)`, l1 is `mean(|a|)` and mean is `mean(a)`.
/// Because they are means, the value does not depend on the picture's size.
///
/// GradientAscent without this node does the same with l2: connect FEATURES to it directly.
///
/// Source: Mordvintsev, Olah & Tyka, "Inceptionism" (2015).
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// Norm of the activations a: l2 is the mean of their squares, dominated by strong ones; l1 the mean of
    /// their absolute values; mean their mean, in which negative ones offset positive ones.
    #[serde(with = "NormName")]
    pub(crate) norm: Norm,
}

#[derive(Default)]
pub(crate) struct LayerObjective;

impl Node for LayerObjective {
    const KIND: Kind = Kind::new("LayerObjective", 1)
        .title("Layer objective")
        .category("objectives")
        .inputs(&[port("features", "FEATURES").doc("The layers, with their weights.")])
        .outputs(&[port("OBJECTIVE", "OBJECTIVE").doc("How strongly the layers are activated.")]);
    type Params = Params;

    fn run(&mut self, _: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let features = OnFeatures::weighted(inputs.function("features")?, "features")?;
        Ok(Outputs::new().function(LayerEnergy { features, norm: params.norm }))
    }
}

/// OBJECTIVE: the weighted sum of the norms of layers.
pub(crate) struct LayerEnergy {
    pub(crate) features: OnFeatures,
    pub(crate) norm: Norm,
}

impl Differentiable for LayerEnergy {
    fn spec(&self) -> FnSpec {
        scalar::spec("LayerObjective", self.features.dims(), Positions::Free)
    }

    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
        let layers = self.features.apply(x)?;
        scalar::total(&energy(&layers, self.features.weights(), self.norm)?)
    }

    fn tiles(&self) -> Option<Tiles> {
        self.features.tiles(TileReduction::Mean)
    }

    fn peak(&self) -> Option<Peak> {
        self.features.peak()
    }
}

#[cfg(test)]
mod tests {
    use dreamwire_sdk::testing::Value;

    use super::*;
    use crate::objective_fixtures::{Blocks, TILES, check_gradient, objective, picture, red, value};

    fn layers(norm: &str, weights: [&'static str; 2]) -> Result<Function> {
        let features = Value::function(Blocks(weights));
        objective::<LayerObjective>(&format!(r#"{{"norm": "{norm}"}}"#), &[("features", features)])
    }

    /// Red is 1, 3, -1, 1 and its mean 1; green and blue are 0. There are 12 numbers in the planes and 3
    /// means.
    #[test]
    fn norms_are_weighted() {
        for (norm, planes, means) in
            [("l2", 12.0 / 12.0, 1.0 / 3.0), ("l1", 6.0 / 12.0, 1.0 / 3.0), ("mean", 4.0 / 12.0, 1.0 / 3.0)]
        {
            let found = value(&layers(norm, ["2", "-0.5"]).unwrap(), &red([1.0, 3.0, -1.0, 1.0]));
            assert!((found - (2.0 * planes - 0.5 * means)).abs() < 1e-5, "{norm}: {found}");
        }
    }

    #[test]
    fn it_is_differentiable_and_local() {
        for norm in ["l2", "l1", "mean"] {
            let function = layers(norm, ["2", "0.5"]).unwrap();
            check_gradient(&function, &picture(2, 6, 4, 0));
            assert_eq!(function.tiles(), Some(TILES));
            assert_eq!(function.spec().outputs[0].semantic("positions"), None);
        }
    }

    #[test]
    fn weights_that_are_no_numbers_are_refused() {
        for weight in ["much", ""] {
            let error = layers("l2", ["1", weight]).err().expect("refused");
            assert_eq!(error.input(), "features");
            assert_eq!(
                error.to_string(),
                format!("the weight of layer `means` must be a number, found `{weight}`")
            );
        }
    }

    #[test]
    fn something_has_to_count() {
        assert!(layers("l2", ["0", "-1"]).is_ok());
        let error = layers("l2", ["0", "-0"]).err().expect("refused");
        assert_eq!(error.input(), "features");
        let text = error.to_string();
        assert!(text.starts_with("all layers of `blocks` have weight 0"), "{text}");
        assert!(text.contains("`layers`"), "{text}");
    }
}
