//! What values and gradients are where numbers are equal or not finite, and which gradients are computed.

use candle_core::{DType, Device, Tensor, Var};
use candle_nn::{VarBuilder, VarMap};
use dreamwire_kernels::{Layer, Padding, Source, Stack};

use super::{portable, run};
use crate::graph::inception;
use crate::values::{chain, conv, pool, pools, tensor};

/// One picture of one channel.
fn picture(rows: &[[f64; 4]; 3]) -> Tensor {
    Tensor::new(rows, &Device::Cpu).unwrap().reshape((1, 1, 3, 4)).unwrap()
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// Outputs and gradients of `layer`, by the kernels and by the portable operators.
fn by_both(layer: &Layer, x: &Tensor) -> [[Vec<f64>; 2]; 2] {
    let nodes = chain(std::slice::from_ref(layer));
    [Stack::graph(&nodes, DType::F64).unwrap(), portable(&nodes, DType::F64)]
        .map(|stack| [0, 1].map(|index| numbers(&run(&stack, x, &[0])[index])))
}

#[test]
fn the_first_of_equal_numbers_gets_the_gradient() {
    let x = picture(&[[1.0, 1.0, 2.0, -1.0], [1.0, 0.5, 2.0, 2.0], [-3.0, -3.0, 0.0, 2.0]]);
    for geometry in [[2, 2, 0], [2, 1, 0], [3, 2, 1], [2, 1, 1]] {
        let [largest, ..] = pools(geometry, true);
        let [[expected, expected_gradient], [found, gradient]] = by_both(&largest, &x);
        assert_eq!(found, expected);
        let pairs = gradient.iter().zip(&expected_gradient);
        assert!(
            pairs.clone().all(|(a, b)| (a - b).abs() < 1e-14),
            "{geometry:?}: {gradient:?} for {expected_gradient:?}"
        );
    }
}

/// Of a uniform picture, whose convolution differs by rounding alone; nothing is in a border.
#[test]
fn numbers_that_differ_by_rounding_are_equal() {
    let layers = [conv(1, [3, 17, 3, 3], 1, Padding::zeros(0)), pool(2, 2, false)];
    for dtype in [DType::F64, DType::F32] {
        let x = Tensor::full(0.37, (1, 3, 18, 18), &Device::Cpu).unwrap();
        let [expected, found] =
            [Stack::graph(&chain(&layers), dtype).unwrap(), portable(&chain(&layers), dtype)]
                .map(|stack| run(&stack, &x, &[1]).remove(1));
        let error = crate::differences::error(&found, &numbers(&expected));
        assert!(error < 1e-5, "{dtype:?}: {error}");
    }
}

#[test]
fn nan_stays() {
    let x =
        picture(&[[1.0, f64::NAN, 2.0, -1.0], [1.0, 0.5, 2.0, 2.0], [f64::NAN, -3.0, f64::INFINITY, 2.0]]);
    let [largest, mean, _] = pools([2, 1, 1], false);
    for layer in [Layer::Relu, Layer::LeakyRelu { slope: 0.2 }, largest, mean] {
        let [[expected, _], [found, _]] = by_both(&layer, &x);
        let same = expected.iter().zip(&found).all(|(a, b)| a == b || (a.is_nan() && b.is_nan()));
        assert!(same, "{layer:?}: {found:?} for {expected:?}");
    }
}

#[test]
fn rectifiers_at_zero() {
    let x = Tensor::zeros((1, 1, 1, 2), DType::F64, &Device::Cpu).unwrap();
    let cotangent = numbers(&tensor(100, &[2]));
    for (layer, slope) in [(Layer::Relu, 0.0), (Layer::LeakyRelu { slope: 0.2 }, 0.2)] {
        let [_, [_, gradient]] = by_both(&layer, &x);
        for (gradient, cotangent) in gradient.iter().zip(&cotangent) {
            assert!((gradient - slope * cotangent).abs() < 1e-15);
        }
    }
}

#[test]
fn weights_without_gradients() {
    let nodes = inception();
    let stack = portable(&nodes, DType::F64);
    let x = Var::from_tensor(&tensor(7, &[1, 3, 7, 5])).unwrap();
    let y = stack.apply(&x, &[19]).unwrap().remove(0);
    let gradients = y.sum_all().unwrap().backward().unwrap();
    assert_eq!(gradients.get_ids().count(), 1);
    // Nothing to differentiate: no graph.
    assert!(!stack.apply(&x.as_detached_tensor(), &[19]).unwrap()[0].track_op());
}

/// Variables that do not exist yet are made, and have gradients.
#[test]
fn weights_of_a_var_map() {
    let nodes = chain(&[
        conv(1, [3, 4, 3, 3], 1, Padding::zeros(1)),
        Layer::Relu,
        conv(3, [4, 2, 1, 1], 2, Padding::zeros(0)),
    ]);
    let map = VarMap::new();
    let stack =
        Stack::from_weights(&nodes, &VarBuilder::from_varmap(&map, DType::F32, &Device::Cpu)).unwrap();
    let mut names: Vec<_> = map.data().lock().unwrap().keys().cloned().collect();
    names.sort();
    assert_eq!(names, ["0.bias", "0.weight", "2.bias", "2.weight"]);
    let x = tensor(7, &[1, 3, 6, 6]).to_dtype(DType::F32).unwrap();
    let y = stack.apply(&x, &[2]).unwrap().remove(0);
    let gradients = y.sum_all().unwrap().backward().unwrap();
    for variable in map.all_vars() {
        let gradient = gradients.get(&variable).expect("a gradient");
        assert_eq!(gradient.dims(), variable.dims());
    }
    // The input has none.
    assert!(gradients.get(&x).is_none());
}

#[test]
fn weights_that_do_not_fit() {
    let nodes = chain(&[conv(1, [3, 4, 3, 3], 1, Padding::zeros(1))]);
    let mut weights = super::weights(&nodes);
    weights.insert("0.weight".into(), tensor(1, &[4, 3, 1, 1]));
    let refused = |weights: &std::collections::HashMap<String, Tensor>, dtype| {
        let weights = VarBuilder::from_tensors(weights.clone(), dtype, &Device::Cpu);
        Stack::from_weights(&nodes, &weights).err().expect("refused").to_string()
    };
    let error = refused(&weights, DType::F64);
    assert!(error.contains("shape mismatch for 0.weight"), "{error}");
    let error = refused(&super::weights(&nodes), DType::F16);
    assert!(error.contains("a stack needs f32 or f64, found F16"), "{error}");
    weights.remove("0.weight");
    let error = refused(&weights, DType::F64);
    assert!(error.contains("0.weight"), "{error}");
}

#[test]
fn inputs_that_do_not_fit() {
    let nodes = vec![(conv(1, [3, 4, 5, 5], 1, Padding::zeros(0)), vec![Source::Input])];
    let stack = portable(&nodes, DType::F64);
    let refused = |x: &Tensor, taps: &[usize]| stack.apply(x, taps).expect_err("refused").to_string();
    let error = refused(&tensor(7, &[1, 3, 4, 8]), &[0]);
    assert!(error.contains("a 4x8 map is too small for a 5x5 convolution"), "{error}");
    let error = refused(&tensor(7, &[1, 3, 8, 8]), &[1]);
    assert!(error.contains("there is no layer 1: there are 1 layers"), "{error}");
    let error = refused(&tensor(7, &[1, 3, 8, 8]).to_dtype(DType::F32).unwrap(), &[0]);
    assert!(error.contains("a stack of F64 needs an input of the same type, found F32"), "{error}");
}
