use candle_core::DType;
use dreamwire_kernels::{Layer, Padding, PaddingMode, Source, Stack};

use crate::values::{Node, conv, pool, pools, tensor};

fn check_new(layers: &[Layer], expected: &str) {
    let error = Stack::new(layers, DType::F64).err().expect("refused").to_string();
    assert!(error.contains(expected), "{error}");
}

fn check_graph(nodes: &[Node], expected: &str) {
    let error = Stack::graph(nodes, DType::F64).err().expect("refused").to_string();
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
        "layer 2: the convolution needs 5 channels, its inputs have 4",
    );
    check_new(&[conv(1, [3, 4, 3, 3], 0, zeros)], "layer 0: a convolution needs a stride");
    check_new(&[pool(17, 1, false)], "layer 0: pooling needs windows of 1 to 16");
    check_new(&[Layer::UpsampleNearest { factor: 0 }], "layer 0: the upsampling factor must be at least 1");
    check_new(
        &[Layer::LeakyRelu { slope: 0.0 }],
        "layer 0: the slope of a leaky relu must be above 0, found 0",
    );
    let [largest, mean, _] = pools([3, 1, 2], false);
    check_new(&[largest], "layer 0: the padding of 3x3 pooling must be at most 1, found 2");
    check_new(&[mean], "layer 0: the padding of 3x3 pooling must be at most 1, found 2");
    let [_, mean, _] = pools([0, 1, 0], false);
    check_new(&[mean], "layer 0: average pooling needs windows and a stride of at least 1");
    let norm = |size, alpha, k| Layer::LocalResponseNorm { size, alpha, beta: 0.75, k };
    check_new(&[norm(0, 1.0, 1.0)], "layer 0: the size of a local response norm must be at least 1, found 0");
    check_new(&[norm(5, 1.0, 0.0)], "k 0; alpha must be at least 0 and k above 0");
    check_new(&[norm(5, -1.0, 1.0)], "of alpha -1, beta 0.75");
    check_new(&[norm(5, f64::NAN, 1.0)], "of alpha NaN, beta 0.75");
    let bias = Some(tensor(1, &[3]));
    let weight = tensor(1, &[4, 3, 3, 3]);
    check_new(
        &[Layer::Conv { weight, bias, stride: 1, padding: zeros }],
        "the bias must have shape [4], found [3]",
    );
    let half = Stack::new(&[Layer::Relu], DType::F16).err().expect("refused").to_string();
    assert!(half.contains("f32 or f64"), "{half}");
}

#[test]
fn graphs_that_make_no_sense() {
    let node = |layer: Layer, inputs: &[Source]| (layer, inputs.to_vec());
    let (input, first) = (Source::Input, Source::Layer(0));
    check_graph(&[node(Layer::Concat, &[])], "layer 0: a concat needs at least one input, found none");
    check_graph(
        &[node(Layer::Relu, &[])],
        "layer 0: expected one input, found 0; only a concat takes several",
    );
    check_graph(&[node(Layer::Relu, &[input, input])], "layer 0: expected one input, found 2");
    check_graph(&[node(Layer::Relu, &[first])], "layer 0: reads layer 0, which is not before it");
    check_graph(
        &[node(Layer::Relu, &[input]), node(Layer::Concat, &[first, Source::Layer(2)])],
        "layer 1: reads layer 2, which is not before it",
    );
    let zeros = Padding::zeros(1);
    check_graph(
        &[
            node(conv(1, [3, 4, 3, 3], 1, zeros), &[input]),
            node(conv(1, [3, 2, 3, 3], 1, zeros), &[input]),
            node(Layer::Concat, &[first, Source::Layer(1), first]),
            node(conv(1, [6, 4, 3, 3], 1, zeros), &[Source::Layer(2)]),
        ],
        "layer 3: the convolution needs 6 channels, its inputs have 10",
    );
    let nodes = [node(pool(2, 2, false), &[input]), node(Layer::Concat, &[input, first])];
    let stack = Stack::graph(&nodes, DType::F64).unwrap();
    let error = stack.apply(&tensor(7, &[1, 3, 8, 6]), &[1]).expect_err("refused").to_string();
    assert!(error.contains("layer 1: cannot join a 8x6 map and a 4x3 map"), "{error}");
    let error = stack.shapes([1, 3, 8, 6], 3).expect_err("refused").to_string();
    assert!(error.contains("cannot give the shapes of 3 layers: there are 2"), "{error}");
}

#[test]
fn inputs_that_do_not_fit() {
    let layers = [conv(1, [3, 4, 3, 3], 1, Padding::reflect(1)), pool(2, 2, false)];
    check_apply(&layers, &[1, 4, 8, 8], &[1], "layer 0: the convolution needs 3 channels, found 4");
    check_apply(&layers, &[1, 3, 1, 1], &[0], "layer 0: cannot mirror 1 pixels of a 1x1 map");
    let aside = Padding { mode: PaddingMode::Reflect, ..Padding::sides(0, 1, 0, 3) };
    check_apply(
        &[conv(1, [3, 4, 1, 1], 1, aside)],
        &[1, 3, 2, 3],
        &[0],
        "layer 0: cannot mirror 3 pixels of a 2x3 map",
    );
    check_apply(&layers[1..], &[1, 3, 1, 9], &[0], "layer 0: a 1x9 map is too small for 2x2 pooling");
    check_apply(&layers, &[1, 3, 8, 8], &[2], "there is no layer 2: there are 2 layers");
    check_apply(&layers, &[1, 3, 8, 8], &[], "no layers were requested");
    let valid = [conv(1, [3, 4, 5, 5], 1, Padding::zeros(0))];
    check_apply(&valid, &[1, 3, 4, 8], &[0], "a 4x8 map is too small for a 5x5 convolution");
    check_apply(&valid, &[3, 8, 8], &[0], "rank");
    let single = tensor(7, &[1, 3, 8, 8]).to_dtype(DType::F32).unwrap();
    let error = Stack::new(&layers, DType::F64).unwrap().apply(&single, &[0]).expect_err("refused");
    assert!(
        error.to_string().contains("a stack of F64 needs an input of the same type, found F32"),
        "{error}"
    );
}
