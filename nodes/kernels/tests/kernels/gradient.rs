use std::fmt::Debug;

use candle_core::{DType, Device, Tensor, Var};
use dreamwire_kernels::{Layer, Padding, Stack};

use crate::values::{Node, POOLS, UNEVEN, conv, norm, pool, pools, tensor, values};

/// `sum_t <cotangent_t, output_t>`, whose gradient is the vector-Jacobian product.
fn paired(stack: &Stack, x: &Tensor, taps: &[usize]) -> Tensor {
    let outputs = stack.apply(x, taps).unwrap();
    let mut sum = Tensor::new(0f64, &Device::Cpu).unwrap();
    for (seed, output) in outputs.iter().enumerate() {
        let cotangent = tensor(100 + seed as u64, output.dims());
        sum = (sum + (output * cotangent).unwrap().sum_all().unwrap()).unwrap();
    }
    sum
}

fn gradient(stack: &Stack, x: &Tensor, taps: &[usize]) -> Vec<f64> {
    let x = Var::from_tensor(x).unwrap();
    let gradients = paired(stack, &x, taps).backward().unwrap();
    gradients.get(&x).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// Every component of the gradient (or 40 of them) against central differences in f64.
#[track_caller]
fn check(layers: &[Layer], shape: [usize; 4], taps: &[usize]) {
    compare(&Stack::new(layers, DType::F64).unwrap(), &layers, shape, taps);
}

/// The same for layers that read several others.
#[track_caller]
pub(crate) fn check_graph(nodes: &[Node], shape: [usize; 4], taps: &[usize]) {
    compare(&Stack::graph(nodes, DType::F64).unwrap(), &nodes, shape, taps);
}

#[track_caller]
fn compare(stack: &Stack, layers: &dyn Debug, shape: [usize; 4], taps: &[usize]) {
    const STEP: f64 = 1e-6;
    let count: usize = shape.iter().product();
    let start = values(7, count);
    let x = Tensor::from_vec(start.clone(), &shape[..], &Device::Cpu).unwrap();
    let found = gradient(stack, &x, taps);
    let scale = found.iter().fold(1.0, |scale: f64, g| scale.max(g.abs()));
    for index in (0..count).step_by(count.div_ceil(40)) {
        let value = |step: f64| {
            let mut moved = start.clone();
            moved[index] += step;
            let x = Tensor::from_vec(moved, &shape[..], &Device::Cpu).unwrap();
            paired(stack, &x, taps).to_scalar::<f64>().unwrap()
        };
        let expected = (value(STEP) - value(-STEP)) / (2.0 * STEP);
        let error = (found[index] - expected).abs();
        // Rounding of the sums (1e-16 * sum / STEP) is the larger part of the error.
        assert!(error < 1e-7 * scale, "x[{index}] of {shape:?} through {layers:?}: {error}");
    }
}

#[test]
fn convolutions() {
    for (i, o) in [(1, 3), (3, 4), (4, 1), (17, 3), (3, 17), (24, 22)] {
        for padding in [Padding::zeros(1), Padding::zeros(0), Padding::reflect(1), Padding::reflect(2)] {
            check(&[conv(1, [i, o, 3, 3], 1, padding)], [2, i, 5, 7], &[0]);
        }
        check(&[conv(1, [i, o, 1, 1], 1, Padding::zeros(0))], [2, i, 3, 5], &[0]);
        check(&[conv(1, [i, o, 3, 3], 1, Padding::zeros(1))], [1, i, 1, 1], &[0]);
    }
}

#[test]
fn convolutions_of_other_kernels_and_strides() {
    check(&[conv(1, [3, 4, 7, 7], 2, Padding::zeros(3))], [1, 3, 12, 9], &[0]);
    check(&[conv(1, [3, 4, 5, 3], 1, Padding::zeros(2))], [2, 3, 6, 7], &[0]);
    check(&[conv(1, [3, 4, 1, 3], 2, Padding::reflect(1))], [1, 3, 6, 7], &[0]);
    check(&[conv(1, [3, 4, 3, 3], 3, Padding::reflect(2))], [2, 3, 9, 8], &[0]);
    check(&[conv(1, [3, 4, 3, 3], 2, Padding::zeros(0))], [1, 3, 8, 7], &[0]);
    // Pixels that are in no window.
    check(&[conv(1, [3, 4, 1, 1], 2, Padding::zeros(0))], [1, 3, 6, 7], &[0]);
    check(&[conv(1, [2, 3, 2, 3], 4, Padding::zeros(1))], [2, 2, 9, 10], &[0]);
    check(&[conv(1, [18, 3, 1, 2], 3, Padding::reflect(1))], [2, 18, 5, 6], &[0]);
    // Several strips.
    check(&[conv(1, [3, 5, 3, 3], 1, Padding::reflect(1))], [1, 3, 70, 31], &[0]);
    check(&[conv(1, [3, 5, 7, 7], 2, Padding::zeros(3))], [1, 3, 130, 12], &[0]);
    // More padding than the kernel reaches.
    check(&[conv(1, [3, 2, 1, 1], 1, Padding::zeros(2))], [1, 3, 3, 3], &[0]);
    check(&[conv(1, [3, 2, 3, 3], 1, Padding::zeros(4))], [1, 3, 3, 2], &[0]);
}

#[test]
fn convolutions_that_are_not_alike_on_all_sides() {
    for ([kh, kw], stride, padding) in UNEVEN {
        for (i, o) in [(1, 3), (4, 17), (17, 1)] {
            check(&[conv(1, [i, o, *kh, *kw], *stride, *padding)], [2, i, 7, 6], &[0]);
        }
    }
    check(&[conv(1, [3, 4, 7, 1], 1, Padding::oblong(3, 0))], [1, 3, 1, 1], &[0]);
}

#[test]
fn relu_and_upsampling() {
    for c in [1, 3, 4, 17] {
        check(&[Layer::Relu], [2, c, 5, 3], &[0]);
        check(&[Layer::LeakyRelu { slope: 0.2 }], [2, c, 5, 3], &[0]);
        check(&[Layer::UpsampleNearest { factor: 2 }], [2, c, 3, 1], &[0]);
    }
    check(&[Layer::UpsampleNearest { factor: 3 }], [1, 3, 1, 1], &[0]);
}

#[test]
fn pooling() {
    for geometry in POOLS {
        for ceil_mode in [false, true] {
            for layer in pools(*geometry, ceil_mode) {
                for (c, h, w) in [(1, 5, 7), (3, 6, 5), (4, 5, 8), (17, 7, 5)] {
                    check(std::slice::from_ref(&layer), [2, c, h, w], &[0]);
                }
                // Several bands of rows.
                check(std::slice::from_ref(&layer), [1, 2, 37, 5], &[0]);
            }
        }
    }
    for layer in pools([3, 1, 1], false).iter().chain(&pools([2, 2, 0], true)) {
        check(std::slice::from_ref(layer), [1, 3, 1, 1], &[0]);
    }
}

#[test]
fn norms_over_channels() {
    for c in [1, 3, 4, 17] {
        for (size, beta) in [(5, 0.75), (1, 0.5), (4, 0.6), (2, 1.0), (11, 0.5), (3, 0.0)] {
            check(&[norm(size, beta)], [2, c, 3, 5], &[0]);
        }
    }
    check(&[Layer::UpsampleNearest { factor: 2 }, norm(5, 0.75), Layer::Relu], [1, 3, 1, 1], &[0, 1, 2]);
}

/// A small network with every kind of layer, tapped everywhere, with a tap between a convolution
/// and its ReLU, and one layer twice.
#[test]
fn several_taps() {
    let layers = [
        conv(1, [3, 6, 3, 3], 1, Padding::zeros(1)),
        Layer::Relu,
        pool(2, 2, false),
        conv(3, [6, 5, 3, 3], 1, Padding::reflect(1)),
        Layer::Relu,
        Layer::UpsampleNearest { factor: 2 },
        conv(5, [5, 2, 1, 1], 1, Padding::zeros(0)),
        Layer::Relu,
    ];
    check(&layers, [2, 3, 7, 9], &[0, 1, 2, 3, 4, 5, 6, 7]);
    check(&layers, [2, 3, 7, 9], &[7]);
    check(&layers, [1, 3, 7, 9], &[4, 1, 4]);
    check(&layers, [1, 3, 4, 4], &[3]);
}

/// Large enough for tiles that touch no edge, with everything that is fused with a convolution.
#[test]
fn convolutions_with_their_rectifiers_and_pools() {
    let layers = |padding, rectifier: Layer, ceil_mode| {
        [
            conv(1, [3, 17, 3, 3], 1, padding),
            rectifier.clone(),
            conv(2, [17, 20, 3, 3], 1, padding),
            rectifier,
            pool(2, 2, ceil_mode),
            conv(3, [20, 3, 3, 3], 1, padding),
        ]
    };
    let leaky = Layer::LeakyRelu { slope: 0.2 };
    check(&layers(Padding::zeros(1), Layer::Relu, false), [1, 3, 23, 26], &[5]);
    check(&layers(Padding::zeros(1), leaky.clone(), false), [2, 3, 16, 17], &[5]);
    check(&layers(Padding::reflect(1), Layer::Relu, false), [1, 3, 20, 23], &[5]);
    // Nothing of this can be fused: a window extends beyond the map, or a tap reads an intermediate map.
    check(&layers(Padding::zeros(1), leaky, true), [1, 3, 17, 15], &[5]);
    check(&layers(Padding::zeros(1), Layer::Relu, false), [1, 3, 18, 21], &[2, 5, 3, 4]);
}

/// Winograd's algorithm rounds the pixels of a uniform area differently, and still the first of a window
/// wins.
#[test]
fn even_areas_send_their_gradient_to_the_first_pixel() {
    let mut weight = vec![0f32; 16 * 16 * 9];
    for channel in 0..16 {
        weight[(channel * 16 + channel) * 9 + 4] = 0.7;
        weight[(channel * 16 + (channel + 5) % 16) * 9 + 1] = -0.3;
        weight[(channel * 16 + (channel + 3) % 16) * 9 + 5] = 0.6;
    }
    let conv = Layer::Conv {
        weight: Tensor::from_vec(weight, (16, 16, 3, 3), &Device::Cpu).unwrap(),
        bias: None,
        stride: 1,
        padding: Padding::zeros(1),
    };
    let stack = Stack::new(&[conv, Layer::Relu, pool(2, 2, false)], DType::F32).unwrap();
    let x: Vec<f32> = (0..16 * 32 * 32).map(|i| 0.31 + 0.077 * (i / 1024) as f32).collect();
    let x = Var::from_tensor(&Tensor::from_vec(x, (1, 16, 32, 32), &Device::Cpu).unwrap()).unwrap();
    // With a tap after the rectifier the pool is not fused.
    for taps in [&[2][..], &[2, 1]] {
        let y = stack.apply(&x, taps).unwrap().remove(0);
        let gradient = y.backward().unwrap().remove(&x).unwrap();
        let gradient = gradient.squeeze(0).unwrap().to_vec3::<f32>().unwrap();
        for plane in &gradient {
            // Away from the edges: outputs of odd rows and columns get no gradient, so only that of their
            // taps is left.
            for y in (8..24).step_by(2) {
                for x in (8..24).step_by(2) {
                    assert!((plane[y][x] - 0.7).abs() < 1e-5, "{}", plane[y][x]);
                    assert!((plane[y][x + 1] - 0.6).abs() < 1e-5, "{}", plane[y][x + 1]);
                    assert!((plane[y + 1][x] + 0.3).abs() < 1e-5, "{}", plane[y + 1][x]);
                    assert!(plane[y + 1][x + 1].abs() < 1e-5, "{}", plane[y + 1][x + 1]);
                }
            }
        }
    }
}

#[test]
fn the_first_of_equal_maxima_gets_the_gradient() {
    let x = Var::new(&[[[[1f64, 3.0, 3.0], [3.0, 0.0, 3.0], [0.0; 3]]]], &Device::Cpu).unwrap();
    let stack = Stack::new(&[pool(3, 3, false)], DType::F64).unwrap();
    let y = stack.apply(&x, &[0]).unwrap();
    let gradients = y[0].sum_all().unwrap().backward().unwrap();
    let found = gradients.get(&x).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
    assert_eq!(found, [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn relu_has_slope_zero_at_zero() {
    let x = Var::new(&[[[[0f64, -1.0, 2.0]]]], &Device::Cpu).unwrap();
    let stack = Stack::new(&[Layer::Relu], DType::F64).unwrap();
    let gradients = stack.apply(&x, &[0]).unwrap()[0].sum_all().unwrap().backward().unwrap();
    let found = gradients.get(&x).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
    assert_eq!(found, [0.0, 0.0, 1.0]);
}

/// A tape may be read more than once, and by gradients of a single tap.
#[test]
fn a_run_can_be_differentiated_twice() {
    let layers = [conv(1, [3, 4, 3, 3], 1, Padding::zeros(1)), Layer::Relu, pool(2, 2, false)];
    let stack = Stack::new(&layers, DType::F64).unwrap();
    let x = Var::from_tensor(&tensor(7, &[1, 3, 5, 5])).unwrap();
    let y = stack.apply(&x, &[1, 2]).unwrap();
    let of = |y: &Tensor| y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
    let (first, second) = (of(&y[0]), of(&y[1]));
    let sum = (first.get(&x).unwrap() + second.get(&x).unwrap()).unwrap();
    let both = (y[0].sqr().unwrap().sum_all().unwrap() + y[1].sqr().unwrap().sum_all().unwrap()).unwrap();
    let both = both.backward().unwrap();
    let error = (sum - both.get(&x).unwrap()).unwrap().abs().unwrap().max_all().unwrap();
    assert!(error.to_scalar::<f64>().unwrap() < 1e-12);
}
