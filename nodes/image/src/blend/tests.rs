use super::*;
use dreamwire_sdk::testing::{Ran, Value, run_node};

/// `[B,H,W,C]`.
type Dims = (usize, usize, usize, usize);

fn image(samples: &[f32], dims: Dims) -> Value {
    Value::Tensor(Tensor::from_slice(samples, dims, &Device::Cpu).expect("as many samples as the shape has"))
}

fn mask(samples: &[f32], dims: (usize, usize, usize)) -> Value {
    Value::Tensor(Tensor::from_slice(samples, dims, &Device::Cpu).expect("as many samples as the shape has"))
}

fn blend(params: &str, below: Value, above: Value, mask: Option<Value>) -> Result<Ran> {
    let mut inputs = vec![("image1", below), ("image2", above)];
    inputs.extend(mask.map(|mask| ("mask", mask)));
    run_node::<Blend>(params, &inputs, &[])
}

#[track_caller]
fn check(ran: Result<Ran>, dims: Dims, expected: &[f32]) {
    let ran = ran.expect("it blends");
    let image = ran.outputs[0].tensor();
    assert_eq!(image.dims4().expect("four"), dims);
    let found: Vec<f32> = image.flatten_all().and_then(|t| t.to_vec1()).expect("f32");
    assert_eq!(found.len(), expected.len());
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() < 1e-6, "sample {index}: {found} for {expected}");
    }
}

#[track_caller]
fn refused(ran: Result<Ran>, blamed: &str, said: &str) {
    let error = ran.err().expect("refused");
    assert_eq!(error.input(), blamed);
    assert!(error.to_string().contains(said), "{error}");
}

/// One sample `a` below, one `b` above, the whole effect.
#[track_caller]
fn check_mode(mode: &str, a: f32, b: f32, expected: f32) {
    let params = format!(r#"{{"mode": "{mode}", "factor": 1}}"#);
    let one = (1, 1, 1, 1);
    check(blend(&params, image(&[a], one), image(&[b], one), None), one, &[expected]);
}

#[test]
fn modes_by_hand() {
    check_mode("normal", 0.2, 0.8, 0.8);
    check_mode("multiply", 0.5, 0.4, 0.2);
    check_mode("screen", 0.5, 0.4, 0.7);
    check_mode("overlay", 0.25, 0.6, 0.3);
    check_mode("overlay", 0.75, 0.6, 0.8);
    check_mode("soft_light", 0.5, 0.25, 0.375);
    // D(0.25) = 0.5, D(0.64) = 0.8, D(0.1) = 0.296
    check_mode("soft_light", 0.25, 0.75, 0.375);
    check_mode("soft_light", 0.64, 1.0, 0.8);
    check_mode("soft_light", 0.1, 1.0, 0.296);
    check_mode("difference", 0.2, 0.7, 0.5);
    check_mode("difference", 0.7, 0.2, 0.5);
    check_mode("subtract", 0.7, 0.2, 0.5);
    check_mode("subtract", 0.2, 0.7, 0.0);
}

#[test]
fn black_and_white_are_the_ends_of_every_mode() {
    for mode in ["multiply", "overlay", "soft_light"] {
        check_mode(mode, 0.0, 0.7, 0.0);
    }
    for mode in ["screen", "overlay", "soft_light"] {
        check_mode(mode, 1.0, 0.7, 1.0);
    }
    for a in [0.1, 0.6] {
        check_mode("multiply", a, 1.0, a);
        check_mode("screen", a, 0.0, a);
        check_mode("soft_light", a, 0.5, a);
        check_mode("difference", a, 0.0, a);
    }
}

#[test]
fn the_factor_is_a_mix_and_the_result_is_clamped() {
    let dims = (1, 1, 1, 3);
    let pictures = || (image(&[0.2, 0.4, 1.5], dims), image(&[0.6, 0.0, 1.0], dims));
    let run = |params: &str| {
        let (below, above) = pictures();
        blend(params, below, above, None)
    };
    check(run("{}"), dims, &[0.4, 0.2, 1.0]);
    check(run(r#"{"factor": 0.25}"#), dims, &[0.3, 0.3, 1.0]);
    check(run(r#"{"factor": 0}"#), dims, &[0.2, 0.4, 1.0]);
    check(run(r#"{"factor": 1}"#), dims, &[0.6, 0.0, 1.0]);
}

#[test]
fn a_mask_says_where() {
    let dims = (1, 1, 4, 1);
    let run = |mask| blend(r#"{"factor": 1}"#, image(&[0.0; 4], dims), image(&[1.0; 4], dims), Some(mask));
    check(run(mask(&[0.0, 0.25, 0.5, 1.0], (1, 1, 4))), dims, &[0.0, 0.25, 0.5, 1.0]);
    // Two pixels stretched to four, each half a pixel from the middle of its neighbours.
    check(run(mask(&[0.0, 1.0], (1, 1, 2))), dims, &[0.0, 0.25, 0.75, 1.0]);
}

#[test]
fn a_mask_covers_all_channels_of_its_pixel() {
    let dims = (1, 1, 2, 3);
    let ran = blend(
        r#"{"factor": 1}"#,
        image(&[0.0; 6], dims),
        image(&[0.1, 0.2, 0.3, 0.4, 0.5, 0.6], dims),
        Some(mask(&[1.0, 0.5], (1, 1, 2))),
    );
    check(ran, dims, &[0.1, 0.2, 0.3, 0.2, 0.25, 0.3]);
}

#[test]
fn of_a_picture_of_another_ratio_the_middle_is_taken() {
    // Columns 0 and 3 do not fit a square.
    let above = image(&[0.9, 0.2, 0.2, 0.9, 0.9, 0.2, 0.2, 0.9], (1, 2, 4, 1));
    let ran = blend(r#"{"factor": 1}"#, image(&[0.0; 9], (1, 3, 3, 1)), above, None);
    let notes = ran.as_ref().map(|ran| ran.notes.join("\n")).unwrap_or_default();
    check(ran, (1, 3, 3, 1), &[0.2; 9]);
    assert!(notes.contains("`image2` is 4x2"), "{notes}");
    // The same upright, and the extremes.
    let above = image(&[0.9, 0.9, 0.2, 0.2, 0.2, 0.2, 0.9, 0.9], (1, 4, 2, 1));
    check(blend(r#"{"factor": 1}"#, image(&[0.0], (1, 1, 1, 1)), above, None), (1, 1, 1, 1), &[0.2]);
    let ran =
        blend(r#"{"factor": 1}"#, image(&[0.0; 99], (1, 1, 99, 1)), image(&[0.3; 99], (1, 99, 1, 1)), None);
    check(ran, (1, 1, 99, 1), &[0.3; 99]);
}

#[test]
fn one_image_goes_with_every_image_of_a_batch() {
    let (one, two) = ((1, 1, 1, 1), (2, 1, 1, 1));
    let factor = r#"{"mode": "multiply", "factor": 1}"#;
    check(blend(factor, image(&[0.5], one), image(&[0.2, 0.4], two), None), two, &[0.1, 0.2]);
    check(blend(factor, image(&[0.2, 0.4], two), image(&[0.5], one), None), two, &[0.1, 0.2]);
    check(blend(factor, image(&[0.2, 0.4], two), image(&[0.5, 1.0], two), None), two, &[0.1, 0.4]);
    let masks = mask(&[0.0, 1.0], (2, 1, 1));
    check(blend(factor, image(&[0.2, 0.4], two), image(&[0.5], one), Some(masks)), two, &[0.2, 0.2]);
}

#[test]
fn what_does_not_match_is_refused_with_both_numbers() {
    let of = |dims: Dims| image(&vec![0.5; dims.0 * dims.1 * dims.2 * dims.3], dims);
    let run = |below, above| blend("{}", of(below), of(above), None);
    refused(
        run((1, 2, 2, 3), (1, 2, 2, 4)),
        "image2",
        "`image2` must have 3 channels, like `image1`, found 4",
    );
    refused(run((2, 2, 2, 3), (3, 2, 2, 3)), "image2", "`image2` has 3 images, but `image1` has 2");
    let masked = blend("{}", of((2, 1, 1, 3)), of((1, 1, 1, 3)), Some(mask(&[0.0; 3], (3, 1, 1))));
    refused(masked, "mask", "`mask` has 3 masks, but there are 2 images");
}
