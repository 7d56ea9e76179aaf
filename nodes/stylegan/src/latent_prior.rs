use dreamwire_nets::stylegan::Prior;
use dreamwire_sdk::prelude::*;

use crate::styles::Styles;

/// Rewards latents that are typical of a network, so that a search or an ascent does not leave what it can paint.
///
/// The value of a latent w is `-weight * mean(v^2)` over layers and numbers, where v is w without the fold of the
/// mapping's last leaky ReLU, centred and scaled so that the styles of random latents have a variance of 1 in every
/// direction in which they vary: about `-weight` for what the mapping makes, and lower the further w is from it.
///
/// It is an objective of latents, for `prior` of ProjectImage and GradientAscent.
///
/// Errors: a MAPPING whose styles do not vary, or are not finite.
///
/// Source: Zhu et al., "Improved StyleGAN Embedding: Where are the Good Latents?", arXiv:2012.09036 (the space P_N).
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// How important it is, in the unit of the other objectives. Compare it with the distance at the end of a search
    /// without a prior: a tenth of that is a light pull.
    #[schemars(range(min = 0.0), extend("x-dw-step" = 0.001))]
    pub(crate) weight: f64,
    /// Random latents from whose styles the distribution is computed, the first rows of
    /// `numpy.random.RandomState(123).randn(samples, z)`; a few times as many as a style has numbers.
    #[schemars(range(min = 2, max = 100_000))]
    pub(crate) samples: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self { weight: 0.001, samples: 10_000 }
    }
}

#[derive(Default)]
pub(crate) struct LatentPrior;

impl Node for LatentPrior {
    const KIND: Kind = Kind::new("LatentPrior", 1)
        .title("Latent prior")
        .category("stylegan")
        .inputs(&[port("mapping", "MAPPING").doc("The MAPPING of the network that the latents are for.")])
        .outputs(&[port("OBJECTIVE", "OBJECTIVE").doc("Minus the distance of latents `[B,layers,w]`.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let mapping = inputs.function("mapping")?;
        let Styles { styles, layers } = Styles::sample(call, &mapping, params.samples)?;
        let prior = Prior::new(&styles).map_err(|error| Error::port("mapping", error.to_string()))?;
        Ok(Outputs::new().function(Typical { prior, layers, weight: params.weight }))
    }
}

/// OBJECTIVE of latents: minus their distance from the middle of what a mapping makes.
struct Typical {
    prior: Prior,
    layers: usize,
    weight: f64,
}

impl Typical {
    /// Copies of its latents that candle's graph and its way back have at once.
    const COPIES: usize = 12;

    fn matrix_bytes(&self) -> u64 {
        (self.prior.w_width() * self.prior.w_width() * 4) as u64
    }
}

impl Differentiable for Typical {
    fn spec(&self) -> FnSpec {
        let w = TensorSpec::new("w", &[-1, self.layers as i64, self.prior.w_width() as i64]);
        FnSpec::new("OBJECTIVE", "LatentPrior").input(w).output(TensorSpec::new("value", &[])).scalar()
    }

    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
        let [w] = x else {
            return Err(Error::failed(format!("a prior takes 1 input, found {}", x.len())));
        };
        Ok(vec![(self.prior.distance(w)?.sum_all()? * -self.weight)?])
    }

    /// The matrix, forwards and backwards.
    fn memory(&self) -> Option<u64> {
        Some(2 * self.matrix_bytes())
    }

    fn peak(&self) -> Option<Peak> {
        let bytes = (Self::COPIES * self.layers * self.prior.w_width() * 4) as u64;
        Some(Peak { fixed: self.matrix_bytes(), outputs: 0, value: bytes, gradient: bytes })
    }
}

#[cfg(test)]
mod tests {
    use dreamwire_sdk::testing::{Value, in_call, run_node};

    use super::*;
    use crate::small;

    fn prior(params: &str, mapping: &Function) -> Function {
        let inputs = [("mapping", Value::Function(mapping.clone()))];
        match run_node::<LatentPrior>(params, &inputs, &[]).expect(params).outputs.swap_remove(0) {
            Value::Function(function) => function,
            _ => panic!("a function was promised"),
        }
    }

    /// What the mapping makes of other random latents.
    fn styles(mapping: &Function, count: usize) -> Tensor {
        let z = small::normal(7, &[count, small::WIDTH]);
        in_call(|_| Ok(mapping.eval(&[&z])?.swap_remove(0))).unwrap()
    }

    fn value(prior: &Function, w: &Tensor) -> f64 {
        in_call(|_| Ok(prior.value_and_grad(w)?.0)).unwrap()
    }

    #[test]
    fn styles_of_the_network_are_typical() {
        let (mapping, _) = small::load();
        let prior = prior(r#"{"weight": 1, "samples": 2000}"#, &mapping);
        assert_eq!(prior.spec().inputs[0].dims, [-1, small::LAYERS as i64, small::WIDTH as i64]);
        let w = styles(&mapping, 200);
        // The sum over the batch.
        let mean = value(&prior, &w) / 200.0;
        assert!((-1.1..-0.7).contains(&mean), "{mean}");
        let far = (&w * 4.0).unwrap();
        assert!(value(&prior, &far) / 200.0 < -4.0);
    }

    #[test]
    fn gradients_are_those_of_differences() {
        let (mapping, _) = small::load();
        let prior = prior(r#"{"weight": 2, "samples": 500}"#, &mapping);
        let w = (styles(&mapping, 2) * 3.0).unwrap();
        let (now, gradient) = in_call(|_| prior.value_and_grad(&w)).unwrap();
        let square = f64::from(gradient.sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap());
        // A hundredth of the way down, so that few numbers change their sign.
        let step = 0.01 * now.abs() / square;
        let at = |step: f64| value(&prior, &(&w + (&gradient * step).unwrap()).unwrap());
        let found = (at(step) - at(-step)) / (2.0 * step);
        assert!((found - square).abs() < 0.02 * square, "{found} by differences, {square}");
    }

    #[test]
    fn the_weight_is_a_factor_and_results_are_repeatable() {
        let (mapping, _) = small::load();
        let w = styles(&mapping, 3);
        let of = |weight: f64| prior(&format!(r#"{{"weight": {weight}, "samples": 300}}"#), &mapping);
        let single = value(&of(1.0), &w);
        assert_eq!(value(&of(1.0), &w), single);
        assert!((value(&of(0.5), &w) / single - 0.5).abs() < 1e-6);
    }

    /// MAPPING: always the same style.
    struct Still;

    impl Differentiable for Still {
        fn spec(&self) -> FnSpec {
            FnSpec::new("MAPPING", "still")
                .input(TensorSpec::new("z", &[-1, 3]))
                .output(TensorSpec::new("w", &[-1, 2, 4]))
                .output(TensorSpec::new("w_avg", &[4]))
        }

        fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
            let w = Tensor::ones((x[0].dim(0)?, 2, 4), DType::F32, &Device::Cpu)?;
            Ok(vec![w, Tensor::ones(4, DType::F32, &Device::Cpu)?])
        }
    }

    #[test]
    fn styles_that_do_not_vary_are_refused() {
        small::check_error::<LatentPrior>(
            r#"{"samples": 5}"#,
            &[("mapping", Value::function(Still))],
            "mapping",
            "no distribution can be computed from 5 styles: they must be finite, and differ",
        );
    }
}
