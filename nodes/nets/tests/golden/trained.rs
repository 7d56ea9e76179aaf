//! StyleGAN2's networks as they are trained: the outputs of the fixed ones, and gradients with respect to weights, against
//! central differences in f64 and against NVIDIA's.

mod second;

use std::collections::HashMap;

use candle_core::backprop::GradStore;
use candle_core::{DType, Result, Tensor, Var};
use candle_nn::{VarBuilder, VarMap};
use dreamwire_nets::stylegan::{Discriminator, Generator, StyleGan, is_trained};
use serde_json::Value;

use crate::finite::uniform;
use crate::portable::noise;
use crate::reference::{Reference, device};
use crate::stylegan::tensors;
use crate::stylegan_variants::{part, picture};
use crate::tolerance::Tolerance;

const CLAMP: Option<f64> = Some(256.0);

type Tensors = HashMap<String, Tensor>;

/// A network that is trained: its tensors, and variables for those that train.
struct Training {
    tensors: Tensors,
    variables: VarMap,
    dtype: DType,
}

impl Training {
    fn new(tensors: Tensors, dtype: DType) -> Self {
        let variables = VarMap::new();
        for (name, tensor) in tensors.iter().filter(|(name, _)| is_trained(name)) {
            let start = tensor.to_dtype(dtype).unwrap().to_device(&device()).unwrap();
            let variable = Var::from_tensor(&start).unwrap();
            variables.data().lock().unwrap().insert(name.clone(), variable);
        }
        Self { tensors, variables, dtype }
    }

    fn weights(&self) -> VarBuilder<'static> {
        VarBuilder::from_varmap(&self.variables, self.dtype, &device())
    }

    fn discriminator(&self) -> Discriminator {
        Discriminator::trainable(self.tensors.clone(), CLAMP, &self.weights()).unwrap()
    }

    fn generator(&self) -> StyleGan {
        Generator::new(self.tensors.clone()).unwrap().trainable(CLAMP, &self.weights()).unwrap()
    }

    /// Names in order, and variables.
    fn parameters(&self) -> Vec<(String, Var)> {
        let variables = self.variables.data().lock().unwrap();
        let mut all: Vec<_> =
            variables.iter().map(|(name, variable)| (name.clone(), variable.clone())).collect();
        all.sort_by(|(a, _), (b, _)| a.cmp(b));
        all
    }
}

fn number(x: &Tensor) -> f64 {
    x.to_dtype(DType::F64).unwrap().to_scalar().unwrap()
}

fn length(x: &Tensor) -> f64 {
    number(&x.to_dtype(DType::F64).unwrap().sqr().unwrap().sum_all().unwrap()).sqrt()
}

fn wide(x: &Tensor) -> Tensor {
    x.to_dtype(DType::F64).unwrap()
}

/// The gradient of `loss` with respect to every variable but those named `flat` against central differences along a
/// direction. `loss` makes the network anew.
#[track_caller]
fn check_differences(what: &str, training: &Training, flat: &[&str], loss: impl Fn() -> Result<Tensor>) {
    // Few rectifiers change their side within a step, and rounding is far smaller.
    const STEP: f64 = 1e-7;
    let gradients = loss().unwrap().backward().unwrap();
    let parameters = training.parameters();
    let lengths = parameters.iter().filter_map(|(_, variable)| gradients.get(variable)).map(length);
    let whole = lengths.fold(0.0, |sum: f64, part| sum.hypot(part));
    for (name, variable) in &parameters {
        let gradient = gradients.get(variable);
        let own = gradient.map_or(0.0, length);
        assert_eq!(
            own < 1e-7 * whole,
            flat.contains(&name.as_str()),
            "{what}, {name}: length {own:e} of {whole:e}"
        );
        let direction = wide(&noise(name, variable.dims()));
        let start = variable.as_tensor().copy().unwrap().detach();
        let moved = |step: f64| {
            variable.set(&(&start + (&direction * step).unwrap()).unwrap()).unwrap();
            number(&loss().unwrap())
        };
        let expected = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
        variable.set(&start).unwrap();
        let found =
            gradient.map_or(0.0, |gradient| number(&(gradient * &direction).unwrap().sum_all().unwrap()));
        let limit = 1e-6 * own * length(&direction) + 1e-7 * whole;
        assert!(
            (found - expected).abs() < limit,
            "{what}, {name}: {found}, not {expected}; within {limit:e}"
        );
    }
}

/// The lengths of gradients by parameter against the reference's, null for none.
#[track_caller]
fn check_lengths(what: &str, training: &Training, gradients: &GradStore, expected: &Value, limit: f64) {
    let expected = expected.as_object().unwrap();
    let parameters = training.parameters();
    assert_eq!(parameters.len(), expected.len(), "{what}");
    let largest = expected.values().filter_map(Value::as_f64).fold(0.0, f64::max);
    for (name, variable) in parameters {
        let expected = expected[&name].as_f64().unwrap_or(0.0);
        let found = gradients.get(&variable).map_or(0.0, length);
        // What rounding leaves of 0 is not to be compared with itself.
        let limit = limit * expected + 1e-6 * largest;
        assert!((found - expected).abs() <= limit, "{what}, {name}: {found:e}, not {expected:e}");
    }
}

/// `ln(1 + e^x)`, mean.
fn softplus(x: &Tensor) -> Result<Tensor> {
    (x.exp()? + 1.0)?.log()?.mean_all()
}

/// Pictures in 0..1 and classes of a small discriminator.
fn shown(name: &str, dtype: DType) -> (Tensor, Option<Tensor>) {
    let reference = Reference::read("sg2/sg2_16_variants");
    let pictures = picture(&reference, &format!("{name}.img")).affine(0.5, 0.5).unwrap();
    let c = (name == "cond").then(|| reference.tensor("cond.c").to_dtype(dtype).unwrap());
    (pictures.to_dtype(dtype).unwrap(), c)
}

const VARIANTS: [&str; 4] = ["orig", "skip", "resnet", "cond"];

#[test]
fn logits() {
    let reference = Reference::read("sg2/sg2_16_variants");
    for name in VARIANTS {
        let training = Training::new(part("sg2/sg2_16_variants", &format!("D_{name}.")), DType::F32);
        let (pictures, c) = shown(name, DType::F32);
        let found = training.discriminator().forward(&pictures, c.as_ref()).unwrap().unsqueeze(1).unwrap();
        Tolerance::Close.check(name, &found, reference.tensor(&format!("{name}.logits")));
    }
}

#[test]
fn pictures() {
    let training = Training::new(part("sg2/sg2_64_tensors", "G_ema."), DType::F32);
    let outputs = Reference::read("sg2/sg2_64_outputs");
    let network = training.generator();
    let z = outputs.tensor("z").narrow(0, 0, 2).unwrap();
    let w = network.mapping.forward(&z).unwrap();
    let expected = outputs.tensor("ws_psi1").narrow(0, 0, 2).unwrap();
    Tolerance::Close.check("styles", &w.narrow(1, 0, 1).unwrap().squeeze(1).unwrap(), &expected);
    let found = network.synthesis.forward(&w, &[]).unwrap();
    Tolerance::Close.check("pictures", &found, &picture(&outputs, "img_psi1_const"));
    let planes: Vec<Tensor> =
        network.synthesis.noise_sizes().into_iter().map(|size| noise("plane", &[2, 1, size, size])).collect();
    let fixed =
        StyleGan::new(tensors("sg2/sg2_64_tensors"), CLAMP, crate::reference::options(DType::F32)).unwrap();
    let [found, expected] =
        [network, fixed].map(|network| network.synthesis.forward(&w.detach(), &planes).unwrap());
    Tolerance::Close.check("pictures with other noise", &found, &expected);
}

#[test]
fn gradients_of_discriminators() {
    for name in VARIANTS {
        let training = Training::new(part("sg2/sg2_16_variants", &format!("D_{name}.")), DType::F64);
        let (pictures, c) = shown(name, DType::F64);
        check_differences(name, &training, &[], || {
            softplus(&training.discriminator().forward(&pictures, c.as_ref())?)
        });
    }
}

#[test]
fn gradients_of_generators() {
    let reference = Reference::read("sg2/sg2_16_variants");
    let z = wide(&reference.tensor("z").narrow(0, 0, 2).unwrap());
    let c = wide(&reference.tensor("cond.c").narrow(0, 0, 2).unwrap());
    for name in ["orig", "resnet", "cond"] {
        let training = Training::new(part("sg2/sg2_16_variants", &format!("G_{name}.")), DType::F64);
        let c = (name == "cond").then_some(&c);
        check_differences(name, &training, &[], || {
            let StyleGan { mapping, synthesis } = training.generator();
            let picture = synthesis.forward(&mapping.forward_with(&z, c)?, &[])?;
            (&picture * uniform(99, picture.dims()))?.sum_all()
        });
    }
}

/// The loss of the discriminator in NVIDIA's training.
#[test]
fn gradients_of_a_loss() {
    let reference = Reference::read("sg2/sg2_64_discriminator");
    let training = Training::new(part("sg2/sg2_64_discriminator", "D."), DType::F32);
    let network = training.discriminator();
    let logits = |x: &Tensor| {
        let x = x.permute((0, 2, 3, 1)).unwrap().contiguous().unwrap();
        network.forward(&x.affine(0.5, 0.5).unwrap(), None)
    };
    let real = logits(reference.tensor("real")).unwrap();
    let fake = logits(Reference::read("sg2/sg2_64_outputs").tensor("img_psi07_const")).unwrap();
    let loss = (softplus(&real.neg().unwrap()).unwrap() + softplus(&fake).unwrap()).unwrap();
    Tolerance::Close.check("loss", &loss.unsqueeze(0).unwrap(), reference.tensor("loss_D"));
    let gradients = loss.backward().unwrap();
    check_lengths("loss", &training, &gradients, &reference.facts["grad_norm_loss_D"], 1e-4);
}

/// Variables that do not exist yet are drawn as NVIDIA's training draws them.
#[test]
fn new_variables() {
    let (given, variables) = (part("sg2/sg2_16_variants", "G_cond."), VarMap::new());
    let weights = VarBuilder::from_varmap(&variables, DType::F32, &device());
    Generator::new(given.clone()).unwrap().trainable(None, &weights).unwrap();
    let variables = variables.data().lock().unwrap();
    let trained = given.keys().filter(|name| is_trained(name));
    assert_eq!(variables.len(), trained.count());
    for (name, mean, deviation) in [
        ("mapping.fc0.weight", 0.0, 100.0),
        ("synthesis.b16.conv0.weight", 0.0, 1.0),
        ("synthesis.b16.conv0.affine.bias", 1.0, 0.0),
        ("synthesis.b16.conv0.noise_strength", 0.0, 0.0),
        ("synthesis.b4.const", 0.0, 1.0),
        ("mapping.fc1.bias", 0.0, 0.0),
    ] {
        let x = wide(variables[name].as_tensor()).flatten_all().unwrap();
        let found = number(&x.mean_all().unwrap());
        let spread = number(&(x - found).unwrap().sqr().unwrap().mean_all().unwrap()).sqrt();
        assert!((found - mean).abs() <= 0.2 * deviation, "{name}: mean {found}");
        assert!((spread - deviation).abs() <= 0.2 * deviation, "{name}: deviation {spread}");
    }
}

#[test]
fn variables_that_do_not_fit() {
    let training = Training::new(part("sg2/sg2_16_variants", "D_resnet."), DType::F32);
    let narrow = Var::zeros((3, 3), DType::F32, &device()).unwrap();
    training.variables.data().lock().unwrap().insert("b4.fc.weight".into(), narrow);
    let error = Discriminator::trainable(training.tensors.clone(), None, &training.weights());
    let error = error.err().expect("refused").to_string();
    assert!(error.contains("shape mismatch on b4.fc.weight"), "{error}");
}
