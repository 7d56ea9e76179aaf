//! What is fused after a convolution, compared with the same operations one after the other.

use candle_core::{DType, Device, Result, Tensor, Var};
use dreamwire_kernels::{ModulatedConv, Rectifier, Upfirdn2d};

use crate::differences::{self, positive};
use crate::rectifier::rectify;
use crate::values::tensor;

const LEAKY: Rectifier = Rectifier { slope: 0.2, gain: std::f64::consts::SQRT_2, clamp: None };
const CLAMPED: Rectifier = Rectifier { clamp: Some(0.7), ..LEAKY };
const LINEAR: Rectifier = Rectifier { slope: 1.0, gain: 1.0, clamp: Some(0.9) };
/// A rectifier without a kink.
const STRAIGHT: Rectifier = Rectifier { slope: 1.0, gain: 0.7, clamp: None };

/// The parameters of one layer.
#[derive(Debug, Clone, Copy)]
struct Case {
    inputs: usize,
    outputs: usize,
    kernel: usize,
    upsampling: bool,
    demodulate: bool,
    /// Taps of the filter after an upsampling convolution; 0 is no filter.
    taps: usize,
    is_separable: bool,
    /// Planes of noise; 0 is no noise.
    planes: usize,
    /// `n, h, w`.
    shape: [usize; 3],
}

const SAME: Case = Case {
    inputs: 3,
    outputs: 4,
    kernel: 3,
    upsampling: false,
    demodulate: true,
    taps: 0,
    is_separable: true,
    planes: 1,
    shape: [2, 4, 3],
};
const TO_PICTURE: Case =
    Case { inputs: 17, outputs: 3, kernel: 1, demodulate: false, planes: 0, shape: [2, 5, 7], ..SAME };
const TWICE: Case = Case { upsampling: true, taps: 4, shape: [1, 3, 4], ..SAME };

const CASES: &[Case] = &[
    SAME,
    TO_PICTURE,
    Case { outputs: 17, kernel: 5, planes: 2, shape: [2, 6, 5], ..SAME },
    Case { demodulate: false, planes: 2, ..SAME },
    Case { planes: 0, shape: [1, 1, 1], ..SAME },
    // Winograd's algorithm, with channels that fill vectors and with some that do not.
    Case { inputs: 32, outputs: 32, shape: [1, 12, 13], ..SAME },
    Case { inputs: 17, outputs: 33, planes: 2, shape: [2, 9, 10], ..SAME },
    // Filters of all sizes, and none.
    Case { taps: 0, ..TWICE },
    Case { taps: 2, planes: 2, shape: [2, 2, 5], ..TWICE },
    Case { taps: 3, demodulate: false, ..TWICE },
    TWICE,
    Case { is_separable: false, planes: 2, shape: [2, 5, 7], ..TWICE },
    Case { planes: 1, shape: [2, 3, 5], ..TWICE },
    Case { inputs: 4, outputs: 16, taps: 5, planes: 0, ..TWICE },
    Case { inputs: 5, outputs: 19, taps: 8, is_separable: false, shape: [1, 1, 1], ..TWICE },
];

/// Several bands of rows, and several tiles of columns; then strips of few channels, and images that share their noise.
const SEAMS: &[Case] = &[
    Case { inputs: 18, outputs: 22, planes: 2, shape: [2, 37, 21], ..SAME },
    Case { inputs: 6, outputs: 22, planes: 2, shape: [2, 21, 19], ..TWICE },
    Case { inputs: 2, outputs: 130, taps: 3, shape: [1, 2, 70], ..TWICE },
    Case { inputs: 2, outputs: 300, is_separable: false, shape: [1, 10, 31], ..TWICE },
    Case { outputs: 21, planes: 2, shape: [2, 37, 41], ..SAME },
    Case { shape: [2, 37, 41], ..TO_PICTURE },
    Case { inputs: 18, outputs: 22, planes: 1, shape: [2, 13, 11], ..SAME },
];

impl Case {
    /// The convolution alone.
    fn convolution(self, dtype: DType) -> ModulatedConv {
        let build = if self.upsampling { ModulatedConv::upsampling } else { ModulatedConv::new };
        let weight = tensor(1, &[self.outputs, self.inputs, self.kernel, self.kernel]);
        build(&weight, self.demodulate, dtype).unwrap()
    }

    fn filter(self) -> Tensor {
        let taps = self.taps;
        if self.is_separable {
            tensor(5, &[taps, 1]).broadcast_mul(&tensor(6, &[1, taps])).unwrap()
        } else {
            tensor(5, &[taps, taps])
        }
    }

    fn bias(self) -> Tensor {
        tensor(4, &[self.outputs])
    }

    /// The map, the styles, and the noise if there is any.
    fn inputs(self) -> Vec<Tensor> {
        let [n, h, w] = self.shape;
        let size = |size: usize| match (self.upsampling, self.taps) {
            (false, _) => size,
            (true, 0) => 2 * size + 1,
            (true, _) => 2 * size,
        };
        let mut inputs = vec![tensor(2, &[n, h, w, self.inputs]), positive(3, &[n, self.inputs])];
        if self.planes > 0 {
            inputs.push(tensor(7, &[self.planes, size(h), size(w)]));
        }
        inputs
    }

    fn layer(self, rectifier: Rectifier, dtype: DType) -> ModulatedConv {
        let convolution = self.convolution(dtype);
        let smoothed =
            if self.taps > 0 { convolution.smoothed(&self.filter()).unwrap() } else { convolution };
        smoothed.rectified(&self.bias(), rectifier).unwrap()
    }

    /// The same, one step after the other, in f64.
    fn steps(self, rectifier: Rectifier, inputs: &[Tensor]) -> Result<Tensor> {
        let mut y = self.convolution(DType::F64).apply(&inputs[0], &inputs[1], None)?;
        if self.taps > 0 {
            let (before, after) = (self.taps.div_ceil(2) - 1, (self.taps - 2) / 2);
            let smooth = Upfirdn2d::new(&self.filter(), 1, 1, [before, after, before, after], 4.0)?;
            y = smooth.apply(&y)?;
        }
        if let Some(noise) = inputs.get(2) {
            y = y.broadcast_add(&noise.unsqueeze(3)?)?;
        }
        rectify(&y.broadcast_add(&self.bias())?, rectifier)
    }
}

/// The output of a function, and the gradients of a weighting of it with respect to all of its inputs.
fn run(dtype: DType, inputs: &[Tensor], function: impl Fn(&[Tensor]) -> Result<Tensor>) -> Vec<Tensor> {
    let variable = |input: &Tensor| Var::from_tensor(&input.to_dtype(dtype).unwrap()).unwrap();
    let variables: Vec<Var> = inputs.iter().map(variable).collect();
    let tracked: Vec<Tensor> = variables.iter().map(|variable| variable.as_tensor().clone()).collect();
    let y = function(&tracked).unwrap();
    let weights = tensor(99, y.dims()).to_dtype(dtype).unwrap();
    let gradients = (&y * weights).unwrap().sum_all().unwrap().backward().unwrap();
    let mut found = vec![y];
    found.extend(tracked.iter().map(|input| gradients.get(input).unwrap().clone()));
    found
}

#[track_caller]
fn check(case: Case, rectifier: Rectifier, dtype: DType, limit: f64) {
    let inputs = case.inputs();
    let expected = run(DType::F64, &inputs, |inputs| case.steps(rectifier, inputs));
    let layer = case.layer(rectifier, dtype);
    let found = run(dtype, &inputs, |inputs| layer.apply(&inputs[0], &inputs[1], inputs.get(2)));
    for ((found, expected), what) in
        found.iter().zip(&expected).zip(["output", "by x", "by styles", "by noise"])
    {
        assert_eq!(found.dims(), expected.dims(), "{what}, {case:?}");
        let expected = expected.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        let error = differences::error(found, &expected);
        assert!(error < limit, "{what}, {dtype:?}, {rectifier:?}, {case:?}: {error:e}");
    }
}

#[test]
fn a_layer_is_its_steps() {
    for case in CASES {
        for rectifier in [LEAKY, CLAMPED, LINEAR, STRAIGHT] {
            check(*case, rectifier, DType::F64, 1e-11);
        }
        for rectifier in [LEAKY, STRAIGHT] {
            check(*case, rectifier, DType::F32, 2e-5);
        }
    }
}

#[test]
fn bands_and_tiles_fit_together() {
    for case in SEAMS {
        check(*case, CLAMPED, DType::F64, 1e-11);
        // In f32 one of so many values would be on the other side of a kink.
        check(*case, STRAIGHT, DType::F32, 2e-5);
    }
}

/// No output is so close to a kink of the rectifier that a finite difference crosses it.
const FAR_FROM_KINKS: [Case; 4] =
    [Case { planes: 2, ..SAME }, TO_PICTURE, TWICE, Case { taps: 3, planes: 0, ..TWICE }];

#[test]
fn gradients() {
    for case in FAR_FROM_KINKS {
        for rectifier in [LEAKY, CLAMPED, LINEAR] {
            let layer = case.layer(rectifier, DType::F64);
            differences::check(&format!("{case:?}, {rectifier:?}"), &case.inputs(), |inputs| {
                layer.apply(&inputs[0], &inputs[1], inputs.get(2))
            });
        }
    }
}

#[test]
#[ignore = "the kernels have none: run by `generators`"]
fn second_derivatives() {
    let check = |case: &Case, rectifier| {
        let layer = case.layer(rectifier, DType::F64);
        differences::check(&format!("{case:?}, {rectifier:?}"), &case.inputs(), |inputs| {
            differences::gradients(inputs, |x| layer.apply(&x[0], &x[1], x.get(2)))
        });
    };
    CASES.iter().for_each(|case| check(case, STRAIGHT));
    for case in FAR_FROM_KINKS {
        [LEAKY, CLAMPED, LINEAR].into_iter().for_each(|rectifier| check(&case, rectifier));
    }
}

/// An identity convolution on a map of one channel.
fn identity() -> ModulatedConv {
    let one = Tensor::ones((1, 1, 1, 1), DType::F64, &Device::Cpu).unwrap();
    ModulatedConv::new(&one, false, DType::F64).unwrap()
}

/// As PyTorch: the derivative at 0 is the slope, and 0 where the clamp holds.
#[test]
fn derivatives_at_the_corners() {
    let x = Var::new(&[[[[0f64], [-1.0], [1.0], [9.0], [-9.0]]]], &Device::Cpu).unwrap();
    let (styles, bias) =
        (Tensor::new(&[[1f64]], &Device::Cpu).unwrap(), Tensor::new(&[0f64], &Device::Cpu).unwrap());
    let layer = identity().rectified(&bias, CLAMPED).unwrap();
    let y = layer.apply(&x, &styles, None).unwrap();
    let gradients = y.sum_all().unwrap().backward().unwrap();
    let found = gradients.get(&x).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
    let slope = 0.2 * LEAKY.gain;
    // 1 comes out as 1.41, beyond the clamp of 0.7; -1 as -0.28.
    assert_eq!(found, [slope, slope, 0.0, 0.0, 0.0]);
}

#[test]
fn nan_stays() {
    for case in CASES {
        let inputs = case.inputs();
        let x = (&inputs[0] * f64::NAN).unwrap();
        for dtype in [DType::F64, DType::F32] {
            let [x, styles] = [&x, &inputs[1]].map(|input| input.to_dtype(dtype).unwrap());
            let y = case.layer(CLAMPED, dtype).apply(&x, &styles, None).unwrap();
            let y = y.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
            assert!(y.iter().all(|y| y.is_nan()), "{dtype:?}, {case:?}: {y:?}");
        }
    }
}

#[test]
fn images_do_not_see_each_other_and_threads_change_no_bit() {
    let bits = |x: &Tensor| -> Vec<u32> {
        x.flatten_all().unwrap().to_vec1::<f32>().unwrap().iter().map(|x| x.to_bits()).collect()
    };
    for case in &SEAMS[..2] {
        let layer = case.layer(CLAMPED, DType::F32);
        let on = |inputs: &[Tensor]| -> Vec<Vec<u32>> {
            let results = run(DType::F32, inputs, |x| layer.apply(&x[0], &x[1], x.get(2)));
            results.iter().map(bits).collect()
        };
        // The weighting of the outputs goes on from image to image, so all images are the first.
        let first: Vec<Tensor> = case.inputs().iter().map(|input| input.narrow(0, 0, 1).unwrap()).collect();
        let alone = on(&first);
        let inputs = case.inputs();
        let whole = on(&inputs);
        for (alone, whole) in alone.iter().zip(&whole) {
            assert!(*alone == whole[..alone.len()], "{case:?}");
        }
        for threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            assert!(pool.install(|| on(&inputs)) == whole, "{threads} threads, {case:?}");
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let [x, styles] = [tensor(1, &[2, 4, 5, 1]), tensor(1, &[2, 1])];
    let refused = |noise: Tensor| identity().apply(&x, &styles, Some(&noise)).unwrap_err().to_string();
    let expected = "the noise must have shape [2 or 1, 4, 5] and type F64, found [3, 4, 5] and F64";
    let found = refused(tensor(1, &[3, 4, 5]));
    assert!(found.starts_with(expected), "{found}");
    assert!(refused(tensor(1, &[1, 5, 4])).contains("found [1, 5, 4]"));
    let single = tensor(1, &[1, 4, 5]).to_dtype(DType::F32).unwrap();
    assert!(refused(single).contains("found [1, 4, 5] and F32"));

    assert!(identity().rectified(&tensor(1, &[2]), LEAKY).is_err());
    for rectifier in [Rectifier { slope: 0.0, ..LEAKY }, Rectifier { clamp: Some(-1.0), ..LEAKY }] {
        assert!(identity().rectified(&tensor(1, &[1]), rectifier).is_err(), "{rectifier:?}");
    }
    let filter = TWICE.filter();
    let error = identity().smoothed(&filter).err().expect("refused").to_string();
    assert!(error.starts_with("only an upsampling convolution takes a smoothing filter"), "{error}");
    for shape in [&[1, 1][..], &[4, 3], &[4]] {
        let convolution = TWICE.convolution(DType::F64);
        assert!(convolution.smoothed(&tensor(1, shape)).is_err(), "{shape:?}");
    }
}
