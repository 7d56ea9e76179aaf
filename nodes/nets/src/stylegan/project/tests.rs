use candle_core::Device;

use super::*;
use crate::random::CounterRng;

fn noise(seed: u64, shape: &[usize]) -> Tensor {
    let count: usize = shape.iter().product();
    let values: Vec<f32> = (0..count as u64).map(|i| CounterRng::mixed(seed).normal(i) as f32).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// Rates of 0.1 in all steps, and random moves that are half of the spread.
const EVEN: Schedule =
    Schedule { steps: 4, rate: 0.1, rampup: 0.0, rampdown: 0.0, noise: 0.5, noise_ramp: 1e9 };

fn values(x: &Tensor) -> Vec<f32> {
    x.flatten_all().unwrap().to_vec1().unwrap()
}

#[track_caller]
fn check(found: &Tensor, expected: &[f32]) {
    let found = values(found);
    assert_eq!(found.len(), expected.len());
    assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{found:?}, not {expected:?}");
}

fn start() -> Tensor {
    Tensor::new(&[[[1f32, 2.0], [3.0, 4.0]]], &Device::Cpu).unwrap()
}

/// The first step of Adam is the sign of the gradient: in W that of the sum over layers.
#[test]
fn layers_move_alike_in_w() {
    let gradient = Tensor::new(&[[[5f32, 1.0], [-1.0, -3.0]]], &Device::Cpu).unwrap();
    let step = |space| {
        let mut projector = Projector::new(EVEN, space, start(), 1.0, Vec::new(), 0.0);
        assert_eq!(projector.advance(&gradient, &[]).unwrap(), 0.0);
        projector.latent().clone()
    };
    check(&step(Space::W), &[0.9, 2.1, 2.9, 4.1]);
    check(&step(Space::WPlus), &[0.9, 1.9, 3.1, 4.1]);
}

#[test]
fn random_moves_are_relative_to_the_spread() {
    let projector = Projector::new(EVEN, Space::W, start(), 4.0, Vec::new(), 0.0);
    let draws = Tensor::new(&[[[1f32, -0.5]]], &Device::Cpu).unwrap();
    check(&projector.perturbed(&draws).unwrap(), &[3.0, 1.0, 5.0, 3.0]);
    // The latent itself stays.
    check(projector.latent(), &[1.0, 2.0, 3.0, 4.0]);
    assert!(projector.perturbed(&Tensor::new(&[[[1f32; 3]]], &Device::Cpu).unwrap()).is_err());
}

/// A step of the rate 0 leaves planes as they are, but for their mean and size.
#[test]
fn planes_are_normalised() {
    let still = Schedule { rate: 0.0, ..EVEN };
    let planes = vec![noise(1, &[2, 1, 4, 4]), noise(2, &[2, 1, 16, 16])];
    let expected: Vec<Tensor> = planes.iter().map(|plane| normalised(plane).unwrap()).collect();
    let mut projector = Projector::new(still, Space::W, start(), 1.0, planes.clone(), 1e5);
    let penalty = projector.advance(&start(), &[None, Some(planes[1].clone())]).unwrap();
    let expected_penalty: f64 =
        planes.iter().flat_map(|plane| noise_penalty(plane).unwrap().0).sum::<f64>() / 2.0;
    assert!((penalty - expected_penalty).abs() < 1e-12 && penalty > 0.0);
    for (plane, expected) in projector.planes().iter().zip(&expected) {
        check(plane, &values(expected));
        let flat = plane.flatten_from(1).unwrap();
        check(&flat.mean(1).unwrap(), &[0.0, 0.0]);
        check(&flat.sqr().unwrap().mean(1).unwrap(), &[1.0, 1.0]);
    }
    assert!(projector.advance(&start(), &[None]).is_err());
}

/// Without a distance, the search only removes structure from planes that have much of it.
#[test]
fn structure_leaves_the_planes() {
    let smooth: Vec<f32> = (0..256).map(|i| (i / 16) as f32 / 8.0 - 1.0).collect();
    let smooth = (Tensor::from_vec(smooth, (1, 1, 16, 16), &Device::Cpu).unwrap()
        + noise(3, &[1, 1, 16, 16]))
    .unwrap();
    let mut projector = Projector::new(EVEN, Space::W, start(), 1.0, vec![normalised(&smooth).unwrap()], 1.0);
    let still = start().zeros_like().unwrap();
    let penalties: Vec<f64> = (0..10).map(|_| projector.advance(&still, &[None]).unwrap()).collect();
    assert!(penalties[9] < 0.2 * penalties[0], "{penalties:?}");
    check(projector.latent(), &[1.0, 2.0, 3.0, 4.0]);
}
