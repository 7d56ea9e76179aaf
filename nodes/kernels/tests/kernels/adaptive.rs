use candle_core::{DType, Device, Tensor, Var};
use dreamwire_kernels::AdaptiveNorm;

use crate::differences;
use crate::values::tensor;

const SLOPE: f64 = 0.2;
const EPSILON: f64 = 1e-5;

/// `n, h, w, c`, and planes of noise: channels that fill vectors, that do not, and a single pixel.
const CASES: &[([usize; 4], usize)] =
    &[([2, 5, 3, 3], 1), ([2, 4, 7, 17], 2), ([1, 3, 9, 32], 1), ([3, 2, 2, 8], 3), ([2, 1, 1, 5], 1)];

/// Map, noise and styles.
fn inputs([n, h, w, c]: [usize; 4], planes: usize) -> [Tensor; 3] {
    // A mean far from zero, so that a variance from the sum of squares would be rounded.
    let x = (tensor(1, &[n, h, w, c]) + 3.0).unwrap();
    [x, tensor(2, &[planes, h, w]), tensor(3, &[n, 2 * c])]
}

fn norm(channels: usize) -> AdaptiveNorm {
    AdaptiveNorm::new(&(tensor(4, &[channels]) * 4.0).unwrap(), SLOPE, EPSILON).unwrap()
}

fn numbers(x: &Tensor) -> Vec<f64> {
    x.flatten_all().unwrap().to_vec1().unwrap()
}

/// The definition.
fn naive([n, h, w, c]: [usize; 4], planes: usize) -> Vec<f64> {
    let [x, noise, styles] = inputs([n, h, w, c], planes).map(|input| numbers(&input));
    let strengths = numbers(&(tensor(4, &[c]) * 4.0).unwrap());
    let mut out = vec![0.0; n * h * w * c];
    for (image, channel) in (0..n).flat_map(|image| (0..c).map(move |channel| (image, channel))) {
        let values: Vec<f64> = (0..h * w)
            .map(|pixel| {
                let plane = image % planes;
                let sum = x[(image * h * w + pixel) * c + channel]
                    + strengths[channel] * noise[plane * h * w + pixel];
                if sum > 0.0 { sum } else { SLOPE * sum }
            })
            .collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64;
        for (pixel, value) in values.iter().enumerate() {
            let style = |part: usize| styles[image * 2 * c + part * c + channel];
            out[(image * h * w + pixel) * c + channel] =
                style(0) * (value - mean) / (variance + EPSILON).sqrt() + style(1);
        }
    }
    out
}

#[test]
fn every_output_is_what_the_definition_says() {
    for (shape, planes) in CASES {
        let expected = naive(*shape, *planes);
        let [x, noise, styles] = inputs(*shape, *planes);
        let norm = norm(shape[3]);
        let found = norm.apply(&x, &noise, &styles).unwrap();
        assert_eq!(found.dims(), shape);
        assert!(differences::error(&found, &expected) < 1e-12, "{shape:?}");
        let [x, noise, styles] = [x, noise, styles].map(|input| input.to_dtype(DType::F32).unwrap());
        let found = norm.apply(&x, &noise, &styles).unwrap();
        assert!(differences::error(&found, &expected) < 1e-5, "{shape:?}");
    }
}

#[test]
fn gradients() {
    for (shape, planes) in CASES {
        let norm = norm(shape[3]);
        let what = format!("{shape:?} and {planes} planes");
        differences::check(&what, &inputs(*shape, *planes), |x| norm.apply(&x[0], &x[1], &x[2]));
    }
}

#[test]
#[ignore = "the kernels have none: run by `generators`"]
fn second_derivatives() {
    for (shape, planes) in CASES {
        let norm = norm(shape[3]);
        differences::check(&format!("{shape:?}"), &inputs(*shape, *planes), |x| {
            differences::gradients(x, |x| norm.apply(&x[0], &x[1], &x[2]))
        });
    }
}

/// Outputs and gradients on 1 and 3 threads.
#[test]
fn the_number_of_threads_changes_no_bit() {
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let inputs = inputs([2, 33, 21, 19], 1).map(|input| input.to_dtype(DType::F32).unwrap());
            let variables = inputs.map(|input| Var::from_tensor(&input).unwrap());
            let y = norm(19).apply(&variables[0], &variables[1], &variables[2]).unwrap();
            let gradients = (&y * &y).unwrap().sum_all().unwrap().backward().unwrap();
            let found = variables.each_ref().map(|variable| gradients.get(variable).unwrap().clone());
            let bits = |x: &Tensor| -> Vec<u32> {
                x.flatten_all().unwrap().to_vec1::<f32>().unwrap().into_iter().map(f32::to_bits).collect()
            };
            found.iter().chain([&y]).map(bits).collect::<Vec<_>>()
        })
    };
    assert!(run(1) == run(3));
}

#[test]
fn what_does_not_fit_is_refused() {
    let check = |result: candle_core::Result<Tensor>, expected: &str| {
        let error = result.unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    };
    let [x, noise, styles] = inputs([2, 4, 4, 3], 1);
    check(
        norm(5).apply(&x, &noise, &styles),
        "an adaptive norm of 5 channels does not match a map [2, 4, 4, 3]",
    );
    check(norm(3).apply(&x, &tensor(1, &[3, 4, 4]), &styles), "the noise must have shape [2 or 1, 4, 4]");
    check(norm(3).apply(&x, &noise, &tensor(1, &[2, 3])), "the styles must have shape [2, 6], found [2, 3]");
    let other = noise.to_dtype(DType::F32).unwrap();
    check(norm(3).apply(&x, &other, &styles), "a map of F64 does not match noise of F32");
    let empty = Tensor::zeros((2, 0, 4, 3), DType::F64, &Device::Cpu).unwrap();
    check(norm(3).apply(&empty, &noise, &styles), "an adaptive norm of 3 channels does not match a map");
    assert!(AdaptiveNorm::new(&tensor(1, &[0]), SLOPE, EPSILON).is_err());
    assert!(AdaptiveNorm::new(&tensor(1, &[3]), 0.0, EPSILON).is_err());
    assert!(AdaptiveNorm::new(&tensor(1, &[3]), SLOPE, f64::NAN).is_err());
}
