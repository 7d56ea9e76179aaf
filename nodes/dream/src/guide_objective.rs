use dreamwire_nets::objective::guide;
use dreamwire_sdk::prelude::*;

use crate::on_features::OnFeatures;
use crate::scalar::{self, Positions};
use crate::target::check_count;

/// Guided dreaming: draws the features of the picture towards those of a guide.
///
/// At every position of a layer, the guide's feature (the vector of all channels at one position) with the
/// largest dot product is chosen; the value is the sum of these dot products over positions, and over the
/// layers of `features` with their weights. The gradient with respect to the features is the chosen feature
/// itself. Positions in the guide do not matter; it is used at its own size.
///
/// `guide` is one picture, or one per picture of the batch, `[1 or B,h,w,3]` in 0..1. The value grows with
/// the number of positions; the time per layer with (positions of the picture) x (positions of the guide) x
/// channels, so a guide of 300 pixels is enough.
///
/// Errors: a number of guides that is neither 1 nor that of the pictures; whatever the features refuse.
///
/// Source: Google's deepdream notebook, "Controlling dreams".
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {}

#[derive(Default)]
pub(crate) struct GuideObjective;

impl Node for GuideObjective {
    const KIND: Kind = Kind::new("GuideObjective", 1)
        .title("Guide objective")
        .category("objectives")
        .inputs(&[
            port("features", "FEATURES").doc("The layers, with their weights."),
            port("guide", "IMAGE").doc("The picture to dream of, `[1 or B,h,w,3]`."),
        ])
        .outputs(&[port("OBJECTIVE", "OBJECTIVE").doc("How much of the guide is in the picture.")]);
    type Params = Params;

    fn run(&mut self, _: &Call, _: Params, inputs: Inputs) -> Result<Outputs> {
        let features = OnFeatures::weighted(inputs.function("features")?, "features")?;
        let picture = inputs.image("guide")?;
        features.check_channels(&picture, "guide")?;
        let count = picture.dim(0)?;
        let guides = features.eval(&picture)?;
        Ok(Outputs::new().function(Guided { features, guides, count }))
    }
}

/// OBJECTIVE: the dot products of features with the guide's.
struct Guided {
    features: OnFeatures,
    /// One per layer, `[count,C,h,w]`.
    guides: Vec<Tensor>,
    count: usize,
}

impl Differentiable for Guided {
    fn spec(&self) -> FnSpec {
        let dims = scalar::for_targets(self.features.dims(), self.count);
        scalar::spec("GuideObjective", &dims, Positions::Free)
    }

    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
        let image = scalar::picture(x)?;
        check_count(self.count, image, "guide")?;
        let mut values = Tensor::zeros(image.dim(0)?, DType::F32, image.device())?;
        let layers = self.features.apply(x)?;
        for ((layer, guides), weight) in layers.iter().zip(&self.guides).zip(self.features.weights()) {
            values = (values + (guide(layer, guides)? * *weight)?)?;
        }
        scalar::total(&values)
    }

    fn tiles(&self) -> Option<Tiles> {
        self.features.tiles(TileReduction::Sum)
    }

    fn peak(&self) -> Option<Peak> {
        self.features.peak()
    }
}

#[cfg(test)]
mod tests {
    use dreamwire_sdk::testing::{Value, in_call};

    use super::*;
    use crate::fixtures::assert_close;
    use crate::objective_fixtures::{Blocks, TILES, check_gradient, objective, picture, red, value};

    fn guided(guide: Tensor) -> Function {
        let features = Value::function(Blocks(["1", "2"]));
        let inputs = [("features", features), ("guide", Value::Tensor(guide))];
        objective::<GuideObjective>("{}", &inputs).unwrap()
    }

    /// Of 1, 2, 0 and -1, the largest products with 1, 3, -1 and 1 are 1 2, 3 2, -1 -1 and 1 2; the means are
    /// 1 and 0.5.
    #[test]
    fn every_position_chooses_its_guide() {
        let function = guided(red([1.0, 2.0, 0.0, -1.0]));
        let image = red([1.0, 3.0, -1.0, 1.0]);
        let (value, gradient) = in_call(|_| function.value_and_grad(&image)).unwrap();
        assert!((value - (2.0 + 6.0 + 1.0 + 2.0 + 2.0 * 0.5)).abs() < 1e-5, "{value}");
        // A mean of four passes a quarter of its gradient to each.
        assert_close(&gradient, &red([2.25, 2.25, -0.75, 2.25]));
    }

    #[test]
    fn it_is_differentiable_and_local() {
        let function = guided(picture(1, 4, 8, 500));
        check_gradient(&function, &picture(2, 6, 4, 0));
        assert_eq!(function.tiles(), Some(Tiles { reduction: TileReduction::Sum, ..TILES }));
        assert_eq!(function.spec().outputs[0].semantic("positions"), None);
    }

    #[test]
    fn each_image_may_have_its_own_guide() {
        let (guides, images) = (picture(2, 4, 4, 3), picture(2, 4, 4, 700));
        let image = |of: &Tensor, i| of.narrow(0, i, 1).unwrap().contiguous().unwrap();
        let alone = |i| value(&guided(image(&guides, i)), &image(&images, i));
        let together = value(&guided(guides.clone()), &images);
        assert!((together - alone(0) - alone(1)).abs() < 1e-3);

        let function = guided(picture(3, 4, 4, 0));
        let error = in_call(|_| function.value_and_grad(&images)).expect_err("refused");
        assert_eq!(error.input(), "guide");
    }
}
