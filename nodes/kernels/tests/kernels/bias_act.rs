use candle_core::{DType, Tensor, Var};
use dreamwire_kernels::{BiasAct, Rectifier};

use crate::differences;
use crate::values::tensor;

const LEAKY: Rectifier = Rectifier { slope: 0.2, gain: std::f64::consts::SQRT_2, clamp: None };
const CLAMPED: Rectifier = Rectifier { clamp: Some(0.7), ..LEAKY };
const LINEAR: Rectifier = Rectifier { slope: 1.0, gain: 1.0, clamp: Some(0.9) };

fn naive(x: &Tensor, noise: Option<&Tensor>, bias: &Tensor, rectifier: Rectifier) -> Vec<f64> {
    let (_, _, _, c) = x.dims4().unwrap();
    let numbers = |x: &Tensor| x.flatten_all().unwrap().to_vec1::<f64>().unwrap();
    let (x, bias, noise) = (numbers(x), numbers(bias), noise.map(numbers));
    let value = |(index, x): (usize, &f64)| {
        // One plane for all images, or one each.
        let noise = noise.as_ref().map_or(0.0, |noise| noise[index / c % noise.len()]);
        let sum = x + noise + bias[index % c];
        let y = rectifier.gain * if sum > 0.0 { sum } else { rectifier.slope * sum };
        rectifier.clamp.map_or(y, |clamp| y.clamp(-clamp, clamp))
    };
    x.iter().enumerate().map(value).collect()
}

#[test]
fn every_output_is_what_the_formula_says() {
    for rectifier in [LEAKY, CLAMPED, LINEAR] {
        for c in [1, 3, 17] {
            let (x, bias) = (tensor(1, &[2, 23, 17, c]), tensor(2, &[c]));
            let act = BiasAct::new(&bias, rectifier).unwrap();
            let expected = naive(&x, None, &bias, rectifier);
            assert!(differences::error(&act.apply(&x).unwrap(), &expected) < 1e-15);
            let single = act.apply(&x.to_dtype(DType::F32).unwrap()).unwrap();
            assert!(differences::error(&single, &expected) < 1e-6);
            for planes in [1, 2] {
                let noise = tensor(3, &[planes, 23, 17]);
                let expected = naive(&x, Some(&noise), &bias, rectifier);
                let found = act.apply_with_noise(&x, &noise).unwrap();
                assert!(differences::error(&found, &expected) < 1e-15, "{planes} planes");
            }
        }
    }
}

#[test]
fn gradients() {
    for rectifier in [LEAKY, CLAMPED, LINEAR] {
        for c in [1, 3, 4] {
            let act = BiasAct::new(&tensor(2, &[c]), rectifier).unwrap();
            let x = tensor(1, &[2, 5, 3, c]);
            differences::check("bias-act", std::slice::from_ref(&x), |x| act.apply(&x[0]));
            for planes in [1, 2] {
                let inputs = [x.clone(), tensor(3, &[planes, 5, 3])];
                differences::check("with noise", &inputs, |x| act.apply_with_noise(&x[0], &x[1]));
            }
        }
    }
}

/// As PyTorch: the derivative at 0 is the slope, and 0 where the clamp holds.
#[test]
fn derivatives_at_the_corners() {
    let x = Var::new(&[[[[0f64], [-1.0], [1.0], [9.0], [-9.0]]]], &candle_core::Device::Cpu).unwrap();
    let act = BiasAct::new(&tensor(2, &[1]).zeros_like().unwrap(), CLAMPED).unwrap();
    let gradients = act.apply(&x).unwrap().sum_all().unwrap().backward().unwrap();
    let found = gradients.get(&x).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
    let slope = 0.2 * LEAKY.gain;
    // 1 comes out as 1.41, beyond the clamp of 0.7; -1 as -0.28.
    assert_eq!(found, [slope, slope, 0.0, 0.0, 0.0]);
}

#[test]
fn nan_stays() {
    let x = (tensor(1, &[1, 1, 1, 2]) * f64::NAN).unwrap();
    let act = BiasAct::new(&tensor(2, &[2]), CLAMPED).unwrap();
    let y = act.apply(&x).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
    assert!(y.iter().all(|y| y.is_nan()), "{y:?}");
}

#[test]
fn what_does_not_fit_is_refused() {
    let act = BiasAct::new(&tensor(2, &[3]), LEAKY).unwrap();
    let x = tensor(1, &[2, 4, 5, 3]);
    let refused = |noise: &[usize]| act.apply_with_noise(&x, &tensor(1, noise)).unwrap_err().to_string();
    let expected = "noise of shape [2 or 1, 4, 5] and type F64 expected, found [3, 4, 5] and F64";
    assert!(refused(&[3, 4, 5]).starts_with(expected), "{}", refused(&[3, 4, 5]));
    assert!(refused(&[1, 5, 4]).contains("found [1, 5, 4]"));
    assert!(act.apply(&tensor(1, &[2, 4, 5, 4])).is_err());
    for rectifier in [Rectifier { slope: 0.0, ..LEAKY }, Rectifier { clamp: Some(-1.0), ..LEAKY }] {
        assert!(BiasAct::new(&tensor(2, &[3]), rectifier).is_err(), "{rectifier:?}");
    }
}
