use dreamwire_nets::optim::Fit;
use dreamwire_sdk::prelude::*;
use serde::Serialize;

use crate::classes;

/// How real a discriminator thinks a picture is: ascending it makes pictures more like those that the network was trained
/// on.
///
/// The value of a picture is its logit, or with `form` probability the logarithm of the probability that it is real,
/// `-log(1 + exp(-logit))`, which pushes less the more real the picture is. A generator is trained on the mean of the latter.
///
/// A picture of another size is resized to that of the network, both sides for themselves (bilinear, smoothed where it
/// shrinks), and the gradient is carried back to its own pixels; so the objective knows no detail beyond that size.
/// Every picture of a batch is judged by itself. The network looks at the whole picture, so this objective cannot be tiled,
/// and a dream does not roll the picture. For dreams of single layers connect FEATURES of LoadDiscriminator instead.
///
/// Errors: a class that does not exist, is missing, or is given to a network without classes.
///
/// Source: Goodfellow et al., arXiv:1406.2661, section 3 (the generator's objective); discriminator dreaming after
/// github.com/PDillis/stylegan3-fun.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// What is maximised: the logit, or the logarithm of the probability.
    pub(crate) form: Form,
    /// The class that the picture is to be of, from 0; -1 is none, for networks without classes.
    #[schemars(range(min = -1))]
    pub(crate) class: i64,
    /// Instead of `class`, a weight for each class, in order: `0.5, 0.5, 0` is half way between the first two of three.
    #[schemars(extend("x-dw-list" = true))]
    pub(crate) class_weights: String,
}

impl Default for Params {
    fn default() -> Self {
        Self { form: Form::Logit, class: -1, class_weights: String::new() }
    }
}

#[derive(Clone, Copy, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Form {
    Logit,
    Probability,
}

impl Form {
    /// The value of a logit, and its derivative.
    fn of(self, logit: f64) -> (f64, f64) {
        match self {
            Self::Logit => (logit, 1.0),
            // No exponential of a large number.
            Self::Probability if logit >= 0.0 => {
                let small = (-logit).exp();
                (-small.ln_1p(), small / (1.0 + small))
            }
            Self::Probability => (logit - logit.exp().ln_1p(), 1.0 / (1.0 + logit.exp())),
        }
    }
}

#[derive(Default)]
pub(crate) struct DiscriminatorObjective;

impl Node for DiscriminatorObjective {
    const KIND: Kind = Kind::new("DiscriminatorObjective", 1)
        .title("Discriminator objective")
        .category("objectives")
        .inputs(&[port("discriminator", "DISCRIMINATOR").doc("The DISCRIMINATOR of LoadDiscriminator.")])
        .outputs(&[port("OBJECTIVE", "OBJECTIVE").doc("How real the picture is.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let discriminator = inputs.function("discriminator")?;
        let (class, weights) = (params.class, &params.class_weights);
        let class = classes::chosen(discriminator.spec(), class, weights, 1, call.device())?;
        Ok(Outputs::new().function(Realness { discriminator, class, form: params.form }))
    }

    /// Rejects weights that are not numbers. How many there must be is known at run time.
    fn check(params: &Params) -> Result<()> {
        classes::numbers(&params.class_weights).map(drop)
    }
}

/// OBJECTIVE: the sum over the pictures of how real each one is.
struct Realness {
    discriminator: Function,
    /// `[1,classes]`.
    class: Option<Tensor>,
    form: Form,
}

impl Realness {
    /// Height and width of the discriminator's pictures; those of the picture where it takes any.
    fn size(&self, [height, width]: [usize; 2]) -> [usize; 2] {
        let dims = self.discriminator.spec().inputs.first().map_or(&[][..], |input| &input.dims[..]);
        let side = |axis: usize, own: usize| {
            dims.get(axis).and_then(|size| usize::try_from(*size).ok()).unwrap_or(own)
        };
        [side(1, height), side(2, width)]
    }

    /// Channels of the discriminator's pictures, -1 if it takes any.
    fn channels(&self) -> i64 {
        self.discriminator.spec().inputs.first().and_then(|input| input.dims.last().copied()).unwrap_or(-1)
    }

    /// The value of the pictures, and if `wants_gradient` what each pixel contributes to it.
    fn judge(&self, x: &[Tensor], wants_gradient: bool) -> Result<(Tensor, Option<Tensor>)> {
        let [pictures] = x else {
            return Err(Error::failed(format!("an objective takes 1 input, found {}", x.len())));
        };
        let (batch, height, width, _) = pictures.dims4()?;
        let from = [height, width];
        let to = self.size(from);
        let fit = (from != to).then(|| Fit::new(from, to)).transpose()?;
        let (mut total, mut gradients) = (0.0, Vec::new());
        // One by one: the network would compare them with each other.
        for index in 0..batch {
            let own = pictures.detach().narrow(0, index, 1)?.contiguous()?;
            let shown = fit.as_ref().map_or_else(|| Ok(own.clone()), |fit| fit.apply(&own))?;
            let inputs: Vec<&Tensor> = std::iter::once(&shown).chain(&self.class).collect();
            if !wants_gradient {
                total += self.form.of(logit(&self.discriminator.eval(&inputs)?)?).0;
                continue;
            }
            let (y, tape) = self.discriminator.linearise(&inputs, 1)?;
            let (value, slope) = self.form.of(logit(&y)?);
            total += value;
            let cotangent = (y[0].ones_like()? * slope)?;
            let gradient = match tape.vjp(&[Some(&cotangent)])?.into_iter().next().flatten() {
                Some(gradient) => gradient,
                // `None` is exactly zero.
                None => shown.zeros_like()?,
            };
            gradients
                .push(fit.as_ref().map_or_else(|| Ok(gradient.clone()), |fit| fit.transposed(&gradient))?);
        }
        let value = Tensor::new(total as f32, pictures.device())?;
        let gradient = wants_gradient.then(|| Tensor::cat(&gradients, 0)).transpose()?;
        Ok((value, gradient))
    }
}

/// The one number that a discriminator gave a picture.
fn logit(y: &[Tensor]) -> Result<f64> {
    match y {
        [logits] if logits.elem_count() == 1 => {
            Ok(f64::from(logits.flatten_all()?.get(0)?.to_scalar::<f32>()?))
        }
        _ => {
            let found: Vec<&[usize]> = y.iter().map(Tensor::dims).collect();
            Err(Error::port(
                "discriminator",
                format!("`discriminator` must return one number per picture, found {found:?}"),
            ))
        }
    }
}

impl Differentiable for Realness {
    fn spec(&self) -> FnSpec {
        let value = TensorSpec::new("value", &[]).at_fixed_positions();
        FnSpec::new("OBJECTIVE", "DiscriminatorObjective")
            .input(TensorSpec::new("image", &[-1, -1, -1, self.channels()]))
            .output(value)
            .scalar()
    }

    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
        Ok(vec![self.judge(x, false)?.0])
    }

    fn linearise(&self, x: &[Tensor], _: u64) -> Result<Linearised> {
        let (value, gradient) = self.judge(x, true)?;
        Ok(Linearised { y: vec![value], pullback: Box::new(Slope(gradient)) })
    }

    fn peak(&self) -> Option<Peak> {
        /// The picture, the resized one, and their gradients.
        const COPIES: u64 = 4;
        let own = COPIES * 4 * u64::try_from(self.channels()).unwrap_or(3);
        let peak = self.discriminator.peak()?;
        let [height, width] = self.size([0, 0]);
        if height * width == 0 {
            let (value, gradient) = (peak.value.saturating_add(own), peak.gradient.saturating_add(own));
            return Some(Peak { outputs: 0, value, gradient, ..peak });
        }
        // One picture of the network's own size at a time.
        let fixed = peak.of_gradient(&[1, height, width, 1]);
        Some(Peak { fixed, outputs: 0, value: own, gradient: own })
    }
}

/// The gradient of the value, known since the forward pass.
struct Slope(Option<Tensor>);

impl Pullback for Slope {
    fn vjp(&self, gy: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        let (Some(gradient), Some(Some(gy))) = (&self.0, gy.first()) else { return Ok(vec![None]) };
        let factor = f64::from(gy.flatten_all()?.get(0)?.to_scalar::<f32>()?);
        Ok(vec![Some((gradient * factor)?)])
    }

    fn bytes(&self) -> u64 {
        self.0.as_ref().map_or(0, |gradient| 4 * gradient.elem_count() as u64)
    }
}

#[cfg(test)]
mod tests {
    use dreamwire_sdk::testing::{Value, in_call, run_node};

    use super::*;
    use crate::load_discriminator::LoadDiscriminator;
    use crate::small;

    fn judge(classes: usize) -> Function {
        let file = small::discriminator(classes);
        let ran =
            run_node::<LoadDiscriminator>(r#"{"weights": "it"}"#, &[], &[("it", &file)]).expect("it loads");
        match &ran.outputs[0] {
            Value::Function(function) => function.clone(),
            _ => panic!("a function was promised"),
        }
    }

    fn objective(params: &str, judge: &Function) -> Result<Function> {
        let ran = run_node::<DiscriminatorObjective>(
            params,
            &[("discriminator", Value::Function(judge.clone()))],
            &[],
        )?;
        match &ran.outputs[0] {
            Value::Function(function) => Ok(function.clone()),
            _ => panic!("a function was promised"),
        }
    }

    fn pictures(shape: &[usize]) -> Tensor {
        (small::normal(3, shape) * 0.2).and_then(|x| x + 0.5).expect("f32")
    }

    fn value(function: &Function, x: &Tensor) -> f64 {
        let eval = in_call(|_| function.eval(&[x])).expect("it runs");
        let (found, _) = in_call(|_| function.value_and_grad(x)).expect("it runs");
        let alone = f64::from(eval[0].to_scalar::<f32>().expect("f32"));
        assert_eq!(alone, found, "with and without a gradient");
        found
    }

    /// What the discriminator says of each picture alone.
    fn logits(judge: &Function, x: &Tensor, c: Option<&Tensor>) -> Vec<f64> {
        let one = |index: usize| {
            let picture = x.narrow(0, index, 1).unwrap().contiguous().unwrap();
            let inputs: Vec<&Tensor> = std::iter::once(&picture).chain(c).collect();
            let y = in_call(|_| judge.eval(&inputs)).expect("it runs");
            f64::from(y[0].to_vec1::<f32>().unwrap()[0])
        };
        (0..x.dims()[0]).map(one).collect()
    }

    #[test]
    fn the_value_is_the_sum_of_logits_or_log_probabilities() {
        let (judge, x) = (judge(0), pictures(&[2, 16, 16, 3]));
        let logits = logits(&judge, &x, None);
        let function = objective("{}", &judge).unwrap();
        assert!(function.spec().is_scalar() && function.spec().outputs[0].has_fixed_positions());
        assert!((value(&function, &x) - logits.iter().sum::<f64>()).abs() < 1e-5);
        let probability = objective(r#"{"form": "probability"}"#, &judge).unwrap();
        let expected: f64 = logits.iter().map(|logit| -(-logit).exp().ln_1p()).sum();
        assert!((value(&probability, &x) - expected).abs() < 1e-5);
        // Of extreme logits, too.
        assert_eq!(Form::Probability.of(-800.0), (-800.0, 1.0));
        assert_eq!(Form::Probability.of(800.0).0, 0.0);
        assert!((Form::Probability.of(0.0).1 - 0.5).abs() < 1e-12);
    }

    #[test]
    fn the_class_is_chosen() {
        let (judge, x) = (judge(3), pictures(&[1, 16, 16, 3]));
        let check = |params: &str, c: [f32; 3]| {
            let c = Tensor::new(&[c], &Device::Cpu).unwrap();
            let found = value(&objective(params, &judge).unwrap(), &x);
            assert!((found - logits(&judge, &x, Some(&c))[0]).abs() < 1e-6, "{params}");
        };
        check(r#"{"class": 1}"#, [0.0, 1.0, 0.0]);
        check(r#"{"class_weights": "0.25, 0, 0.75"}"#, [0.25, 0.0, 0.75]);
        let error = objective(r#"{"class": 3}"#, &judge).err().expect("refused");
        assert_eq!(error.to_string(), "there is no class 3: this network has 3 classes, 0 to 2");
        let error = objective("{}", &judge).err().expect("refused");
        assert!(error.to_string().starts_with("this network has 3 classes, 0 to 2: choose one"), "{error}");
    }

    /// Along a direction, by differences, for pictures larger, smaller and as large as the network's.
    #[test]
    fn gradients_of_pictures_of_any_size() {
        const STEP: f64 = 0.02;
        let judge = judge(0);
        for shape in [[2, 16, 16, 3], [1, 37, 20, 3], [1, 5, 16, 3]] {
            for form in ["logit", "probability"] {
                let function = objective(&format!(r#"{{"form": "{form}"}}"#), &judge).unwrap();
                let x = pictures(&shape);
                let (whole, gradient) = in_call(|_| function.value_and_grad(&x)).unwrap();
                assert_eq!(gradient.dims(), shape);
                // Uphill, where the differences are largest.
                let length = gradient.sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap().sqrt();
                let direction = (&gradient / f64::from(length)).unwrap();
                let at = |step: f64| value(&function, &(&x + (&direction * step).unwrap()).unwrap());
                let found = (at(STEP) - at(-STEP)) / (2.0 * STEP);
                let expected = f64::from(length);
                assert!(
                    (found - expected).abs() < 2e-2 * expected,
                    "{shape:?}, {form}: {found}, not {expected}"
                );
                // Every picture by itself.
                let alone: f64 = (0..shape[0])
                    .map(|index| value(&function, &x.narrow(0, index, 1).unwrap().contiguous().unwrap()))
                    .sum();
                assert!((whole - alone).abs() < 1e-5, "{whole}, one by one {alone}");
            }
        }
    }
}
