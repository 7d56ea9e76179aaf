use std::path::PathBuf;

use candle_core::{DType, Device, Result, Tensor, Var};
use dreamwire_kernels::{FilteredLrelu, Rectifier, Upfirdn2d};

use crate::differences;
use crate::rectifier::rectify;
use crate::values::tensor;

const LEAKY: Rectifier = Rectifier { slope: 0.2, gain: std::f64::consts::SQRT_2, clamp: None };
const CLAMPED: Rectifier = Rectifier { clamp: Some(2.0), ..LEAKY };

/// The parameters of one activation.
#[derive(Debug, Clone, Copy)]
struct Case {
    /// Shapes; `[]` is no filter.
    up_filter: &'static [usize],
    down_filter: &'static [usize],
    up: usize,
    down: usize,
    padding: [isize; 4],
    /// `n, h, w, c`.
    shape: [usize; 4],
}

/// The identity: no filter, no other resolution.
const PLAIN: Case =
    Case { up_filter: &[], down_filter: &[], up: 1, down: 1, padding: [0; 4], shape: [1, 3, 4, 3] };

/// No upsampled value is so close to a kink of the rectifier that a finite difference crosses it.
const CASES: &[Case] = &[
    PLAIN,
    // The layers of configuration T: same size, and twice the size.
    Case { up_filter: &[12], down_filter: &[12], up: 2, down: 2, padding: [9, 8, 9, 8], shape: [1, 7, 5, 3] },
    Case {
        up_filter: &[24],
        down_filter: &[12],
        up: 4,
        down: 2,
        padding: [-6, -9, -6, -9],
        shape: [1, 14, 13, 4],
    },
    // Configuration R: a filter that is not separable.
    Case {
        up_filter: &[12],
        down_filter: &[12, 12],
        up: 2,
        down: 2,
        padding: [9, 8, 9, 8],
        shape: [2, 4, 5, 1],
    },
    Case {
        up_filter: &[5, 3],
        down_filter: &[3, 4],
        up: 2,
        down: 4,
        padding: [2, 1, -1, 3],
        shape: [2, 5, 6, 2],
    },
    Case { down_filter: &[8], down: 4, shape: [1, 13, 9, 17], ..PLAIN },
    Case { up_filter: &[8], up: 4, padding: [3, 4, 0, -1], shape: [1, 3, 2, 4], ..PLAIN },
    // Upsampled pixels that read no input, and inputs that no output reads.
    Case { down_filter: &[3], up: 3, down: 2, shape: [1, 4, 3, 1], ..PLAIN },
    Case { down_filter: &[2], down: 3, shape: [1, 7, 8, 2], ..PLAIN },
    Case { up_filter: &[2], up: 2, padding: [1; 4], shape: [1, 1, 1, 3], ..PLAIN },
];

/// Several strips of rows, tiles of columns and blocks of channels.
const SEAMS: Case = Case {
    up_filter: &[4],
    down_filter: &[6],
    up: 2,
    down: 2,
    padding: [2, 3, 1, 4],
    shape: [1, 41, 103, 17],
};

impl Case {
    fn filters(&self) -> [Option<Tensor>; 2] {
        let filter = |seed, shape: &[usize]| (!shape.is_empty()).then(|| tensor(seed, shape));
        [filter(3, self.up_filter), filter(4, self.down_filter)]
    }

    fn x(&self) -> Tensor {
        tensor(1, &self.shape)
    }

    fn bias(&self) -> Tensor {
        tensor(2, &self.shape[3..])
    }

    fn activation(&self, rectifier: Rectifier) -> FilteredLrelu {
        let [up, down] = self.filters();
        FilteredLrelu::new(up.as_ref(), down.as_ref(), self.up, self.down, self.padding, rectifier).unwrap()
    }

    /// A reference, one step after the other.
    fn steps(&self, rectifier: Rectifier, x: &Tensor, bias: &Tensor) -> Result<Tensor> {
        let [up_filter, down_filter] = self.filters().map(|filter| plane(filter).unwrap());
        let added = self.padding.map(|padding| padding.max(0) as usize);
        let [left, right, top, bottom] = self.padding.map(|padding| padding.min(0).unsigned_abs());
        let gain = (self.up * self.up) as f64;
        let up = Upfirdn2d::new(&up_filter, self.up, 1, added, gain)?;
        let middle = up.apply(&x.broadcast_add(bias)?)?;
        let (_, h, w, _) = middle.dims4()?;
        let middle = middle.narrow(1, top, h - top - bottom)?.narrow(2, left, w - left - right)?;
        let middle = rectify(&middle, rectifier)?;
        Upfirdn2d::new(&down_filter, 1, self.down, [0; 4], 1.0)?.apply(&middle)
    }
}

/// A filter as a matrix.
fn plane(filter: Option<Tensor>) -> Result<Tensor> {
    let Some(filter) = filter else { return Tensor::ones((1, 1), DType::F64, &Device::Cpu) };
    if filter.rank() == 2 {
        return Ok(filter);
    }
    filter.unsqueeze(1)?.broadcast_mul(&filter.unsqueeze(0)?)
}

/// The output of a function, and the gradients of a weighting of it with respect to the function's two
/// inputs.
fn run(
    dtype: DType,
    inputs: [Tensor; 2],
    function: impl Fn(&Tensor, &Tensor) -> Result<Tensor>,
) -> [Tensor; 3] {
    let [x, bias] = inputs.map(|input| Var::from_tensor(&input.to_dtype(dtype).unwrap()).unwrap());
    let y = function(&x, &bias).unwrap();
    let weights = tensor(99, y.dims()).to_dtype(dtype).unwrap();
    let gradients = (&y * weights).unwrap().sum_all().unwrap().backward().unwrap();
    let [to_x, to_bias] = [x, bias].map(|input| gradients.get(&input).unwrap().clone());
    [y, to_x, to_bias]
}

#[track_caller]
fn check(case: &Case, rectifier: Rectifier, dtype: DType, limit: f64) {
    let inputs = || [case.x(), case.bias()];
    let expected = run(DType::F64, inputs(), |x, bias| case.steps(rectifier, x, bias));
    let activation = case.activation(rectifier);
    let found = run(dtype, inputs(), |x, bias| activation.apply(x, bias));
    for ((found, expected), what) in found.iter().zip(&expected).zip(["output", "by x", "by bias"]) {
        assert_eq!(found.dims(), expected.dims(), "{what}, {case:?}");
        let expected = expected.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        let error = differences::error(found, &expected);
        assert!(error < limit, "{what}, {dtype:?}, {rectifier:?}, {case:?}: {error:e}");
    }
}

#[test]
fn outputs_and_gradients_are_those_of_single_steps() {
    for case in CASES {
        for rectifier in [LEAKY, CLAMPED] {
            check(case, rectifier, DType::F64, 1e-12);
            check(case, rectifier, DType::F32, 1e-5);
        }
    }
    check(&SEAMS, CLAMPED, DType::F64, 1e-12);
    check(&SEAMS, LEAKY, DType::F64, 1e-12);
    check(&SEAMS, LEAKY, DType::F32, 1e-5);
}

#[test]
fn gradients() {
    for case in CASES {
        for rectifier in [LEAKY, CLAMPED] {
            let activation = case.activation(rectifier);
            let what = format!("{case:?}, {rectifier:?}");
            differences::check(&what, &[case.x(), case.bias()], |x| activation.apply(&x[0], &x[1]));
        }
    }
}

#[test]
#[ignore = "the kernels have none: run by `generators`"]
fn second_derivatives() {
    for case in CASES {
        for rectifier in [LEAKY, CLAMPED] {
            let activation = case.activation(rectifier);
            let what = format!("{case:?}, {rectifier:?}");
            differences::check(&what, &[case.x(), case.bias()], |x| {
                differences::gradients(x, |x| activation.apply(&x[0], &x[1]))
            });
        }
    }
}

/// As PyTorch: the derivative at 0 is the slope, and 0 where the clamp holds.
#[test]
fn derivatives_at_the_corners() {
    let x = Var::new(&[[[[0f64], [-1.0], [1.0], [9.0], [-9.0]]]], &Device::Cpu).unwrap();
    let bias = Tensor::zeros(1, DType::F64, &Device::Cpu).unwrap();
    let clamped = Rectifier { clamp: Some(0.7), ..LEAKY };
    let y = PLAIN.activation(clamped).apply(&x, &bias).unwrap();
    let gradients = y.sum_all().unwrap().backward().unwrap();
    let found = gradients.get(&x).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
    let slope = 0.2 * LEAKY.gain;
    // 1 comes out as 1.41, beyond the clamp of 0.7; -1 as -0.28.
    assert_eq!(found, [slope, slope, 0.0, 0.0, 0.0]);
}

#[test]
fn nan_stays() {
    for case in CASES {
        let x = (case.x() * f64::NAN).unwrap();
        let activation = case.activation(CLAMPED);
        let y = activation.apply(&x, &case.bias()).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
        assert!(y.iter().any(|y| y.is_nan()), "{case:?}: {y:?}");
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let case = Case { shape: [2, 75, 131, 20], ..CASES[1] };
    let activation = case.activation(CLAMPED);
    let bits = |x: &Tensor| -> Vec<u32> {
        x.flatten_all().unwrap().to_vec1::<f32>().unwrap().iter().map(|x| x.to_bits()).collect()
    };
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let inputs = [case.x(), case.bias()];
        let results = pool.install(|| run(DType::F32, inputs, |x, bias| activation.apply(x, bias)));
        results.map(|result| bits(&result))
    };
    let one = on(1);
    assert!(one == on(2), "2 threads differ from 1");
    assert!(one == on(5), "5 threads differ from 1");
}

#[test]
fn what_does_not_fit_is_refused() {
    let refused = |up: Option<&Tensor>, factor, rectifier| {
        FilteredLrelu::new(up, None, factor, 1, [0; 4], rectifier).unwrap_err().to_string()
    };
    assert!(refused(None, 0, LEAKY).starts_with("up and down must be at least 1, found 0 and 1"));
    let shape = refused(Some(&tensor(1, &[2, 2, 2])), 1, LEAKY);
    assert!(shape.contains("found [2, 2, 2]"), "{shape}");
    assert!(refused(Some(&tensor(1, &[0])), 1, LEAKY).contains("at least one tap"));
    let slope = refused(None, 1, Rectifier { slope: 0.0, ..LEAKY });
    assert!(slope.starts_with("slope, gain and clamp of a rectifier must be above 0"), "{slope}");

    let refused =
        |case: Case, bias: Tensor| case.activation(LEAKY).apply(&case.x(), &bias).unwrap_err().to_string();
    let bias = refused(PLAIN, tensor(1, &[4]));
    assert!(bias.starts_with("the bias must have shape [3] and type F64, found [4] and F64"), "{bias}");
    let single = refused(PLAIN, PLAIN.bias().to_dtype(DType::F32).unwrap());
    assert!(single.contains("found [3] and F32"), "{single}");
    let small = Case { padding: [0; 4], shape: [1, 2, 3, 3], ..CASES[1] };
    let expected = "a 2x3 map is too small to be upsampled by 2 with padding [0, 0, 0, 0] and filters of 12x12 and \
                    12x12 taps";
    assert!(refused(small, small.bias()).starts_with(expected), "{}", refused(small, small.bias()));
    let nothing_left = Case { padding: [-2, -2, 0, 0], ..PLAIN };
    assert!(refused(nothing_left, nothing_left.bias()).contains("too small"));

    let bytes = |shape: &[usize]| Tensor::zeros(shape, DType::U8, &Device::Cpu).unwrap();
    let error = PLAIN.activation(LEAKY).apply(&bytes(&[1, 3, 4, 3]), &bytes(&[3])).unwrap_err().to_string();
    assert!(error.contains("f32 or f64"), "{error}");
}

/// Two layers of a small network of NVIDIA's implementation, as PyTorch computed them.
#[test]
fn layers_of_a_stylegan3() {
    let file =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/ref/sg3/filtered_lrelu.safetensors");
    let tensors = candle_core::safetensors::load(file, &Device::Cpu).unwrap();
    for (layer, up, padding) in [("l1", 2, [9, 8, 9, 8]), ("l2", 4, [-6, -9, -6, -9])] {
        let tensor = |name: &str| &tensors[&format!("{layer}.{name}")];
        let channels_last = |name: &str| tensor(name).permute((1, 2, 0)).unwrap().unsqueeze(0).unwrap();
        let (up_filter, down_filter) = (tensor("up_filter"), tensor("down_filter"));
        let rectifier = Rectifier { clamp: Some(256.0), ..LEAKY };
        let activation =
            FilteredLrelu::new(Some(up_filter), Some(down_filter), up, 2, padding, rectifier).unwrap();
        let found = activation.apply(&channels_last("x"), tensor("bias")).unwrap();
        let expected = channels_last("y");
        assert_eq!(found.dims(), expected.dims(), "{layer}");
        let expected =
            expected.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
        let error = differences::error(&found, &expected);
        assert!(error < 2e-6, "{layer}: {error:e}");
    }
}
