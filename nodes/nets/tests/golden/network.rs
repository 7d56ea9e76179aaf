//! Tests that apply to every extractor.

use std::collections::HashMap;

use candle_core::{DType, Tensor, Var};
use dreamwire_nets::extractor::{Extractor, Layer, Reach};

use crate::portable;
use crate::reference::{Reference, device, sample};
use crate::tolerance::Tolerance;

/// Portable weights in f64.
pub(crate) fn double(shapes: &[(String, Vec<usize>)]) -> HashMap<String, Tensor> {
    let tensors = portable::tensors(shapes).into_iter();
    tensors.map(|(name, tensor)| (name, tensor.to_dtype(DType::F64).unwrap())).collect()
}

/// The layers of these names.
#[track_caller]
pub(crate) fn layers(network: &Extractor, names: &[&str]) -> Vec<Layer> {
    names.iter().map(|name| network.layer(name).expect(name).clone()).collect()
}

/// Every layer of the reference, and its gradients of `sum weight * mean(layer^2)`, all from the normalised
/// picture: in f32, as networks are used, and with the same weights in f64, where rounding crosses no kink.
#[track_caller]
pub(crate) fn check_network(reference: &str, network: &Extractor, double: &Extractor) {
    let reference = Reference::read(reference);
    check_activations(&reference, network);
    check_gradients(&reference, network, DType::F32, Tolerance::GradientKinks);
    check_gradients(&reference, double, DType::F64, Tolerance::Close);
}

#[track_caller]
fn check_activations(reference: &Reference, network: &Extractor) {
    // A layer without a stride is no map.
    let facts = reference.facts["layers"].as_object().unwrap();
    let names: Vec<&str> =
        facts.iter().filter(|(_, facts)| facts["stride"].is_u64()).map(|(name, _)| name.as_str()).collect();
    assert!(names.len() > 10, "the reference knows {names:?} only");
    let layers = layers(network, &names);
    let features = network.apply(reference.tensor("input"), &layers).unwrap();
    for (layer, found) in layers.iter().zip(&features) {
        let facts = &facts[layer.name()];
        let shape: Vec<usize> = serde_json::from_value(facts["shape"].clone()).unwrap();
        assert_eq!(found.dims(), shape, "{layer}");
        assert_eq!(layer.channels(), shape[1], "{layer}");
        let stride = facts["stride"].as_u64().unwrap() as usize;
        let expected = reference.tensor(&format!("sample.{layer}"));
        Tolerance::Close.check(layer.name(), &sample(found, stride, expected.dims()[0]), expected);
        let sum = found.abs().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap();
        let expected = facts["abs_sum"].as_f64().unwrap();
        assert!((f64::from(sum) - expected).abs() < 1e-4 * expected, "sum of {layer}: {sum}");
    }
}

#[track_caller]
fn check_gradients(reference: &Reference, network: &Extractor, dtype: DType, tolerance: Tolerance) {
    let targets = reference.facts["targets"].as_object().unwrap();
    assert_eq!(targets.len(), 2);
    for (name, target) in targets {
        let target: Vec<(String, f64)> = serde_json::from_value(target.clone()).unwrap();
        let names: Vec<&str> = target.iter().map(|(layer, _)| layer.as_str()).collect();
        let x = Var::from_tensor(&reference.tensor("input").to_dtype(dtype).unwrap()).unwrap();
        let features = network.apply(&x, &layers(network, &names)).unwrap();
        let mut loss = Tensor::zeros((), x.dtype(), x.device()).unwrap();
        for (feature, (_, weight)) in features.iter().zip(&target) {
            loss = (loss + (feature.sqr().unwrap().mean_all().unwrap() * *weight).unwrap()).unwrap();
        }
        let loss_shape = loss.reshape(1).unwrap();
        Tolerance::Close.check(name, &loss_shape, reference.tensor(&format!("loss.{name}")));
        let gradients = loss.backward().unwrap();
        let expected = reference.tensor(&format!("grad.{name}"));
        tolerance.check(name, gradients.get(&x).unwrap(), expected);
    }
}

/// The gradient with respect to the picture of a random weighting of `names`, of a network in f64, against
/// central differences along random directions.
#[track_caller]
pub(crate) fn check_differences(network: &Extractor, [height, width]: [usize; 2], names: &[&str]) {
    // Kinks of rectifiers and pools within a step are rare, and rounding is still 1e-9 of the difference.
    const STEP: f64 = 1e-7;
    let layers = layers(network, names);
    let noise = |name: &str, shape: &[usize]| portable::noise(name, shape).to_dtype(DType::F64).unwrap();
    let value = |image: &Tensor| {
        let mut sum = Tensor::zeros((), DType::F64, &device()).unwrap();
        for (layer, map) in layers.iter().zip(network.features(image, &layers).unwrap()) {
            let weighted = (&map * noise(layer.name(), map.dims())).unwrap();
            sum = (sum + weighted.sum_all().unwrap()).unwrap();
        }
        sum
    };
    let shape = [1, height, width, 3];
    let image = Var::from_tensor(&noise("picture", &shape).affine(0.5, 0.5).unwrap()).unwrap();
    let gradients = value(&image).backward().unwrap();
    let gradient = gradients.get(&image).unwrap();
    let length = gradient.sqr().unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap().sqrt();
    assert!(length > 0.0);
    for number in 0..3 {
        let direction = noise(&format!("direction {number}"), &shape);
        let moved = |step: f64| {
            let image = (image.as_detached_tensor() + (&direction * step).unwrap()).unwrap();
            value(&image).to_scalar::<f64>().unwrap()
        };
        let expected = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
        let found = (gradient * &direction).unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap();
        let error = (found - expected).abs();
        assert!(error < 1e-6 * length, "{names:?}: {found} for {expected}, length {length}");
    }
}

/// A position in the middle of a layer, of a network in f64: the furthest pixel with a gradient is as far as
/// the reach says.
#[track_caller]
pub(crate) fn check_reach(network: &Extractor, name: &str, stride: usize, radius: usize) {
    let layer = layers(network, &[name]);
    assert_eq!(network.reach(&layer), Some(Reach { stride, radius }), "{name}");
    let size = (2 * radius).next_multiple_of(stride) + 4 * stride;
    let position = size / stride / 2;
    let middle = position * stride + stride / 2;
    assert!(middle >= radius && middle + radius < size, "{name}: a picture of {size} pixels is too small");

    let noise = |name: &str, shape: &[usize]| portable::noise(name, shape).to_dtype(DType::F64).unwrap();
    let image = noise("picture", &[1, size, size, 3]).affine(0.5, 0.5).unwrap();
    let image = Var::from_tensor(&image).unwrap();
    let map = network.features(&image, &layer).unwrap().swap_remove(0);
    let cell = map.narrow(2, position, 1).unwrap().narrow(3, position, 1).unwrap();
    let weighted = (&cell * noise(name, cell.dims())).unwrap();
    let gradients = weighted.sum_all().unwrap().backward().unwrap();
    let gradient = gradients.get(&image).unwrap().abs().unwrap().sum(3).unwrap();
    let gradient = gradient.squeeze(0).unwrap().to_vec2::<f64>().unwrap();

    // Convolutions in another domain leave rounding errors around their outputs.
    let largest = gradient.iter().flatten().fold(0.0, |largest: f64, value| largest.max(*value));
    let mut furthest: usize = 0;
    for (y, row) in gradient.iter().enumerate() {
        for (x, value) in row.iter().enumerate() {
            if *value > 1e-10 * largest {
                furthest = furthest.max(y.abs_diff(middle)).max(x.abs_diff(middle));
            }
        }
    }
    assert_eq!(furthest, radius, "{name}");
}
