use candle_core::DType;
use dreamwire_kernels::{Layer, Padding, Source, Stack};

use crate::values::{Node, conv, norm, pools, tensor};
use crate::{forward, gradient};

const INPUT: Source = Source::Input;

fn node<const N: usize>(layer: Layer, inputs: [Source; N]) -> Node {
    (layer, inputs.to_vec())
}

/// The input of four branches.
const STEM: usize = 1;
const JOINED: usize = 15;

/// A small Inception: one value read by four branches, which are concatenated, followed by a norm, a
/// rectangular convolution and a mean.
pub(crate) fn inception() -> Vec<Node> {
    let after = |index| [Source::Layer(index)];
    let zeros = Padding::zeros;
    let [largest, ..] = pools([3, 1, 1], false);
    let [_, mean, _] = pools([3, 2, 1], true);
    vec![
        node(conv(1, [3, 4, 3, 3], 1, zeros(1)), [INPUT]),
        node(Layer::Relu, after(0)),
        // 1x1
        node(conv(3, [4, 3, 1, 1], 1, zeros(0)), after(STEM)),
        node(Layer::Relu, after(2)),
        // 3x3
        node(conv(5, [4, 2, 1, 1], 1, zeros(0)), after(STEM)),
        node(Layer::Relu, after(4)),
        node(conv(7, [2, 5, 3, 3], 1, zeros(1)), after(5)),
        node(Layer::Relu, after(6)),
        // 5x5
        node(conv(9, [4, 2, 1, 1], 1, zeros(0)), after(STEM)),
        node(Layer::Relu, after(8)),
        node(conv(11, [2, 3, 5, 5], 1, zeros(2)), after(9)),
        node(Layer::Relu, after(10)),
        // pool
        node(largest, after(STEM)),
        node(conv(13, [4, 2, 1, 1], 1, zeros(0)), after(12)),
        node(Layer::Relu, after(13)),
        node(Layer::Concat, [3, 7, 11, 14].map(Source::Layer)),
        node(norm(5, 0.75), after(JOINED)),
        node(conv(15, [13, 3, 1, 7], 1, Padding::oblong(0, 3)), after(16)),
        node(Layer::Relu, after(17)),
        node(mean, after(18)),
    ]
}

#[test]
fn branches_and_what_joins_them() {
    for shape in [[2, 3, 7, 5], [1, 3, 1, 1], [1, 3, 9, 8]] {
        forward::check_graph(&inception(), shape);
    }
}

#[test]
fn gradients_of_branches() {
    let nodes = inception();
    let all: Vec<usize> = (0..nodes.len()).collect();
    for shape in [[2, 3, 7, 5], [1, 3, 1, 1]] {
        let cases: [&[usize]; 7] =
            [&[19], &[JOINED], &[STEM, JOINED], &[7, 2, JOINED, 19, 7], &[12], &[4, 10], &all];
        for taps in cases {
            gradient::check_graph(&nodes, shape, taps);
        }
    }
}

/// Layers that modify their input, and one that keeps it, before another reader and after it.
#[test]
fn readers_do_not_see_what_other_readers_do() {
    let value = Source::Layer(0);
    let nodes = [
        node(conv(1, [3, 4, 3, 3], 1, Padding::zeros(1)), [INPUT]),
        node(Layer::Relu, [value]),
        node(norm(3, 0.5), [value]),
        node(Layer::LeakyRelu { slope: 0.2 }, [value]),
        node(conv(3, [3, 4, 1, 1], 1, Padding::zeros(0)), [INPUT]),
        node(Layer::Relu, [INPUT]),
        // Not directly after its convolution, but its only reader.
        node(Layer::Relu, [Source::Layer(4)]),
        // One value twice, and the input itself.
        node(Layer::Concat, [Source::Layer(1), Source::Layer(2), Source::Layer(3), Source::Layer(6), value]),
        node(Layer::Concat, [Source::Layer(7), Source::Layer(3), INPUT, Source::Layer(3), Source::Layer(5)]),
    ];
    for shape in [[2, 3, 5, 3], [1, 3, 1, 1]] {
        forward::check_graph(&nodes, shape);
        let cases: [&[usize]; 5] = [&[8], &[7], &[0, 8], &[8, 3], &[5, 4]];
        for taps in cases {
            gradient::check_graph(&nodes, shape, taps);
        }
    }
}

#[test]
fn layers_that_no_tap_needs_are_not_computed() {
    let nodes = [
        // Too large a kernel for the map below.
        node(conv(1, [3, 4, 5, 5], 1, Padding::zeros(0)), [INPUT]),
        node(Layer::Relu, [INPUT]),
        node(Layer::UpsampleNearest { factor: 2 }, [Source::Layer(1)]),
    ];
    let stack = Stack::graph(&nodes, DType::F64).unwrap();
    let x = tensor(7, &[1, 3, 3, 3]);
    assert_eq!(stack.apply(&x, &[2]).unwrap()[0].dims(), [1, 3, 6, 6]);
    gradient::check_graph(&nodes, [1, 3, 3, 3], &[2]);
    let error = stack.apply(&x, &[2, 0]).expect_err("refused").to_string();
    assert!(error.contains("layer 0: a 3x3 map is too small for a 5x5 convolution"), "{error}");
}

#[test]
fn shapes_of_a_graph() {
    let stack = Stack::graph(&inception(), DType::F32).unwrap();
    let shapes = stack.shapes([1, 3, 7, 5], 20).unwrap();
    assert_eq!(shapes.len(), 21);
    assert_eq!(shapes[JOINED + 1], [1, 13, 7, 5]);
    assert_eq!(shapes[20], [1, 3, 4, 3]);
}
