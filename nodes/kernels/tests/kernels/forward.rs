use candle_core::{DType, Device, Tensor};
use dreamwire_kernels::{Layer, Padding, Source, Stack};

use crate::naive;
use crate::values::{Node, POOLS, UNEVEN, chain, conv, norm, pool, pools, tensor};

/// Every layer's output against the plain loops, in f64 and f32.
#[track_caller]
fn check(layers: &[Layer], shape: [usize; 4]) {
    compare(&chain(layers), |dtype| Stack::new(layers, dtype).unwrap(), shape);
}

/// The same for layers that read several others.
#[track_caller]
pub(crate) fn check_graph(nodes: &[Node], shape: [usize; 4]) {
    compare(nodes, |dtype| Stack::graph(nodes, dtype).unwrap(), shape);
}

#[track_caller]
fn compare(nodes: &[Node], stack: impl Fn(DType) -> Stack, shape: [usize; 4]) {
    // The input, then every layer's output.
    let mut values = vec![tensor(7, &shape)];
    for (layer, inputs) in nodes {
        let inputs: Vec<_> = inputs
            .iter()
            .map(|source| match source {
                Source::Input => &values[0],
                Source::Layer(index) => &values[index + 1],
            })
            .collect();
        let value = naive::apply(layer, &inputs);
        values.push(value);
    }
    let taps: Vec<usize> = (0..nodes.len()).collect();
    // The last tap alone runs the fused code.
    let deepest = [nodes.len() - 1];
    for (dtype, tolerance) in [(DType::F64, 1e-12), (DType::F32, 1e-5)] {
        let stack = stack(dtype);
        let x = values[0].to_dtype(dtype).unwrap();
        let mut found = stack.apply(&x, &taps).unwrap();
        found.extend(stack.apply(&x, &deepest).unwrap());
        for (found, tap) in found.iter().zip(taps.iter().chain(&deepest)) {
            let expected = &values[tap + 1];
            assert_eq!(found.dims(), expected.dims(), "layer {tap} of {nodes:?}");
            let found = found.to_dtype(DType::F64).unwrap();
            let error = max_abs(&(&found - expected).unwrap());
            let scale = max_abs(expected).max(1.0);
            assert!(error <= tolerance * scale, "{dtype:?} layer {tap} of {nodes:?}: {error}");
        }
    }
}

/// The largest absolute value. No number may be NaN, which a maximum would ignore.
#[track_caller]
fn max_abs(x: &Tensor) -> f64 {
    let numbers = x.flatten_all().unwrap().to_vec1::<f64>().unwrap();
    assert!(numbers.iter().all(|number| number.is_finite()), "a number is not finite");
    numbers.iter().fold(0.0, |largest: f64, number| largest.max(number.abs()))
}

#[test]
fn convolutions_of_any_channel_count() {
    for (i, o) in [(1, 1), (3, 4), (4, 17), (17, 3), (22, 5), (64, 16)] {
        check(&[conv(1, [i, o, 3, 3], 1, Padding::zeros(1)), Layer::Relu], [2, i, 7, 5]);
        check(&[conv(2, [i, o, 3, 3], 1, Padding::reflect(1)), Layer::Relu], [1, i, 5, 9]);
        check(&[conv(3, [i, o, 1, 1], 1, Padding::zeros(0)), Layer::Relu], [2, i, 3, 5]);
    }
}

#[test]
fn convolutions_of_other_kernels_and_strides() {
    check(&[conv(1, [3, 4, 7, 7], 2, Padding::zeros(3))], [1, 3, 13, 9]);
    check(&[conv(1, [32, 4, 5, 3], 1, Padding::zeros(2))], [1, 32, 6, 7]);
    check(&[conv(1, [70, 3, 3, 1], 1, Padding::zeros(0))], [2, 70, 6, 4]);
    check(&[conv(1, [4, 4, 3, 3], 3, Padding::reflect(2))], [1, 4, 8, 11]);
    check(&[conv(1, [66, 4, 1, 1], 1, Padding::zeros(1))], [1, 66, 3, 2]);
}

#[test]
fn a_picture_of_several_strips() {
    check(&[conv(1, [24, 8, 3, 3], 1, Padding::zeros(1)), Layer::Relu], [2, 24, 61, 37]);
    check(&[conv(1, [3, 8, 3, 3], 1, Padding::reflect(1))], [1, 3, 61, 37]);
    check(&[conv(1, [3, 17, 3, 3], 2, Padding::zeros(0)), Layer::Relu], [2, 3, 91, 70]);
    check(&[conv(1, [3, 33, 7, 7], 2, Padding::zeros(3)), Layer::Relu], [1, 3, 70, 90]);
}

#[test]
fn convolutions_that_are_not_alike_on_all_sides() {
    for ([kh, kw], stride, padding) in UNEVEN {
        for (i, o) in [(1, 3), (3, 4), (17, 1)] {
            check(&[conv(1, [i, o, *kh, *kw], *stride, *padding), Layer::Relu], [2, i, 7, 5]);
        }
        check(&[conv(1, [4, 17, *kh, *kw], *stride, *padding)], [1, 4, 40, 33]);
    }
    check(&[conv(1, [3, 4, 1, 7], 1, Padding::oblong(0, 3))], [1, 3, 1, 1]);
}

#[test]
fn pools_of_odd_sizes() {
    for geometry in POOLS {
        for ceil_mode in [false, true] {
            for layer in pools(*geometry, ceil_mode) {
                for shape in [[2, 3, 7, 5], [1, 17, 8, 5], [1, 1, 7, 9], [2, 4, 5, 6]] {
                    check(std::slice::from_ref(&layer), shape);
                }
            }
        }
    }
    for layer in pools([3, 1, 1], false).iter().chain(&pools([2, 2, 0], true)) {
        check(std::slice::from_ref(layer), [1, 3, 1, 1]);
    }
}

#[test]
fn nothing_outside_of_the_picture_is_the_largest() {
    let x = Tensor::full(-2f64, (1, 1, 3, 3), &Device::Cpu).unwrap();
    let [largest, ..] = pools([3, 2, 1], false);
    let y = &Stack::new(&[largest], DType::F64).unwrap().apply(&x, &[0]).unwrap()[0];
    assert_eq!(y.flatten_all().unwrap().to_vec1::<f64>().unwrap(), [-2.0; 4]);
}

/// Windows of 3 every 2 on 4 pixels with one of padding contain 2, 3 and 1 pixels; the last extends beyond
/// the padding, and PyTorch divides it by 2.
#[test]
fn what_a_mean_counts() {
    let x = Tensor::ones((1, 1, 4, 4), DType::F64, &Device::Cpu).unwrap();
    let [_, without, with] = pools([3, 2, 1], true);
    for (layer, means) in [(without, [1.0; 3]), (with, [2.0 / 3.0, 1.0, 0.5])] {
        let y = &Stack::new(&[layer], DType::F64).unwrap().apply(&x, &[0]).unwrap()[0];
        let found = y.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        let expected = means.iter().flat_map(|row| means.iter().map(move |column| row * column));
        let error = found.iter().zip(expected).fold(0.0, |error: f64, (a, b)| error.max((a - b).abs()));
        assert!(found.len() == 9 && error < 1e-15, "{found:?}");
    }
}

#[test]
fn norms_over_channels() {
    for c in [1, 3, 4, 17] {
        for (size, beta) in [(5, 0.75), (1, 0.5), (4, 0.6), (2, 1.0), (11, 0.5), (3, 0.0)] {
            check(&[norm(size, beta)], [2, c, 3, 5]);
        }
    }
    check(&[norm(5, 0.75), Layer::Relu], [1, 3, 1, 1]);
}

/// Two channels each: the one before and its own, as in PyTorch.
#[test]
fn a_norm_by_hand() {
    let x = Tensor::new(&[1f64, 2.0, 3.0], &Device::Cpu).unwrap().reshape((1, 3, 1, 1)).unwrap();
    let layer = Layer::LocalResponseNorm { size: 2, alpha: 1.0, beta: 1.0, k: 1.0 };
    let y = &Stack::new(&[layer], DType::F64).unwrap().apply(&x, &[0]).unwrap()[0];
    let found = y.flatten_all().unwrap().to_vec1::<f64>().unwrap();
    for (found, expected) in found.iter().zip([1.0 / 1.5, 2.0 / 3.5, 3.0 / 7.5]) {
        assert!((found - expected).abs() < 1e-15, "{found} for {expected}");
    }
}

#[test]
fn one_pixel_and_upsampling() {
    check(&[conv(1, [3, 4, 3, 3], 1, Padding::zeros(1)), Layer::Relu], [1, 3, 1, 1]);
    check(&[conv(1, [40, 4, 3, 3], 1, Padding::zeros(1))], [2, 40, 1, 1]);
    check(&[Layer::UpsampleNearest { factor: 2 }, Layer::Relu], [2, 3, 3, 1]);
    check(&[Layer::UpsampleNearest { factor: 3 }], [1, 17, 1, 2]);
}

#[test]
fn taps_keep_their_order_and_may_repeat() {
    let layers = [conv(1, [3, 4, 3, 3], 1, Padding::zeros(1)), Layer::Relu, pool(2, 2, false)];
    let stack = Stack::new(&layers, DType::F64).unwrap();
    let found = stack.apply(&tensor(7, &[1, 3, 6, 6]), &[2, 0, 2]).unwrap();
    let shapes: Vec<_> = found.iter().map(|t| t.dims().to_vec()).collect();
    assert_eq!(shapes, [[1, 4, 3, 3], [1, 4, 6, 6], [1, 4, 3, 3]]);
    assert_eq!(max_abs(&(&found[0] - &found[2]).unwrap()), 0.0);
}

#[test]
fn leaky_relu_behind_a_convolution() {
    check(&[conv(1, [3, 4, 3, 3], 1, Padding::zeros(1)), Layer::LeakyRelu { slope: 0.2 }], [2, 3, 7, 5]);
    check(&[Layer::LeakyRelu { slope: 0.01 }, Layer::Relu], [1, 17, 1, 3]);
}

#[test]
fn a_pool_hands_nan_on() {
    let x = Tensor::new(&[[[[1f64, f64::NAN], [5.0, 2.0]]]], &Device::Cpu).unwrap();
    let y = Stack::new(&[pool(2, 2, false), Layer::Relu], DType::F64).unwrap().apply(&x, &[1]).unwrap();
    assert!(y[0].max_all().unwrap().to_scalar::<f64>().unwrap().is_nan());
}

/// By all algorithms: few channels, tiles and windows.
#[test]
fn nan_goes_through_convolutions_and_rectifiers() {
    for (inputs, kernel) in [(3, 3), (17, 3), (17, 5)] {
        for rectifier in [Layer::Relu, Layer::LeakyRelu { slope: 0.2 }] {
            let layers =
                [conv(1, [inputs, 21, kernel, kernel], 1, Padding::zeros(kernel / 2)), rectifier.clone()];
            for dtype in [DType::F64, DType::F32] {
                let x = (tensor(7, &[1, inputs, 9, 8]) * f64::NAN).unwrap().to_dtype(dtype).unwrap();
                let y = Stack::new(&layers, dtype).unwrap().apply(&x, &[1]).unwrap().remove(0);
                let y = y.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
                let lost = y.iter().filter(|y| !y.is_nan()).count();
                assert_eq!(
                    lost, 0,
                    "of {inputs} channels through {kernel}x{kernel}, {rectifier:?}, {dtype:?}"
                );
            }
        }
    }
}

/// Maps of few channels have algorithms of their own. Padded with channels of zeros they use the others, here
/// in f64 and so with other vectors.
#[test]
fn few_channels_and_many() {
    for ([kh, kw], stride, padding) in [
        ([3, 3], 1, Padding::zeros(1)),
        ([3, 3], 1, Padding::reflect(2)),
        ([3, 3], 2, Padding::zeros(0)),
        ([7, 7], 2, Padding::zeros(3)),
        ([5, 2], 3, Padding::sides(3, 1, 0, 4)),
    ] {
        for (outputs, rectifier) in [(21, Layer::Relu), (16, Layer::LeakyRelu { slope: 0.2 })] {
            let weight = tensor(3, &[outputs, 3, kh, kw]);
            let (x, bias) = (tensor(7, &[2, 3, 131, 50]), tensor(4, &[outputs]));
            let [found, expected] = [(DType::F32, 0), (DType::F64, 13)].map(|(dtype, more)| {
                let wide = |tensor: &Tensor| tensor.pad_with_zeros(1, 0, more).unwrap();
                let convolution =
                    Layer::Conv { weight: wide(&weight), bias: Some(bias.clone()), stride, padding };
                let stack = Stack::new(&[convolution, rectifier.clone()], dtype).unwrap();
                let x = candle_core::Var::from_tensor(&wide(&x).to_dtype(dtype).unwrap()).unwrap();
                let y = stack.apply(&x, &[1]).unwrap().remove(0);
                let gradient = y.sqr().unwrap().sum_all().unwrap().backward().unwrap().remove(&x).unwrap();
                [y, gradient.narrow(1, 0, 3).unwrap()].map(|tensor| tensor.to_dtype(DType::F64).unwrap())
            });
            for (found, expected) in found.iter().zip(&expected) {
                let error = max_abs(&(found - expected).unwrap()) / max_abs(expected);
                assert!(error < 1e-5, "{kh}x{kw}, {stride}, {padding:?}, {outputs}: {error}");
            }
        }
    }
}

/// Filters that are too large to be shared, on few tiles, on several parts of a block, and on several blocks.
/// A kernel with a border of zeros computes the same without Winograd's algorithm.
#[test]
fn many_filters() {
    let weight = tensor(3, &[144, 160, 3, 3]).to_dtype(DType::F32).unwrap();
    let wide = weight.pad_with_zeros(2, 1, 1).unwrap().pad_with_zeros(3, 1, 1).unwrap();
    let layer = |weight: &Tensor, amount| {
        let padding = Padding::zeros(amount);
        [Layer::Conv { weight: weight.clone(), bias: None, stride: 1, padding }, Layer::Relu]
    };
    let stacks = [layer(&weight, 1), layer(&wide, 2)].map(|layers| Stack::new(&layers, DType::F32).unwrap());
    for size in [9, 20, 40, 90] {
        let x = tensor(7, &[1, 160, size, size]).to_dtype(DType::F32).unwrap();
        let x = candle_core::Var::from_tensor(&x).unwrap();
        let [found, expected] = stacks.each_ref().map(|stack| {
            let y = stack.apply(&x, &[1]).unwrap().remove(0);
            let gradient = y.sqr().unwrap().sum_all().unwrap().backward().unwrap().remove(&x).unwrap();
            [y, gradient].map(|tensor| tensor.to_dtype(DType::F64).unwrap())
        });
        for (found, expected) in found.iter().zip(&expected) {
            let error = max_abs(&(found - expected).unwrap()) / max_abs(expected);
            assert!(error < 1e-5, "{size}: {error}");
        }
    }
}
