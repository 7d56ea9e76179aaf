use candle_core::DType;
use dreamwire_kernels::{Layer, Padding, Stack};

use crate::values::{conv, pool, tensor};

fn check_new(layers: &[Layer], expected: &str) {
    let error = Stack::new(layers, DType::F64).err().expect("refused").to_string();
    assert!(error.contains(expected), "{error}");
}

fn check_apply(layers: &[Layer], shape: &[usize], taps: &[usize], expected: &str) {
    let stack = Stack::new(layers, DType::F64).unwrap();
    let error = stack.apply(&tensor(7, shape), taps).expect_err("refused").to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn layers_that_make_no_sense() {
    let zeros = Padding::zeros(1);
    check_new(
        &[conv(1, [3, 4, 3, 3], 1, zeros), Layer::Relu, conv(1, [5, 4, 3, 3], 1, zeros)],
        "layer 2: convolution wants 5 channels, the layers before it give 4",
    );
    check_new(&[conv(1, [3, 4, 3, 3], 0, zeros)], "layer 0: a convolution needs a stride");
    check_new(&[pool(17, 1, false)], "layer 0: pooling takes windows of 1 to 16");
    check_new(&[Layer::UpsampleNearest { factor: 0 }], "layer 0: upsampling by 0");
    check_new(&[Layer::LeakyRelu { slope: 0.0 }], "layer 0: a leaky relu of slope 0; it should be above 0");
    let bias = Some(tensor(1, &[3]));
    let weight = tensor(1, &[4, 3, 3, 3]);
    check_new(
        &[Layer::Conv { weight, bias, stride: 1, padding: zeros }],
        "bias of shape [4] expected, found [3]",
    );
    let half = Stack::new(&[Layer::Relu], DType::F16).err().expect("refused").to_string();
    assert!(half.contains("f32 or f64"), "{half}");
}

#[test]
fn inputs_that_do_not_fit() {
    let layers = [conv(1, [3, 4, 3, 3], 1, Padding::reflect(1)), pool(2, 2, false)];
    check_apply(&layers, &[1, 4, 8, 8], &[1], "layer 0: convolution wants 3 channels, found 4");
    check_apply(&layers, &[1, 3, 1, 1], &[0], "layer 0: cannot mirror 1 pixels of a 1x1 map");
    check_apply(&layers[1..], &[1, 3, 1, 9], &[0], "layer 0: a 1x9 map is too small for 2x2 pooling");
    check_apply(&layers, &[1, 3, 8, 8], &[2], "layer 2 asked for, but there are 2");
    check_apply(&layers, &[1, 3, 8, 8], &[], "no layer at all");
    let valid = [conv(1, [3, 4, 5, 5], 1, Padding::zeros(0))];
    check_apply(&valid, &[1, 3, 4, 8], &[0], "a 4x8 map is too small for a 5x5 convolution");
    check_apply(&valid, &[3, 8, 8], &[0], "rank");
    let single = tensor(7, &[1, 3, 8, 8]).to_dtype(DType::F32).unwrap();
    let error = Stack::new(&layers, DType::F64).unwrap().apply(&single, &[0]).expect_err("refused");
    assert!(error.to_string().contains("a stack of F64 was given a tensor of F32"), "{error}");
}
