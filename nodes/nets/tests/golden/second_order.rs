//! Gradients of gradients, as training needs them: R1 penalises the gradient of a discriminator with respect to real
//! pictures (Mescheder et al., arXiv:1801.04406). They are computed by the portable operators in a process of its own,
//! because candle and our kernels read once from the environment that they are wanted.

use std::collections::HashMap;
use std::process::Command;

use candle_core::{DType, Result, Tensor, Var};
use dreamwire_nets::stylegan::Discriminator;

use crate::portable::noise;
use crate::reference::{Reference, options};
use crate::stylegan_variants::{part, picture};

/// What makes candle keep the graphs of gradients, and what makes the operators have them.
const ENVIRONMENT: [(&str, &str); 2] =
    [("CANDLE_GRAD_DO_NOT_DETACH", "1"), ("DREAMWIRE_OPERATORS", "portable")];

/// Runs `body`, which is the test of that name, if candle keeps the graphs of gradients in this process. Otherwise runs the
/// test again, in one where it does.
#[track_caller]
pub(crate) fn in_a_prepared_process(test: &str, body: impl FnOnce()) {
    run(test, &ENVIRONMENT[..1], body);
}

#[track_caller]
fn run(test: &str, environment: &[(&str, &str)], body: impl FnOnce()) {
    if environment.iter().all(|(name, value)| std::env::var(name).as_deref() == Ok(*value)) {
        return body();
    }
    let program = std::env::current_exe().expect("tests are a program");
    let done = Command::new(program)
        .args([test, "--exact"])
        .envs(environment.iter().copied())
        .output()
        .expect("it starts");
    let text = String::from_utf8_lossy(&done.stdout);
    let errors = String::from_utf8_lossy(&done.stderr);
    // A filter that matches nothing would pass too.
    assert!(done.status.success() && text.contains("1 passed"), "{text}{errors}");
}

/// The squared length of the gradient of squared logits with respect to pictures, over the whole batch. Of the logits
/// themselves it would hardly depend on the pictures: rectifiers are linear on either side.
fn penalty(network: &Discriminator, pictures: &Var, c: Option<&Tensor>) -> Result<Tensor> {
    let sum = network.forward(pictures, c)?.sqr()?.sum_all()?;
    let gradient = sum.backward()?.remove(pictures).expect("a gradient");
    gradient.sqr()?.sum_all()
}

/// The gradient of `value` with respect to `x` against central differences along random directions. `value` gets a
/// variable.
#[track_caller]
fn check_differences(what: &str, x: &Tensor, value: impl Fn(&Var) -> Tensor) {
    // Few rectifiers change their side within a step, and rounding is far smaller.
    const STEP: f64 = 1e-7;
    let variable = Var::from_tensor(x).unwrap();
    let gradient = value(&variable).backward().unwrap().remove(&variable).expect("a gradient");
    let length = gradient.sqr().unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap().sqrt();
    assert!(length > 1e-6, "{what}: the gradient should not be zero, its length is {length:e}");
    for number in 0..3 {
        let direction = noise(&format!("direction {number}"), x.dims()).to_dtype(DType::F64).unwrap();
        let moved = |step: f64| {
            let x = (x + (&direction * step).unwrap()).unwrap();
            value(&Var::from_tensor(&x).unwrap()).to_scalar::<f64>().unwrap()
        };
        let expected = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
        let found = (&gradient * &direction).unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap();
        assert!((found - expected).abs() < 1e-5 * length, "{what}: {found}, not {expected}, length {length}");
    }
}

fn wide(tensors: HashMap<String, Tensor>) -> HashMap<String, Tensor> {
    tensors.into_iter().map(|(name, x)| (name, x.to_dtype(DType::F64).unwrap())).collect()
}

/// With respect to pictures, and to classes.
#[test]
fn penalties_by_differences() {
    run("second_order::penalties_by_differences", &ENVIRONMENT, || {
        let reference = Reference::read("sg2/sg2_16_variants");
        let double = |x: &Tensor| x.narrow(0, 0, 3).unwrap().to_dtype(DType::F64).unwrap();
        let c = double(reference.tensor("cond.c"));
        for name in ["orig", "skip", "resnet", "cond"] {
            let tensors = wide(part("sg2/sg2_16_variants", &format!("D_{name}.")));
            let network = Discriminator::new(tensors, Some(256.0), options(DType::F64)).unwrap();
            let pictures = double(&picture(&reference, &format!("{name}.img")));
            let own = (name == "cond").then_some(&c);
            check_differences(name, &pictures, |x| penalty(&network, x, own).unwrap());
            if own.is_some() {
                let pictures = Var::from_tensor(&pictures).unwrap();
                check_differences("classes", &c, |c| {
                    penalty(&network, &pictures, Some(c.as_tensor())).unwrap()
                });
            }
        }
    });
}
