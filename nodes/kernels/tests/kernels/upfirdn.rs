use candle_core::{DType, Device, Tensor};
use dreamwire_kernels::Upfirdn2d;

use crate::differences;
use crate::values::tensor;

/// The parameters of one resampling.
#[derive(Debug, Clone, Copy)]
struct Case {
    filter: [usize; 2],
    up: usize,
    down: usize,
    padding: [usize; 4],
    /// `n, h, w, c`.
    shape: [usize; 4],
}

const CASES: &[Case] = &[
    Case { filter: [4, 4], up: 2, down: 1, padding: [2, 1, 2, 1], shape: [2, 5, 3, 3] },
    Case { filter: [4, 4], up: 1, down: 1, padding: [1, 1, 1, 1], shape: [1, 7, 9, 17] },
    Case { filter: [3, 3], up: 2, down: 1, padding: [2, 0, 2, 0], shape: [1, 1, 1, 4] },
    Case { filter: [4, 4], up: 1, down: 2, padding: [1, 1, 1, 1], shape: [2, 6, 5, 1] },
    Case { filter: [2, 5], up: 3, down: 2, padding: [0, 3, 2, 1], shape: [1, 4, 5, 2] },
    Case { filter: [1, 1], up: 1, down: 1, padding: [0, 0, 0, 0], shape: [1, 3, 2, 3] },
];

/// The definition, one output at a time: zeros after every pixel, zeros around, the filter flipped.
fn naive(case: Case, filter: &[f64], gain: f64, x: &[f64]) -> Vec<f64> {
    let Case { filter: [kh, kw], up, down, padding: [left, right, top, bottom], shape: [n, h, w, c] } = case;
    let (out_h, out_w) = ((h * up + top + bottom - kh) / down + 1, (w * up + left + right - kw) / down + 1);
    let at = |image: usize, y: usize, x_: usize, channel: usize| {
        let (Some(y), Some(x_)) = (y.checked_sub(top), x_.checked_sub(left)) else { return 0.0 };
        if y % up != 0 || x_ % up != 0 || y / up >= h || x_ / up >= w {
            return 0.0;
        }
        x[((image * h + y / up) * w + x_ / up) * c + channel]
    };
    let mut out = Vec::new();
    for index in 0..n * out_h * out_w * c {
        let (image, y, x, channel) =
            (index / (out_h * out_w * c), index / (out_w * c) % out_h, index / c % out_w, index % c);
        let mut sum = 0.0;
        for v in 0..kh {
            for u in 0..kw {
                let tap = filter[(kh - 1 - v) * kw + (kw - 1 - u)];
                sum += gain * tap * at(image, y * down + v, x * down + u, channel);
            }
        }
        out.push(sum);
    }
    out
}

/// A filter of that size: random, or separable.
fn filter([kh, kw]: [usize; 2], separable: bool) -> Tensor {
    if !separable {
        return tensor(3, &[kh, kw]);
    }
    tensor(4, &[kh, 1]).broadcast_mul(&tensor(5, &[1, kw])).unwrap()
}

#[test]
fn every_output_is_what_the_definition_says() {
    for case in CASES {
        for separable in [false, true] {
            let filter = filter(case.filter, separable);
            let x = tensor(7, &case.shape);
            let numbers = |x: &Tensor| x.flatten_all().unwrap().to_vec1::<f64>().unwrap();
            let expected = naive(*case, &numbers(&filter), 4.0, &numbers(&x));
            let resample = Upfirdn2d::new(&filter, case.up, case.down, case.padding, 4.0).unwrap();
            let found = resample.apply(&x).unwrap();
            assert!(differences::error(&found, &expected) < 1e-13, "{case:?}");
            let found = resample.apply(&x.to_dtype(DType::F32).unwrap()).unwrap();
            assert!(differences::error(&found, &expected) < 1e-6, "{case:?}");
        }
    }
}

#[test]
fn gradients() {
    for case in CASES {
        for separable in [false, true] {
            let resample =
                Upfirdn2d::new(&filter(case.filter, separable), case.up, case.down, case.padding, 2.0)
                    .unwrap();
            differences::check(&format!("{case:?}"), &[tensor(7, &case.shape)], |x| resample.apply(&x[0]));
        }
    }
}

#[test]
#[ignore = "candle keeps no graph of gradients: run by `generators`"]
fn second_derivatives() {
    for case in CASES {
        for separable in [false, true] {
            let filter = filter(case.filter, separable);
            let resample = Upfirdn2d::new(&filter, case.up, case.down, case.padding, 2.0).unwrap();
            differences::check(&format!("{case:?}"), &[tensor(7, &case.shape)], |x| {
                differences::gradients(x, |x| resample.apply(&x[0]))
            });
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let filter = tensor(1, &[4, 4]);
    let resample = Upfirdn2d::new(&filter, 1, 1, [1, 1, 0, 0], 1.0).unwrap();
    let error = resample.apply(&tensor(1, &[1, 3, 3, 2])).unwrap_err().to_string();
    assert!(error.starts_with("a 3x5 map is too small for a 4x4 filter"), "{error}");
    assert!(Upfirdn2d::new(&filter, 0, 1, [0; 4], 1.0).is_err());
    assert!(Upfirdn2d::new(&tensor(1, &[4]), 1, 1, [0; 4], 1.0).is_err());
    let bytes = Tensor::zeros((1, 8, 8, 3), DType::U8, &Device::Cpu).unwrap();
    assert!(resample.apply(&bytes).is_err());
}

/// A filter of zeros is not separable, and no reason to fail.
#[test]
fn a_filter_of_zeros() {
    let zeros = Tensor::zeros((2, 2), DType::F64, &Device::Cpu).unwrap();
    let y = Upfirdn2d::new(&zeros, 1, 1, [0; 4], 1.0).unwrap().apply(&tensor(1, &[1, 3, 3, 2])).unwrap();
    assert_eq!(y.flatten_all().unwrap().to_vec1::<f64>().unwrap(), [0.0; 8]);
}
