use dreamwire_nets::objective::total_variation;
use dreamwire_sdk::prelude::*;

use crate::scalar::{self, Positions};

/// Rewards smoothness: minus the total variation, which keeps noise out of a dream or a style transfer.
///
/// The value of a picture `[B,H,W,C]` is minus the mean, over pixels and channels, of the squared differences
/// to the neighbours to the right and below: 0 for a uniform picture. It takes pictures of any size, and the
/// value does not grow with it. Use it with a weight in a SumObjective.
///
/// Source: Mahendran & Vedaldi, arXiv:1412.0035, section 3, with exponent 2.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {}

#[derive(Default)]
pub(crate) struct TotalVariation;

impl Node for TotalVariation {
    const KIND: Kind = Kind::new("TotalVariation", 1)
        .title("Total variation")
        .category("objectives")
        .outputs(&[port("OBJECTIVE", "OBJECTIVE").doc("Minus the variation, at most 0.")]);
    type Params = Params;

    fn run(&mut self, _: &Call, _: Params, _: Inputs) -> Result<Outputs> {
        Ok(Outputs::new().function(Smoothness))
    }
}

/// OBJECTIVE: minus the squared differences of neighbours.
struct Smoothness;

impl Differentiable for Smoothness {
    fn spec(&self) -> FnSpec {
        scalar::spec("TotalVariation", &[-1, -1, -1, 3], Positions::Free)
    }

    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
        scalar::total(&total_variation(scalar::picture(x)?)?.neg()?)
    }

    fn tiles(&self) -> Option<Tiles> {
        Some(Tiles { stride: 1, halo: 1, reduction: TileReduction::Mean })
    }

    fn peak(&self) -> Option<Peak> {
        Some(scalar::pixel_peak(3))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objective_fixtures::{check_gradient, grey, objective, picture, value};

    fn smoothness() -> Function {
        objective::<TotalVariation>("{}", &[]).unwrap()
    }

    /// Less contrast is better, quadratically.
    #[test]
    fn even_pictures_are_the_best() {
        let (function, noise) = (smoothness(), picture(2, 6, 5, 0));
        assert_eq!(value(&function, &grey(&[0.2, 0.7], 5)), 0.0);
        let (whole, half) = (value(&function, &noise), value(&function, &(&noise * 0.5).unwrap()));
        assert!(whole < -0.01 && (half - whole / 4.0).abs() < 1e-5, "{whole} and {half}");
    }

    #[test]
    fn it_is_differentiable_and_local() {
        check_gradient(&smoothness(), &picture(2, 6, 5, 0));
        let tiles = Tiles { stride: 1, halo: 1, reduction: TileReduction::Mean };
        assert_eq!(smoothness().tiles(), Some(tiles));
    }
}
