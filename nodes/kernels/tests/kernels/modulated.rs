use candle_core::{DType, Device, Tensor};
use dreamwire_kernels::ModulatedConv;

use crate::differences::{self, positive};
use crate::values::tensor;

mod behind;
mod trained;

/// Sizes of one convolution.
#[derive(Debug, Clone, Copy)]
struct Case {
    inputs: usize,
    outputs: usize,
    kernel: usize,
    /// `n, h, w`.
    shape: [usize; 3],
    upsampling: bool,
    demodulate: bool,
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (inputs, outputs) in [(1, 3), (3, 4), (17, 3), (4, 17), (24, 22)] {
        for (kernel, upsampling) in [(1, false), (3, false), (5, false), (3, true)] {
            for shape in [[2, 5, 7], [1, 1, 1], [3, 4, 2]] {
                for demodulate in [false, true] {
                    cases.push(Case { inputs, outputs, kernel, shape, upsampling, demodulate });
                }
            }
        }
    }
    cases
}

impl Case {
    fn weight(self) -> Tensor {
        tensor(1, &[self.outputs, self.inputs, self.kernel, self.kernel])
    }

    fn conv(self, dtype: DType) -> ModulatedConv {
        let build = if self.upsampling { ModulatedConv::upsampling } else { ModulatedConv::new };
        build(&self.weight(), self.demodulate, dtype).unwrap()
    }

    fn x(self) -> Tensor {
        let [n, h, w] = self.shape;
        tensor(2, &[n, h, w, self.inputs])
    }

    fn styles(self) -> Tensor {
        positive(3, &[self.shape[0], self.inputs])
    }

    /// The definition: weights scaled by the styles and normalised, then convolved.
    fn naive(self) -> Vec<f64> {
        let [n, h, w] = self.shape;
        let Case { inputs, outputs, kernel: k, .. } = self;
        let numbers = |x: Tensor| x.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        let (weight, x, styles) = (numbers(self.weight()), numbers(self.x()), numbers(self.styles()));
        let (out_h, out_w) = if self.upsampling { (2 * h + 1, 2 * w + 1) } else { (h, w) };
        let mut out = vec![0.0; n * out_h * out_w * outputs];
        for image in 0..n {
            for o in 0..outputs {
                let mut scaled = weight[o * inputs * k * k..][..inputs * k * k].to_vec();
                for (index, weight) in scaled.iter_mut().enumerate() {
                    *weight *= styles[image * inputs + index / (k * k)];
                }
                if self.demodulate {
                    let norm = (scaled.iter().map(|w| w * w).sum::<f64>() + 1e-8).sqrt();
                    scaled.iter_mut().for_each(|weight| *weight /= norm);
                }
                // Every input pixel contributes to several outputs.
                for y in 0..h {
                    for x_ in 0..w {
                        for (index, weight) in scaled.iter().enumerate() {
                            let (i, v, u) = (index / (k * k), index / k % k, index % k);
                            let (to_y, to_x) = if self.upsampling {
                                (Some(2 * y + v), Some(2 * x_ + u))
                            } else {
                                ((y + k / 2).checked_sub(v), (x_ + k / 2).checked_sub(u))
                            };
                            let (Some(to_y), Some(to_x)) = (to_y, to_x) else { continue };
                            if to_y < out_h && to_x < out_w {
                                out[((image * out_h + to_y) * out_w + to_x) * outputs + o] +=
                                    weight * x[((image * h + y) * w + x_) * inputs + i];
                            }
                        }
                    }
                }
            }
        }
        out
    }
}

fn check_outputs(cases: Vec<Case>) {
    for case in cases {
        let expected = case.naive();
        for (dtype, tolerance) in [(DType::F64, 1e-12), (DType::F32, 1e-5)] {
            let [x, styles] = [case.x(), case.styles()].map(|x| x.to_dtype(dtype).unwrap());
            let found = case.conv(dtype).apply(&x, &styles, None).unwrap();
            let error = differences::error(&found, &expected);
            assert!(error < tolerance, "{case:?} {dtype:?}: {error:e}");
        }
    }
}

#[test]
fn every_output_is_what_the_definition_says() {
    check_outputs(cases());
}

fn check_gradients(cases: impl Iterator<Item = Case>) {
    for case in cases {
        let conv = case.conv(DType::F64);
        let inputs = [case.x(), case.styles()];
        differences::check(&format!("{case:?}"), &inputs, |inputs| conv.apply(&inputs[0], &inputs[1], None));
    }
}

#[test]
fn gradients() {
    check_gradients(cases().into_iter());
}

/// Large enough for several strips, of which the last is a short one; of few inputs, and of few outputs too.
fn cases_of_strips() -> [Case; 6] {
    let case = |inputs, outputs, kernel, upsampling| Case {
        inputs,
        outputs,
        kernel,
        shape: [2, 37, 41],
        upsampling,
        demodulate: true,
    };
    [
        case(20, 18, 1, false),
        case(20, 18, 5, false),
        case(15, 18, 3, true),
        case(3, 18, 3, false),
        case(4, 33, 5, false),
        case(18, 3, 3, false),
    ]
}

#[test]
fn strips_fit_together() {
    for case in cases_of_strips() {
        let found = case.conv(DType::F64).apply(&case.x(), &case.styles(), None).unwrap();
        assert!(differences::error(&found, &case.naive()) < 1e-12);
    }
}

/// 3x3 with enough tiles of 4x4 pixels and enough channels for Winograd's algorithm: with few filters and
/// with many, in several parts of a row and several blocks, and with partial tiles at the edges.
fn cases_of_many_tiles() -> Vec<Case> {
    let case = |inputs, outputs, shape, upsampling| Case {
        inputs,
        outputs,
        kernel: 3,
        shape,
        upsampling,
        demodulate: true,
    };
    let mut cases = Vec::new();
    for (inputs, outputs) in [(16, 16), (17, 33), (70, 64)] {
        for shape in [[1, 18, 19], [2, 16, 16], [1, 1, 66], [1, 63, 1]] {
            cases.push(case(inputs, outputs, shape, false));
        }
        for shape in [[1, 23, 27], [2, 20, 22]] {
            cases.push(case(inputs, outputs, shape, true));
        }
    }
    cases.extend([case(16, 16, [1, 3, 700], false), case(270, 70, [1, 90, 61], false)]);
    // Tiles of 6x6 outputs.
    cases.push(case(18, 20, [2, 53, 47], false));
    cases.push(case(200, 70, [1, 50, 41], true));
    // Filters of tiles that change the size, too large to be shared.
    cases.push(case(100, 170, [2, 11, 7], true));
    cases
}

#[test]
fn many_tiles() {
    check_outputs(cases_of_many_tiles());
}

#[test]
fn gradients_of_many_tiles() {
    check_gradients(cases_of_many_tiles().into_iter().filter(|case| case.inputs < 100));
}

/// Outputs are linear in the map. So with the gradient of `sum weights * conv(x)`, wherever it is taken,
/// `sum gradient * other` is `sum weights * conv(other)`.
#[test]
fn the_way_back_is_the_transpose() {
    let numbers = |x: &Tensor| x.flatten_all().unwrap().to_vec1::<f64>().unwrap();
    for case in cases_of_many_tiles().into_iter().chain(cases_of_strips()) {
        let gradient = |dtype| {
            let [x, styles] = [case.x(), case.styles()].map(|x| x.to_dtype(dtype).unwrap());
            let x = candle_core::Var::from_tensor(&x).unwrap();
            let y = case.conv(dtype).apply(&x, &styles, None).unwrap();
            let weights = tensor(99, y.dims()).to_dtype(dtype).unwrap();
            (y * weights).unwrap().sum_all().unwrap().backward().unwrap().remove(&x).unwrap()
        };
        let (found, other) = (gradient(DType::F64), tensor(8, case.x().dims()));
        let y = case.conv(DType::F64).apply(&other, &case.styles(), None).unwrap();
        let dot = |a: &Tensor, b: &Tensor| -> [f64; 2] {
            let products: Vec<f64> = numbers(a).iter().zip(numbers(b)).map(|(a, b)| a * b).collect();
            [products.iter().sum(), products.iter().map(|product| product.abs()).sum()]
        };
        let ([there, _], [back, size]) = (dot(&y, &tensor(99, y.dims())), dot(&found, &other));
        assert!((there - back).abs() < 1e-12 * size, "{case:?}: {there} and {back} of {size}");
        let error = differences::error(&gradient(DType::F32), &numbers(&found));
        assert!(error < 2e-5, "{case:?}: {error:e}");
    }
}

#[test]
fn an_empty_batch_stays_empty() {
    for (upsampling, size) in [(false, 7), (true, 15)] {
        let case =
            Case { inputs: 17, outputs: 18, kernel: 3, shape: [0, 7, 7], upsampling, demodulate: true };
        let found = case.conv(DType::F64).apply(&case.x(), &case.styles(), None).unwrap();
        assert_eq!(found.dims(), [0, size, size, 18]);
    }
}

/// A style of zero switches a channel off, and its gradient is still correct.
#[test]
fn a_style_may_be_zero() {
    let case =
        Case { inputs: 3, outputs: 4, kernel: 3, shape: [1, 4, 4], upsampling: false, demodulate: true };
    let styles = Tensor::new(&[[0.0f64, 1.0, -2.0]], &Device::Cpu).unwrap();
    let conv = case.conv(DType::F64);
    differences::check("zero", &[case.x(), styles], |inputs| conv.apply(&inputs[0], &inputs[1], None));
}

#[test]
fn images_do_not_see_each_other_and_threads_change_no_bit() {
    // The last one is large enough for tiles of 6x6 outputs.
    for (upsampling, shape) in [(false, [3, 21, 19]), (true, [3, 21, 19]), (false, [2, 49, 50])] {
        let case = Case { inputs: 33, outputs: 40, kernel: 3, shape, upsampling, demodulate: true };
        let [x, styles] = [case.x(), case.styles()].map(|x| x.to_dtype(DType::F32).unwrap());
        let conv = case.conv(DType::F32);
        // The output, and the gradients of both inputs.
        let run = |x: &Tensor, styles: &Tensor| -> [Vec<u32>; 3] {
            let [x, styles] = [x, styles].map(|x| candle_core::Var::from_tensor(x).unwrap());
            let y = conv.apply(&x, &styles, None).unwrap();
            let gradients = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
            [&y, gradients.get(&x).unwrap(), gradients.get(&styles).unwrap()].map(|t| {
                t.flatten_all().unwrap().to_vec1::<f32>().unwrap().iter().map(|x| x.to_bits()).collect()
            })
        };
        let whole = run(&x, &styles);
        for threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            assert!(pool.install(|| run(&x, &styles)) == whole, "{threads} threads");
        }
        for image in 0..shape[0] {
            let one = |x: &Tensor| x.narrow(0, image, 1).unwrap();
            for (one, whole) in run(&one(&x), &one(&styles)).iter().zip(&whole) {
                assert!(*one == whole[image * one.len()..][..one.len()], "image {image}");
            }
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let conv = ModulatedConv::new(&tensor(1, &[4, 3, 3, 3]), true, DType::F64).unwrap();
    let refused = |x: &[usize], styles: &[usize]| {
        conv.apply(&tensor(1, x), &tensor(1, styles), None).unwrap_err().to_string()
    };
    let expected =
        "a modulated convolution of 3 channels does not match a map [1, 5, 5, 4] and styles [1, 3]";
    assert!(refused(&[1, 5, 5, 4], &[1, 3]).starts_with(expected));
    assert!(refused(&[2, 5, 5, 3], &[1, 3]).contains("styles [1, 3]"));
    let single = tensor(1, &[1, 5, 5, 3]).to_dtype(DType::F32).unwrap();
    assert!(
        conv.apply(&single, &tensor(1, &[1, 3]), None)
            .unwrap_err()
            .to_string()
            .contains("not match a map of F32")
    );
    assert!(ModulatedConv::new(&tensor(1, &[4, 3, 2, 2]), true, DType::F64).is_err());
    assert!(ModulatedConv::upsampling(&tensor(1, &[4, 3, 5, 5]), true, DType::F64).is_err());
    assert!(ModulatedConv::new(&tensor(1, &[0, 3, 3, 3]), true, DType::F64).is_err());
    assert!(ModulatedConv::new(&tensor(1, &[4, 3, 3, 3]), true, DType::U8).is_err());
}
