use super::*;
use crate::Stack;
use candle_core::{DType, Device, Tensor};

fn conv(outputs: usize, inputs: usize, kernel: usize, stride: usize, padding: Padding) -> Layer {
    let weight = Tensor::zeros((outputs, inputs, kernel, kernel), DType::F32, &Device::Cpu).unwrap();
    Layer::Conv { weight, bias: None, stride, padding }
}

const POOL: Layer = Layer::MaxPool { kernel: 2, stride: 2, padding: 0, ceil_mode: false };

#[track_caller]
fn check(stack: &Stack, input: [usize; 4], taps: &[usize], expected: [u64; 3]) {
    let Peak { forward, gradient, outputs, .. } = stack.peak(input, taps).unwrap();
    assert_eq!([forward, gradient, outputs], expected);
}

/// 8x8 pixels of 3 channels are 768 bytes, of 4 channels 1024.
#[test]
fn a_convolution_and_its_rectifier() {
    let stack = Stack::new(&[conv(4, 3, 1, 1, Padding::zeros(0)), Layer::Relu], DType::F32).unwrap();
    // Twice the input, the output twice. A sign is a bit, of at least 16 channels: 128 bytes.
    // On the way back, two outputs for the caller and one as ours, two inputs, and the caller's input.
    check(&stack, [1, 3, 8, 8], &[1], [2 * 768 + 2 * 1024, 768 + 2 * 1024 + 128 + 1024 + 768, 1024]);
    check(&stack, [3, 3, 8, 8], &[1], [3 * 3584, 3 * 4736, 3 * 1024]);
}

/// A pool behind a convolution of few channels is a layer of its own, and keeps a byte per value.
#[test]
fn a_pool_drops_the_map_before_it() {
    let stack = Stack::new(&[conv(4, 3, 1, 1, Padding::zeros(0)), POOL], DType::F32).unwrap();
    // At the convolution: the inputs, its output, and the 256 bytes of the tap. On the way back two of these,
    // 64 places, the gradient before the pool, and that of the input.
    check(&stack, [1, 3, 8, 8], &[1], [2 * 768 + 256 + 1024, 768 + 2 * 256 + 64 + 1024 + 768, 256]);
}

/// A pool that is fused with its convolution never has the large map.
#[test]
fn a_fused_pool() {
    let stack = Stack::new(&[conv(16, 16, 3, 1, Padding::zeros(1)), Layer::Relu, POOL], DType::F32).unwrap();
    let (large, small, bits) = (16 * 16 * 16 * 4, 8 * 8 * 16 * 4, 8 * 8 * 2);
    // Signs of the pooled values, and two bits for the winners.
    let gradient = large + 2 * small + 3 * bits + small + large;
    let back = large + 2 * small + 3 * bits + 2 * large;
    check(&stack, [1, 16, 16, 16], &[2], [2 * large + 2 * small, gradient.max(back), small]);
}

/// A stride spreads the gradient out; mirrored edges have gradients of their own, which are folded back.
#[test]
fn strides_and_mirrored_edges() {
    let stack = Stack::new(&[conv(8, 8, 1, 2, Padding::zeros(0))], DType::F32).unwrap();
    let (input, output) = (8 * 8 * 8 * 4, 4 * 4 * 8 * 4);
    let back = input + 2 * output + output + input + input;
    check(&stack, [1, 8, 8, 8], &[0], [2 * input + 2 * output, back, output]);
    let stack = Stack::new(&[conv(8, 8, 3, 1, Padding::reflect(1))], DType::F32).unwrap();
    let mirrored = 10 * 10 * 8 * 4;
    let back = input + 2 * input + input + mirrored + input;
    check(&stack, [1, 8, 8, 8], &[0], [4 * input, back, input]);
}

/// Maps with several readers stay until the last of them; their gradients are added.
#[test]
fn branches() {
    let one = || conv(8, 8, 1, 1, Padding::zeros(0));
    let nodes = [
        (one(), vec![Source::Input]),
        (one(), vec![Source::Layer(0)]),
        (one(), vec![Source::Layer(0)]),
        (Layer::Concat, vec![Source::Layer(1), Source::Layer(2)]),
    ];
    let stack = Stack::graph(&nodes, DType::F32).unwrap();
    let map = 8 * 8 * 8 * 4;
    // The caller's input; the output of two maps; both branches and the concatenation.
    let forward = map + 2 * map + 2 * map + 2 * map;
    // Two outputs of the caller, and ours with both its parts.
    let gradient = map + 4 * map + 2 * map + 2 * map;
    check(&stack, [1, 8, 8, 8], &[3], [forward, gradient, 2 * map]);
}

/// 16 x 16 filters of 3x3 numbers are 9216 bytes, and 65536 for tiles; without tiles they are only transposed.
#[test]
fn filters_take_the_same_at_every_size() {
    let stack = Stack::new(&[conv(16, 16, 3, 1, Padding::zeros(1)), Layer::Relu], DType::F32).unwrap();
    let fixed = |side| stack.peak([1, 16, side, side], &[1]).unwrap().fixed;
    assert_eq!([fixed(2), fixed(32), fixed(64)], [9216, 9216 + 65536, 9216 + 65536]);
}

#[test]
fn sizes_beyond_all_numbers_do_not_wrap() {
    assert_eq!(count([usize::MAX, 2, 2, 2]), u64::MAX);
    let stack = Stack::new(&[Layer::Relu], DType::F32).unwrap();
    assert!(stack.peak([1, 3, 8, 8], &[]).is_err());
    assert!(stack.peak([1, 3, 8, 8], &[1]).is_err());
}
