//! The gradients of objectives against finite differences, and the independence of the images of a batch.

use candle_core::{Device, Result, Tensor, Var};
use dreamwire_nets::adain::channel_statistics;
use dreamwire_nets::objective::{
    Norm, Reduction, anchor_distance, channel_energy, energy, gram, gram_distance, guide, l1_distance,
    l2_distance, statistics_distance, total_variation,
};
use dreamwire_nets::random::CounterRng;

/// Two images.
const SHAPE: [usize; 4] = [2, 3, 4, 5];
const WEIGHTS: [f64; 2] = [0.7, -1.3];

/// Numbers `(n + offset) / 8` in -1..1 with a whole n. Those of offset 0.5 stay 1/16 away from 0 and from all
/// of offset 0, so that no absolute value has its kink within reach of a finite difference.
fn numbers(seed: u64, shape: &[usize], offset: f64) -> Tensor {
    let rng = CounterRng::new(seed);
    let count: usize = shape.iter().product();
    let values: Vec<f64> = (0..count as u64).map(|n| (rng.integer(n, -8, 7) as f64 + offset) / 8.0).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

fn image(batch: &Tensor, index: usize) -> Tensor {
    batch.narrow(0, index, 1).unwrap()
}

/// Two layers of different sizes.
fn layers(x: &Tensor) -> Result<Vec<Tensor>> {
    Ok(vec![x.clone(), (x.narrow(2, 1, 2)? * 0.5)?])
}

fn grams(x: &Tensor) -> Result<Vec<Tensor>> {
    layers(x)?.iter().map(gram).collect()
}

fn statistics(x: &Tensor) -> Result<Vec<(Tensor, Tensor)>> {
    layers(x)?.iter().map(channel_statistics).collect()
}

/// [`guide`] with the three unit vectors, for features so close to them that a small step changes no choice.
fn guide_by_units(x: &Tensor) -> Result<Tensor> {
    let (_, channels, h, w) = x.dims4()?;
    let diagonals = |columns: usize, value: f64| {
        let at = |n: usize| if n / columns == n % columns % channels { value } else { 0.0 };
        Tensor::from_vec((0..channels * columns).map(at).collect(), (1, channels, 1, columns), x.device())
    };
    let (near, units) = (diagonals(h * w, 3.0)?.reshape((1, channels, h, w))?, diagonals(channels, 1.0)?);
    guide(&x.broadcast_add(&near)?, &units)
}

type Objective = Box<dyn Fn(&Tensor) -> Result<Tensor>>;

fn case(name: &str, objective: impl Fn(&Tensor) -> Result<Tensor> + 'static) -> (String, Objective) {
    (name.to_owned(), Box::new(objective))
}

/// All objectives as functions of `x`, `[B, 3, 4, 5]`. Targets are one image for the whole batch.
fn objectives() -> Vec<(String, Objective)> {
    let target = numbers(2, &[1, 3, 4, 5], 0.0);
    let features = layers(&target).unwrap();
    let mut cases = Vec::new();
    for norm in [Norm::L2, Norm::L1, Norm::Mean] {
        let energy = move |x: &Tensor| energy(&layers(x)?, &WEIGHTS, norm);
        cases.push(case(&format!("energy {norm:?}"), energy));
        let channels = move |x: &Tensor| channel_energy(x, &[(2, 1.5), (0, -0.5)], norm);
        cases.push(case(&format!("channels {norm:?}"), channels));
    }
    for reduction in [Reduction::Mean, Reduction::Sum] {
        let targets = features.clone();
        let l1 = move |x: &Tensor| l1_distance(&layers(x)?, &targets, &WEIGHTS, reduction);
        cases.push(case(&format!("l1 {reduction:?}"), l1));
        let targets = features.clone();
        let l2 = move |x: &Tensor| l2_distance(&layers(x)?, &targets, &WEIGHTS, reduction);
        cases.push(case(&format!("l2 {reduction:?}"), l2));
    }
    let targets = grams(&target).unwrap();
    cases.push(case("gram", move |x| gram_distance(&layers(x)?, &targets, &WEIGHTS)));
    let targets = statistics(&target).unwrap();
    cases.push(case("statistics", move |x| statistics_distance(&layers(x)?, &targets, &WEIGHTS)));
    cases.push(case("guide", guide_by_units));
    cases.push(case("total variation", total_variation));
    cases.push(case("anchor", move |x| anchor_distance(x, &target)));
    cases
}

/// Each image's value, and the gradient of their sum.
fn values_and_gradient(objective: &dyn Fn(&Tensor) -> Result<Tensor>, x: &Tensor) -> (Vec<f64>, Tensor) {
    let x = Var::from_tensor(x).unwrap();
    let values = objective(&x).unwrap();
    let gradients = values.sum_all().unwrap().backward().unwrap();
    (values.to_vec1().unwrap(), gradients.get(&x).unwrap().clone())
}

fn sum(x: &Tensor) -> f64 {
    x.sum_all().unwrap().to_scalar().unwrap()
}

#[test]
fn gradients_are_finite_differences() {
    const STEP: f64 = 1e-5;
    let x = numbers(1, &SHAPE, 0.5);
    for (name, objective) in objectives() {
        let (_, gradient) = values_and_gradient(objective.as_ref(), &x);
        for seed in 10..13 {
            let direction = numbers(seed, &SHAPE, 0.5);
            let value = |step: f64| {
                let moved = (&x + (&direction * step).unwrap()).unwrap();
                sum(&objective(&moved).unwrap())
            };
            let expected = (value(STEP) - value(-STEP)) / (2.0 * STEP);
            let products = (&gradient * &direction).unwrap();
            let (found, scale) = (sum(&products), sum(&products.abs().unwrap()));
            assert!(scale > 0.0, "{name}: no gradient");
            assert!((found - expected).abs() <= 1e-6 * scale, "{name}: {found} for {expected}");
        }
    }
}

/// Every image has the same value and gradient as alone.
#[test]
fn images_of_a_batch_are_independent() {
    let x = numbers(1, &SHAPE, 0.5);
    for (name, objective) in objectives() {
        let (values, gradients) = values_and_gradient(objective.as_ref(), &x);
        assert_eq!(values.len(), 2, "{name}");
        assert_ne!(values[0], values[1], "{name}");
        for (index, value) in values.iter().enumerate() {
            let (alone, gradient) = values_and_gradient(objective.as_ref(), &image(&x, index));
            assert!((alone[0] - value).abs() < 1e-12, "{name}, image {index}: {alone:?} for {value}");
            let error = (image(&gradients, index) - gradient).unwrap().abs().unwrap();
            assert!(sum(&error) < 1e-12, "{name}, image {index}: {error}");
        }
    }
}

/// A batch of targets is one target for each image.
#[test]
fn every_image_can_have_a_target_of_its_own() {
    let (x, targets) = (numbers(1, &SHAPE, 0.5), numbers(2, &SHAPE, 0.0));
    let check = |name: &str, objective: &dyn Fn(&Tensor, &Tensor) -> Result<Tensor>| {
        let values = |x: &Tensor, target: &Tensor| objective(x, target).unwrap().to_vec1::<f64>().unwrap();
        let alone = [0, 1].map(|index| values(&image(&x, index), &image(&targets, index))[0]);
        assert_ne!(alone[0], alone[1], "{name}");
        let together = values(&x, &targets);
        let near = together.iter().zip(alone).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(near && together.len() == 2, "{name}: {together:?} for {alone:?}");
    };
    check("l1", &|x, target| l1_distance(&layers(x)?, &layers(target)?, &WEIGHTS, Reduction::Mean));
    check("l2", &|x, target| l2_distance(&layers(x)?, &layers(target)?, &WEIGHTS, Reduction::Sum));
    check("gram", &|x, target| gram_distance(&layers(x)?, &grams(target)?, &WEIGHTS));
    check("statistics", &|x, target| statistics_distance(&layers(x)?, &statistics(target)?, &WEIGHTS));
    check("guide", &guide);
    check("anchor", &anchor_distance);
}
