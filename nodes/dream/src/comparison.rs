use dreamwire_nets::objective::{Reduction, l1_distance, l2_distance};
use dreamwire_sdk::prelude::*;
use serde::Serialize;

use crate::on_features::OnFeatures;
use crate::scalar::{self, Positions};
use crate::target::Target;

/// How a graph names a [`Reduction`]: how the differences of a layer become one number.
#[derive(Deserialize, JsonSchema, Serialize)]
#[serde(remote = "Reduction", rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum ReductionName {
    Mean,
    Sum,
}

/// What the params of every comparison are; the kinds have documents of their own.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub(crate) struct Params {
    /// How the differences in a layer are combined: mean, or sum, which grows with the picture and gives
    /// large layers more weight.
    #[serde(with = "ReductionName")]
    pub(crate) reduction: Reduction,
}

/// The distance of two values.
#[derive(Clone, Copy)]
pub(crate) enum Distance {
    /// The absolute difference.
    Absolute,
    /// The squared difference.
    Squared,
}

/// The output of every comparison.
pub(crate) const OUTPUTS: &[Port] = &[port("OBJECTIVE", "OBJECTIVE").doc("Minus the distance, at most 0.")];

/// The input of every comparison besides the picture that is compared with.
pub(crate) const FEATURES: Port =
    port("features", "FEATURES").doc("The layers to compare, with their weights.");

/// OBJECTIVE: minus the distance between the layers of a picture and those of a target, position by position.
struct Comparison {
    /// For messages.
    name: &'static str,
    features: OnFeatures,
    target: Target,
    distance: Distance,
    reduction: Reduction,
}

/// Runs the kind `name`: compares through the network at `features`, with the picture at the port `target`.
///
/// # Errors
///
/// If the picture has other channels than the network takes, or a layer's weight is no number.
pub(crate) fn run(
    name: &'static str,
    inputs: &Inputs,
    target: &'static str,
    distance: Distance,
    params: &Params,
) -> Result<Outputs> {
    let features = OnFeatures::weighted(inputs.function("features")?, "features")?;
    let picture = inputs.image(target)?;
    features.check_channels(&picture, target)?;
    let (target, reduction) = (Target::new(picture, target), params.reduction);
    Ok(Outputs::new().function(Comparison { name, features, target, distance, reduction }))
}

impl Differentiable for Comparison {
    fn spec(&self) -> FnSpec {
        let dims = scalar::for_targets(self.features.dims(), self.target.count());
        scalar::spec(self.name, &dims, Positions::Fixed)
    }

    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
        let image = scalar::picture(x)?;
        let targets = self.target.at_size_of(image, |target| self.features.eval(target))?;
        let layers = self.features.apply(x)?;
        let weights = self.features.weights();
        let distance = match self.distance {
            Distance::Absolute => l1_distance(&layers, &targets, weights, self.reduction)?,
            Distance::Squared => l2_distance(&layers, &targets, weights, self.reduction)?,
        };
        scalar::total(&distance.neg()?)
    }

    fn peak(&self) -> Option<Peak> {
        self.features.peak()
    }
}
