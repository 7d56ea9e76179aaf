//! Second derivatives against central differences of the first.

use candle_core::{DType, Result, Tensor, Var};

use super::derivatives::{convolve, trained};
use super::{cases, portable};
use crate::values::tensor;

/// Has candle keep the graph of gradients. It decides so by a variable of the environment, once per thread: the test
/// of this name runs once more, in a process that has it.
fn with_graphs_of_gradients(test: &str, body: impl FnOnce()) {
    const VARIABLE: &str = "CANDLE_GRAD_DO_NOT_DETACH";
    if std::env::var_os(VARIABLE).is_some() {
        return body();
    }
    let mut program = std::process::Command::new(std::env::current_exe().unwrap());
    let run = program.args(["--exact", test, "--nocapture"]).env(VARIABLE, "1").output().unwrap();
    let text = String::from_utf8_lossy(&run.stdout);
    assert!(
        run.status.success() && text.contains("1 passed"),
        "{text}{}",
        String::from_utf8_lossy(&run.stderr)
    );
}

/// `<gradients, directions>` of a function that is curved in the operator's output.
fn slope(operands: &[Var], function: &dyn Fn(&[Tensor]) -> Result<Tensor>) -> Result<Tensor> {
    let tensors: Vec<Tensor> = operands.iter().map(|operand| operand.as_tensor().clone()).collect();
    let y = function(&tensors)?;
    let value = (y.sqr()? * tensor(99, y.dims()))?.sum_all()?;
    let gradients = value.backward()?;
    let mut sum = Tensor::zeros((), DType::F64, y.device())?;
    for (seed, operand) in tensors.iter().enumerate() {
        let direction = tensor(50 + seed as u64, operand.dims());
        let gradient = gradients.get(operand).expect("every operand has a gradient");
        sum = (sum + (gradient * direction)?.sum_all()?)?;
    }
    Ok(sum)
}

/// The derivative of that along two directions, by a second backward pass and by differences.
#[track_caller]
fn check(what: &str, operands: &[Tensor], function: impl Fn(&[Tensor]) -> Result<Tensor>) {
    const STEP: f64 = 1e-5;
    let variables = |step: f64, seed: u64| -> Vec<Var> {
        let moved = operands.iter().enumerate().map(|(index, operand)| {
            let direction = tensor(seed + index as u64, operand.dims());
            Var::from_tensor(&(operand + (direction * step).unwrap()).unwrap()).unwrap()
        });
        moved.collect()
    };
    let start = variables(0.0, 0);
    let second = slope(&start, &function).unwrap().backward().unwrap();
    for seed in [70, 80] {
        let (mut found, mut scale) = (0.0, 1.0);
        for (index, operand) in start.iter().enumerate() {
            let direction = tensor(seed + index as u64, operand.dims());
            // None where the operator is linear in an operand and nothing else depends on it.
            let Some(second) = second.get(operand) else { continue };
            let products = (second * direction).unwrap();
            found += products.sum_all().unwrap().to_scalar::<f64>().unwrap();
            scale += products.abs().unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap();
        }
        let value = |step| slope(&variables(step, seed), &function).unwrap().to_scalar::<f64>().unwrap();
        let expected = (value(STEP) - value(-STEP)) / (2.0 * STEP);
        let error = (found - expected).abs() / scale;
        assert!(error < 1e-7, "{what}: {found} for {expected}");
        assert!(found != 0.0, "{what}: nothing is curved");
    }
}

#[test]
fn of_inputs() {
    with_graphs_of_gradients("portable::second::of_inputs", || {
        for (nodes, shape, taps) in cases() {
            let stack = portable(&nodes, DType::F64);
            check(&format!("{nodes:?} of {shape:?}"), &[tensor(7, &shape)], |operands| {
                let outputs = stack.apply(&operands[0], &taps)?;
                let outputs = outputs.iter().map(Tensor::flatten_all).collect::<Result<Vec<_>>>()?;
                Tensor::cat(&outputs, 0)
            });
        }
    });
}

#[test]
fn of_weights() {
    with_graphs_of_gradients("portable::second::of_weights", || {
        for (layer, operands) in trained() {
            check(&format!("{layer:?} of {:?}", operands[0].dims()), &operands, |operands| {
                convolve(&layer, operands)
            });
        }
    });
}
