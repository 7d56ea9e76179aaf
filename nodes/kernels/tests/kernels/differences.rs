use candle_core::{Device, Result, Tensor, Var};

use crate::values::{tensor, values};

/// The gradients of a random weighting of `function`'s output with respect to each of `inputs`, f64, against
/// central differences at up to 60 positions of each.
#[track_caller]
pub(crate) fn check(what: &str, inputs: &[Tensor], function: impl Fn(&[Tensor]) -> Result<Tensor>) {
    const STEP: f64 = 1e-5;
    let variables: Vec<Var> = inputs.iter().map(|input| Var::from_tensor(input).unwrap()).collect();
    let tracked: Vec<Tensor> = variables.iter().map(|variable| variable.as_tensor().clone()).collect();
    let y = function(&tracked).unwrap();
    let weights = tensor(99, y.dims());
    let paired = |y: &Tensor| (y * &weights).unwrap().sum_all().unwrap();
    let gradients = paired(&y).backward().unwrap();
    for (number, input) in inputs.iter().enumerate() {
        let found = gradients.get(&tracked[number]).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
        let scale = found.iter().fold(1.0, |scale: f64, x| scale.max(x.abs()));
        let values_of_input = input.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        let stride = found.len().div_ceil(60);
        for index in (0..found.len()).step_by(stride) {
            let value = |step: f64| {
                let mut moved = values_of_input.clone();
                moved[index] += step;
                let mut inputs = inputs.to_vec();
                inputs[number] = Tensor::from_vec(moved, input.shape(), &Device::Cpu).unwrap();
                paired(&function(&inputs).unwrap()).to_scalar::<f64>().unwrap()
            };
            let expected = (value(STEP) - value(-STEP)) / (2.0 * STEP);
            let error = (found[index] - expected).abs();
            assert!(
                error < 1e-7 * scale,
                "{what}: input {number} at {index}: {} for {expected}",
                found[index]
            );
        }
    }
}

/// The largest difference between a tensor and plain numbers, relative to the largest of these or 1. No
/// number may be NaN, which a maximum would ignore.
#[track_caller]
pub(crate) fn error(found: &Tensor, expected: &[f64]) -> f64 {
    let found =
        found.to_dtype(candle_core::DType::F64).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
    assert_eq!(found.len(), expected.len());
    assert!(found.iter().chain(expected).all(|number| number.is_finite()), "a number is not finite");
    let scale = expected.iter().fold(1.0, |scale: f64, x| scale.max(x.abs()));
    found.iter().zip(expected).fold(0.0, |error: f64, (a, b)| error.max((a - b).abs())) / scale
}

/// Numbers in 0.5..1.5.
pub(crate) fn positive(seed: u64, shape: &[usize]) -> Tensor {
    let numbers =
        values(seed, shape.iter().product()).iter().map(|value| 1.0 + 0.5 * value).collect::<Vec<_>>();
    Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap()
}

/// The gradients of a random weighting of the squares of `function`'s output, as one tensor: what [`check`] needs for
/// second derivatives, where candle keeps the graph of gradients.
pub(crate) fn gradients(inputs: &[Tensor], function: impl Fn(&[Tensor]) -> Result<Tensor>) -> Result<Tensor> {
    let variable = |input: &Tensor| match input.is_variable() {
        true => Ok(input.clone()),
        false => Ok(Var::from_tensor(input)?.as_tensor().clone()),
    };
    let inputs = inputs.iter().map(variable).collect::<Result<Vec<_>>>()?;
    let y = function(&inputs)?.sqr()?;
    let gradients = (&y * tensor(98, y.dims()))?.sum_all()?.backward()?;
    let gradient = |input: &Tensor| gradients.get(input).expect("it depends on it").flatten_all();
    Tensor::cat(&inputs.iter().map(gradient).collect::<Result<Vec<_>>>()?, 0)
}
