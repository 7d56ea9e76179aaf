//! Gradients against central differences, in f64.

use crate::reference::device;
use candle_core::{Tensor, Var};
use dreamwire_nets::random::CounterRng;

/// Numbers in -1.5..1.5, f64.
pub(crate) fn uniform(seed: u64, shape: &[usize]) -> Tensor {
    let rng = CounterRng::new(seed);
    let count: usize = shape.iter().product();
    let values: Vec<f64> = (0..count as u64).map(|n| (rng.uniform(n) - 0.5) * 3.0).collect();
    Tensor::from_vec(values, shape, &device()).unwrap()
}

/// The gradient of a weighted sum of `forward(x)`, about 24 numbers of it.
///
/// # Panics
///
/// If it is zero, or differs.
pub(crate) fn check_gradient(what: &str, x: &Tensor, forward: impl Fn(&Tensor) -> Tensor) {
    const STEP: f64 = 1e-6;
    let loss = |x: &Tensor| {
        let y = forward(x);
        (&y * uniform(99, y.dims())).unwrap().sum_all().unwrap()
    };
    let variable = Var::from_tensor(&x.contiguous().unwrap()).unwrap();
    let gradients = loss(&variable).backward().unwrap();
    let found: Vec<f64> = gradients.get(&variable).unwrap().flatten_all().unwrap().to_vec1().unwrap();
    let scale = found.iter().fold(0.0, |scale: f64, g| scale.max(g.abs()));
    assert!(scale > 1e-6, "{what}: the gradient should not be zero, its largest number is {scale:e}");
    let start: Vec<f64> = x.flatten_all().unwrap().to_vec1().unwrap();
    for index in (0..start.len()).step_by(start.len().div_ceil(24)) {
        let value = |step: f64| {
            let mut moved = start.clone();
            moved[index] += step;
            let x = Tensor::from_vec(moved, x.shape(), x.device()).unwrap();
            loss(&x).to_scalar::<f64>().unwrap()
        };
        let expected = (value(STEP) - value(-STEP)) / (2.0 * STEP);
        let error = (found[index] - expected).abs();
        assert!(
            error < 1e-5 * scale,
            "{what}, number {index}: {} not {expected}, scale {scale}",
            found[index]
        );
    }
}
