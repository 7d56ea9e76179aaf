//! What no layer of a stack shows. The rest is in `tests/kernels/portable`.

use candle_core::{DType, Device, Result, Tensor, Var};

use super::convolution::{conv2d, conv2d_input, conv2d_weight};
use super::rectifier::rectified;
use crate::layer::Padding;
use crate::rectifier::Rectifier;

/// Numbers in -1..1.
fn numbers(seed: usize, shape: &[usize]) -> Tensor {
    let count = shape.iter().product();
    let numbers: Vec<f64> = (0..count).map(|index| (7.1 * (index + 31 * seed) as f64).sin()).collect();
    Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap()
}

fn list(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn product(a: &Tensor, b: &Tensor) -> f64 {
    (a * b).unwrap().sum_all().unwrap().to_scalar().unwrap()
}

/// Outputs, and gradients for the given ones.
fn differentiated(x: &[f64], gradient: &[f64], rectifier: Rectifier) -> [Vec<f64>; 2] {
    let x = Var::new(x, &Device::Cpu).unwrap();
    let y = rectified(&x, rectifier).unwrap();
    let gradient = Tensor::new(gradient, &Device::Cpu).unwrap();
    // Attached to the output, as a product with infinity would not be.
    let sum = super::attach::attach1("given", &y, |y| y.sum_all(), move |_, _| Ok(gradient.clone()));
    let gradients = sum.unwrap().backward().unwrap();
    [list(&y), list(gradients.get(&x).unwrap())]
}

#[test]
fn a_rectifier_with_gain_and_clamp() {
    let rectifier = Rectifier { slope: 0.2, gain: 3.0, clamp: Some(1.5) };
    let x = [-4.0, -1.0, -0.5, 0.0, 0.25, 0.5, 0.75, f64::INFINITY, f64::NEG_INFINITY];
    let [y, gradient] = differentiated(&x, &[2.0; 9], rectifier);
    let expected = [-1.5, -0.6, -0.3, 0.0, 0.75, 1.5, 1.5, 1.5, -1.5];
    let slopes = [0.0, 0.6, 0.6, 0.6, 3.0, 0.0, 0.0, 0.0, 0.0];
    for (index, (y, gradient)) in y.iter().zip(&gradient).enumerate() {
        assert!((y - expected[index]).abs() < 1e-15, "{index}: {y}");
        assert!((gradient - 2.0 * slopes[index]).abs() < 1e-15, "{index}: {gradient}");
    }
}

/// A derivative of 0 makes 0 of anything, and NaN stays.
#[test]
fn rectifiers_of_what_is_not_finite() {
    let relu = Rectifier { slope: 0.0, gain: 1.0, clamp: Some(2.0) };
    let [y, gradient] = differentiated(
        &[-1.0, 3.0, f64::NEG_INFINITY, 1.0, f64::NAN],
        &[f64::INFINITY, f64::NAN, f64::NAN, 4.0, 1.0],
        relu,
    );
    assert_eq!(y[..4], [0.0, 2.0, 0.0, 1.0]);
    assert!(y[4].is_nan());
    assert_eq!(gradient[..4], [0.0, 0.0, 0.0, 4.0]);
}

/// `<conv2d(x, w), g> = <x, conv2d_input(g, w)> = <w, conv2d_weight(x, g)>`, of inputs of several sizes that have
/// outputs of one.
#[test]
fn a_convolution_and_its_adjoints() -> Result<()> {
    for stride in 1..4 {
        for padding in [Padding::zeros(1), Padding::sides(0, 2, 3, 0), Padding::zeros(6)] {
            for [h, w] in [[7, 8], [8, 9], [9, 10], [10, 7]] {
                let (x, weight) = (numbers(1, &[2, 3, h, w]), numbers(2, &[4, 3, 3, 2]));
                let y = conv2d(&x, &weight, stride, padding)?;
                let gradient = numbers(3, y.dims());
                let expected = product(&y, &gradient);
                let by_input = product(&x, &conv2d_input(&gradient, &weight, stride, padding, [h, w])?);
                let by_weight = product(&weight, &conv2d_weight(&x, &gradient, stride, padding, [3, 2])?);
                for found in [by_input, by_weight] {
                    assert!((found - expected).abs() < 1e-11, "{stride}, {padding:?}, {h}x{w}");
                }
            }
        }
    }
    Ok(())
}

/// As many channels and pixels as the kernels do not take at once.
#[test]
fn a_large_convolution_and_its_adjoints() -> Result<()> {
    for ([h, w], [c, o], kernel) in [([21, 19], [30, 35], 3), ([7, 5], [3, 20], 5), ([40, 33], [70, 6], 1)] {
        for stride in 1..3 {
            let (x, weight) = (numbers(1, &[3, c, h, w]), numbers(2, &[o, c, kernel, kernel]));
            let padding = Padding::sides(1, 0, 2, 1);
            let y = conv2d(&x, &weight, stride, padding)?;
            let gradient = numbers(3, y.dims());
            let expected = product(&y, &gradient);
            let by_input = product(&x, &conv2d_input(&gradient, &weight, stride, padding, [h, w])?);
            let by_weight = conv2d_weight(&x, &gradient, stride, padding, [kernel; 2])?;
            let single = [&x, &gradient].map(|x| x.to_dtype(DType::F32).unwrap());
            let single = conv2d_weight(&single[0], &single[1], stride, padding, [kernel; 2])?;
            let error = (single.to_dtype(DType::F64)? - &by_weight)?.abs()?.max_all()?.to_scalar::<f64>()?;
            let largest = by_weight.abs()?.max_all()?.to_scalar::<f64>()?;
            assert!(error < 1e-5 * largest, "{stride}, {h}x{w}: {error} of {largest}");
            for found in [by_input, product(&weight, &by_weight)] {
                assert!((found - expected).abs() < 1e-9, "{stride}, {h}x{w}: {found}, not {expected}");
            }
        }
    }
    Ok(())
}

#[test]
fn convolutions_that_make_no_sense() {
    let (x, weight) = (numbers(1, &[2, 3, 7, 8]), numbers(2, &[4, 3, 3, 3]));
    let refused = |result: Result<Tensor>, expected: &str| {
        let error = result.expect_err("refused").to_string();
        assert!(error.contains(expected), "{error}");
    };
    let zeros = Padding::zeros(0);
    refused(conv2d(&x, &weight, 1, Padding::reflect(1)), "pads with zeros");
    refused(conv2d(&x, &numbers(2, &[4, 3, 9, 3]), 1, zeros), "a 7x8 map is too small for a 9x3 convolution");
    refused(conv2d(&x, &weight, 0, zeros), "of stride 0");
    let gradient = numbers(3, &[2, 4, 5, 6]);
    refused(
        conv2d_input(&gradient, &weight, 2, zeros, [7, 8]),
        "the size [3, 3] of its output, found [5, 6]",
    );
    refused(conv2d_input(&x, &weight, 1, zeros, [9, 10]), "of 4 channels cannot take 3");
    refused(conv2d_weight(&x, &gradient, 1, zeros, [3, 4]), "the size [5, 5] of its output, found [5, 6]");
    refused(
        conv2d_weight(&x, &numbers(3, &[1, 4, 5, 6]), 1, zeros, [3, 3]),
        "of 2 maps cannot have gradients of 1",
    );
    assert_eq!(conv2d(&x, &weight, 1, zeros).unwrap().dtype(), DType::F64);
}
