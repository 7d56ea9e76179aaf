//! Objectives with gradients computed by hand.

use dreamwire_sdk::prelude::*;

/// FEATURES whose only layer is the picture itself minus `centre`: dreams move away from `centre`.
pub(crate) struct Distance {
    pub(crate) centre: f64,
    pub(crate) weight: &'static str,
}

impl Differentiable for Distance {
    fn spec(&self) -> FnSpec {
        let output = TensorSpec::new("pixels", &[-1, 3, -1, -1]).semantics(format!("weight={}", self.weight));
        FnSpec::new("FEATURES", "distance").input(TensorSpec::new("image", &[-1, -1, -1, 3])).output(output)
    }

    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
        Ok(vec![(x[0].permute((0, 3, 1, 2))? - self.centre)?])
    }
}

/// OBJECTIVE: the logarithm of the picture's sum, which is not finite for a black picture.
pub(crate) struct LogSum;

impl Differentiable for LogSum {
    fn spec(&self) -> FnSpec {
        let spec = FnSpec::new("OBJECTIVE", "log sum").input(TensorSpec::new("image", &[-1, -1, -1, 3]));
        spec.output(TensorSpec::new("value", &[])).scalar()
    }

    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
        Ok(vec![x[0].sum_all()?.log()?])
    }
}

pub(crate) fn away(centre: f64) -> Distance {
    Distance { centre, weight: "1" }
}

#[track_caller]
pub(crate) fn assert_close(found: &Tensor, expected: &Tensor) {
    assert_eq!(found.dims(), expected.dims());
    let error = (found - expected).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
    assert!(error < 1e-5, "{error}");
}
