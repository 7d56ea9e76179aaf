use super::*;
use crate::colour::statistics::Statistics;
use dreamwire_nets::random::CounterRng;
use dreamwire_sdk::testing::{Ran, Value, run_node};

/// `[B,H,W,C]`.
type Dims = (usize, usize, usize, usize);

const MODES: [&str; 4] = ["mean_std", "mean_std_lab", "covariance", "histogram"];

fn image(samples: &[f32], dims: Dims) -> Value {
    Value::Tensor(Tensor::from_slice(samples, dims, &Device::Cpu).expect("as many samples as the shape has"))
}

fn matched(params: &str, given: (&[f32], Dims), reference: (&[f32], Dims)) -> Result<Ran> {
    let inputs = [("image", image(given.0, given.1)), ("reference", image(reference.0, reference.1))];
    run_node::<ColorMatch>(params, &inputs, &[])
}

fn read(ran: Result<Ran>, dims: Dims) -> Vec<f32> {
    let ran = ran.expect("it matches");
    let image = ran.outputs[0].tensor();
    assert_eq!(image.dims4().expect("four"), dims);
    image.flatten_all().and_then(|t| t.to_vec1()).expect("f32")
}

#[track_caller]
fn close(found: &[f32], expected: &[f32], within: f32) {
    assert_eq!(found.len(), expected.len());
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() < within, "sample {index}: {found} for {expected}");
    }
}

fn mode(mode: &str) -> String {
    format!(r#"{{"mode": "{mode}"}}"#)
}

/// Correlated colours around a middle, 30 x 30 x 3, far from black and white.
fn colours(seed: u64, middle: [f64; 3], spread: f64) -> Vec<f32> {
    let rng = CounterRng::mixed(seed);
    let pixel = |i: u64| {
        let [a, b, c] = [0, 1, 2].map(|k| rng.uniform(3 * i + k) - 0.5);
        [a, 0.6 * a + 0.5 * b, 0.3 * b - 0.7 * c]
    };
    (0..900)
        .flat_map(|i| std::array::from_fn::<f32, 3, _>(|k| (middle[k] + spread * pixel(i)[k]) as f32))
        .collect()
}

const MANY: Dims = (1, 30, 30, 3);

#[test]
fn mean_and_deviation_by_hand() {
    // Mean 0.3, deviation 0.1; those of the reference are 0.6 and 0.2.
    let (given, reference) = ([0.2, 0.4], [0.4, 0.8, 0.8, 0.4]);
    let ran = matched("{}", (&given, (1, 1, 2, 1)), (&reference, (1, 2, 2, 1)));
    close(&read(ran, (1, 1, 2, 1)), &[0.4, 0.8], 1e-6);
    let half = matched(r#"{"strength": 0.5}"#, (&given, (1, 1, 2, 1)), (&reference, (1, 2, 2, 1)));
    close(&read(half, (1, 1, 2, 1)), &[0.3, 0.6], 1e-6);
}

#[test]
fn channels_are_matched_apart() {
    let given = [0.2, 0.5, 0.1, 0.4, 0.5, 0.3];
    let reference = [0.5, 0.1, 0.9, 0.7, 0.3, 0.9];
    let ran = matched("{}", (&given, (1, 1, 2, 3)), (&reference, (1, 1, 2, 3)));
    // Green is flat and moves to 0.2; blue becomes flat.
    close(&read(ran, (1, 1, 2, 3)), &[0.5, 0.2, 0.9, 0.7, 0.2, 0.9], 1e-6);
}

#[test]
fn the_statistics_of_the_reference_are_reached() {
    let (given, wanted) = (colours(1, [0.4, 0.5, 0.6], 0.3), colours(2, [0.6, 0.45, 0.5], 0.2));
    let of = |samples: &[f32]| Statistics::of(samples, 3, |colour| colour.map(f64::from)).expect("visible");
    let goal = of(&wanted);
    for name in ["mean_std", "covariance", "histogram"] {
        let found = of(&read(matched(&mode(name), (&given, MANY), (&wanted, MANY)), MANY));
        for i in 0..3 {
            assert!((found.mean[i] - goal.mean[i]).abs() < 1e-5, "{name}: {found:?} for {goal:?}");
            assert!(
                (found.deviation()[i] - goal.deviation()[i]).abs() < 1e-4,
                "{name}: {found:?} for {goal:?}"
            );
            for j in 0..3 {
                let error = (found.covariance[i][j] - goal.covariance[i][j]).abs();
                assert!(name != "covariance" || error < 1e-6, "{found:?} for {goal:?}");
            }
        }
    }
    let space = crate::colour::opponent::Opponent::new();
    let of = |samples: &[f32]| Statistics::of(samples, 3, |colour| space.of(colour)).expect("visible");
    let (found, goal) =
        (of(&read(matched(&mode("mean_std_lab"), (&given, MANY), (&wanted, MANY)), MANY)), of(&wanted));
    for i in 0..3 {
        assert!((found.mean[i] - goal.mean[i]).abs() < 1e-3, "{found:?} for {goal:?}");
        assert!((found.deviation()[i] - goal.deviation()[i]).abs() < 1e-3, "{found:?} for {goal:?}");
    }
}

#[test]
fn a_histogram_is_taken_value_by_value() {
    let given = [0.1, 0.3, 0.2, 0.4];
    let reference = [0.9, 0.0, 0.5, 0.2];
    let ran = matched(&mode("histogram"), (&given, (1, 2, 2, 1)), (&reference, (1, 1, 4, 1)));
    close(&read(ran, (1, 2, 2, 1)), &[0.0, 0.5, 0.2, 0.9], 1e-6);
    // Repeated, and mirrored: the same distribution.
    let (many, wanted) = (given.repeat(50), reference.repeat(3));
    let ran = matched(&mode("histogram"), (&many, (1, 10, 20, 1)), (&wanted, (1, 3, 4, 1)));
    close(&read(ran, (1, 10, 20, 1)), &[0.0, 0.5, 0.2, 0.9].repeat(50), 1e-6);
}

#[test]
fn a_picture_matched_to_itself_stays() {
    let given = colours(3, [0.4, 0.5, 0.6], 0.3);
    for name in MODES {
        close(&read(matched(&mode(name), (&given, MANY), (&given, MANY)), MANY), &given, 1e-4);
    }
}

#[test]
fn without_strength_the_picture_stays_byte_for_byte() {
    let given = colours(4, [0.4, 0.5, 0.6], 0.3);
    for name in MODES {
        let params = format!(r#"{{"mode": "{name}", "strength": 0}}"#);
        let ran = matched(&params, (&given, MANY), (&[0.9, 0.1, 0.3], (1, 1, 1, 3)));
        assert_eq!(read(ran, MANY), given, "{name}");
    }
}

#[test]
fn one_pixel_takes_the_mean() {
    for name in MODES {
        let ran = matched(&mode(name), (&[0.2, 0.3, 0.4], (1, 1, 1, 3)), (&[0.7, 0.5, 0.1], (1, 1, 1, 3)));
        close(&read(ran, (1, 1, 1, 3)), &[0.7, 0.5, 0.1], 1e-4);
    }
}

#[test]
fn grey_takes_the_colours_of_a_colour_picture_and_back() {
    let reference = [0.6, 0.2, 0.1, 0.8, 0.6, 0.3];
    for name in ["mean_std", "histogram"] {
        let ran = matched(&mode(name), (&[0.2, 0.4], (1, 1, 2, 1)), (&reference, (1, 1, 2, 3)));
        close(&read(ran, (1, 1, 2, 3)), &reference, 1e-5);
    }
    // Grey varies in one direction only: it takes the mean, 0.7 0.4 0.2, and what the reference varies along grey, on
    // average of 0.1, 0.2 and 0.1.
    let ran = matched(&mode("covariance"), (&[0.2, 0.4], (1, 1, 2, 1)), (&reference, (1, 1, 2, 3)));
    let third = 0.4 / 3.0;
    let expected = [0.7 - third, 0.4 - third, 0.2 - third, 0.7 + third, 0.4 + third, 0.2 + third];
    close(&read(ran, (1, 1, 2, 3)), &expected, 1e-5);
    for name in ["mean_std", "histogram"] {
        let ran = matched(&mode(name), (&reference, (1, 1, 2, 3)), (&[0.2, 0.4], (1, 1, 2, 1)));
        close(&read(ran, (1, 1, 2, 3)), &[0.2, 0.2, 0.2, 0.4, 0.4, 0.4], 1e-5);
    }
    for name in MODES {
        let ran = matched(&mode(name), (&[0.2, 0.4], (1, 1, 2, 1)), (&[0.5, 0.7], (1, 1, 2, 1)));
        close(&read(ran, (1, 1, 2, 1)), &[0.5, 0.7], 2e-2);
    }
}

#[test]
fn what_cannot_be_seen_does_not_count_and_alpha_stays() {
    let given = [0.2, 0.2, 0.2, 0.5, 0.4, 0.4, 0.4, 0.5, 1.0, 0.0, 1.0, 0.0];
    let reference = [0.4, 0.4, 0.4, 1.0, 0.8, 0.8, 0.8, 1.0, 0.0, 1.0, 0.0, 0.0];
    for name in ["mean_std", "histogram", "covariance"] {
        let found =
            read(matched(&mode(name), (&given, (1, 1, 3, 4)), (&reference, (1, 1, 3, 4))), (1, 1, 3, 4));
        close(&found[..8], &[0.4, 0.4, 0.4, 0.5, 0.8, 0.8, 0.8, 0.5], 1e-5);
        assert_eq!(found[11], 0.0);
    }
    let hidden = [0.3, 0.4, 0.5, 0.0];
    for name in MODES {
        let ran = matched(&mode(name), (&hidden, (1, 1, 1, 4)), (&reference, (1, 1, 3, 4)));
        close(&read(ran, (1, 1, 1, 4)), &hidden, 1e-6);
        let error = matched(&mode(name), (&given, (1, 1, 3, 4)), (&hidden, (1, 1, 1, 4))).err().expect(name);
        assert_eq!(error.input(), "reference");
        assert!(error.to_string().contains("transparent all over"), "{error}");
    }
}

#[test]
fn images_of_two_batches_are_paired() {
    let (one, two) = ((1, 1, 1, 1), (2, 1, 1, 1));
    close(&read(matched("{}", (&[0.1, 0.2], two), (&[0.6, 0.7], two)), two), &[0.6, 0.7], 1e-6);
    close(&read(matched("{}", (&[0.1, 0.2], two), (&[0.6], one)), two), &[0.6, 0.6], 1e-6);
    close(&read(matched("{}", (&[0.1], one), (&[0.6, 0.7], two)), two), &[0.6, 0.7], 1e-6);
    let error = matched("{}", (&[0.1, 0.2], two), (&[0.5; 3], (3, 1, 1, 1))).err().expect("refused");
    assert_eq!(error.input(), "reference");
    assert!(error.to_string().contains("`reference` has 3 images, but `image` has 2"), "{error}");
}
