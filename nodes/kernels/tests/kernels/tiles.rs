//! Stacks whose convolutions use tiles, compared with the same without tiles: a kernel with a border of zeros
//! computes the same, but does not have 3x3 taps.

use candle_core::{DType, Tensor, Var};
use dreamwire_kernels::{Layer, Padding, Stack};

use crate::values::{conv, pool, tensor};

/// 3x3 convolutions as 5x5 ones.
fn bordered(layers: &[Layer]) -> Vec<Layer> {
    let widen = |layer: &Layer| match layer {
        Layer::Conv { weight, bias, stride, padding } => {
            let weight = weight.pad_with_zeros(2, 1, 1).unwrap().pad_with_zeros(3, 1, 1).unwrap();
            let Padding { top, bottom, left, right, mode } = *padding;
            let padding = Padding { mode, ..Padding::sides(top + 1, bottom + 1, left + 1, right + 1) };
            Layer::Conv { weight, bias: bias.clone(), stride: *stride, padding }
        }
        other => other.clone(),
    };
    layers.iter().map(widen).collect()
}

/// The last layer's output, and the gradient of a weighting of it with respect to the input.
fn run(layers: &[Layer], dtype: DType, shape: [usize; 4]) -> [Vec<f64>; 2] {
    let stack = Stack::new(layers, dtype).unwrap();
    let x = Var::from_tensor(&tensor(7, &shape).to_dtype(dtype).unwrap()).unwrap();
    let y = stack.apply(&x, &[layers.len() - 1]).unwrap().remove(0);
    let weights = tensor(99, y.dims()).to_dtype(dtype).unwrap();
    let gradient = (&y * weights).unwrap().sum_all().unwrap().backward().unwrap().remove(&x).unwrap();
    [y, gradient].map(|found| {
        let found: Tensor = found.to_dtype(DType::F64).unwrap();
        found.flatten_all().unwrap().to_vec1::<f64>().unwrap()
    })
}

/// The largest difference, relative to the largest number, and the length of all differences, relative to that of all
/// numbers.
fn errors(found: &[f64], expected: &[f64]) -> [f64; 2] {
    assert_eq!(found.len(), expected.len());
    let largest =
        |numbers: &[f64]| numbers.iter().fold(0.0, |largest: f64, number| largest.max(number.abs()));
    let length = |numbers: &[f64]| numbers.iter().map(|number| number * number).sum::<f64>().sqrt();
    let differences: Vec<f64> =
        found.iter().zip(expected).map(|(found, expected)| found - expected).collect();
    [largest(&differences) / largest(expected), length(&differences) / length(expected)]
}

/// In f64 every number. In f32 a rectifier or a pool may decide otherwise at a few positions in ten thousand,
/// and the gradient there differs; a single wrong tile or channel is more than that. A length is NaN if a
/// number is.
#[track_caller]
fn check(layers: &[Layer], shape: [usize; 4], dtype: DType) {
    let (found, expected) = (run(layers, dtype, shape), run(&bordered(layers), dtype, shape));
    for ((found, expected), what) in found.iter().zip(&expected).zip(["output", "gradient"]) {
        let [largest, length] = errors(found, expected);
        let is_near = if dtype == DType::F64 { largest < 1e-11 && length < 1e-11 } else { length < 0.05 };
        assert!(is_near, "{what}, {dtype:?}, {shape:?}: {largest:e}, {length:e}");
    }
}

/// Convolutions with everything that is fused with them. The first two maps have enough tiles of 6x6 for
/// gradients, the last one does not. No number of channels fills vectors.
fn layers(padding: Padding, rectifier: Layer) -> [Layer; 6] {
    [
        conv(1, [18, 17, 3, 3], 1, padding),
        rectifier.clone(),
        conv(2, [17, 21, 3, 3], 1, padding),
        rectifier,
        pool(2, 2, false),
        conv(3, [21, 18, 3, 3], 1, padding),
    ]
}

#[test]
fn large_tiles_take_pools_and_rectifiers_back() {
    let leaky = Layer::LeakyRelu { slope: 0.2 };
    for dtype in [DType::F64, DType::F32] {
        check(&layers(Padding::zeros(1), Layer::Relu), [1, 18, 50, 51], dtype);
        check(&layers(Padding::reflect(1), leaky.clone()), [2, 18, 49, 48], dtype);
        // Tiles that begin at other pixels of a pool's window.
        check(&layers(Padding::sides(1, 0, 2, 1), leaky.clone()), [1, 18, 53, 49], dtype);
        check(&layers(Padding::zeros(0), Layer::Relu), [1, 18, 54, 52], dtype);
    }
}

/// Filters that are too large to be shared, in the backward pass from a pool.
#[test]
fn large_tiles_of_many_filters() {
    let layers = [
        conv(1, [16, 112, 3, 3], 1, Padding::zeros(1)),
        Layer::Relu,
        conv(2, [112, 96, 3, 3], 1, Padding::zeros(1)),
        Layer::Relu,
        pool(2, 2, false),
    ];
    check(&layers, [1, 16, 50, 51], DType::F32);
}
