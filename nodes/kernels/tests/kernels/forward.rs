use candle_core::{DType, Device, Tensor};
use dreamwire_kernels::{Layer, Padding, Stack};

use crate::naive;
use crate::values::{conv, pool, tensor};

/// Every layer's output against the plain loops, in f64 and f32.
fn check(layers: &[Layer], shape: [usize; 4]) {
    let x = tensor(7, &shape);
    let mut expected = Vec::new();
    for layer in layers {
        let input = expected.last().unwrap_or(&x);
        expected.push(naive::apply(layer, input));
    }
    let taps: Vec<usize> = (0..layers.len()).collect();
    // The last tap alone runs the fused path.
    let deepest = [layers.len() - 1];
    for (dtype, tolerance) in [(DType::F64, 1e-12), (DType::F32, 1e-5)] {
        let stack = Stack::new(layers, dtype).unwrap();
        let x = x.to_dtype(dtype).unwrap();
        let mut found = stack.apply(&x, &taps).unwrap();
        found.extend(stack.apply(&x, &deepest).unwrap());
        for (found, tap) in found.iter().zip(taps.iter().chain(&deepest)) {
            let expected = &expected[*tap];
            assert_eq!(found.dims(), expected.dims(), "layer {tap} of {layers:?}");
            let found = found.to_dtype(DType::F64).unwrap();
            let error = max_abs(&(&found - expected).unwrap());
            let scale = max_abs(expected).max(1.0);
            assert!(error <= tolerance * scale, "{dtype:?} layer {tap} of {layers:?}: {error}");
        }
    }
}

fn max_abs(x: &Tensor) -> f64 {
    x.abs().unwrap().max_all().unwrap().to_scalar().unwrap()
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
}

#[test]
fn pools_of_odd_sizes() {
    for ceil_mode in [false, true] {
        check(&[pool(2, 2, ceil_mode)], [2, 3, 7, 5]);
        check(&[pool(3, 2, ceil_mode)], [1, 4, 8, 5]);
        check(&[pool(2, 3, ceil_mode)], [1, 1, 7, 9]);
        check(&[pool(3, 1, ceil_mode)], [1, 17, 4, 3]);
    }
    check(&[pool(2, 2, true)], [1, 3, 1, 1]);
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
