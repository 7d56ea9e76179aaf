use super::*;
use dreamwire_sdk::testing::{Value, run_node};

/// `[B,H,W,C]`.
type Dims = (usize, usize, usize, usize);

fn adjust(params: &str, samples: &[f32], dims: Dims) -> Vec<f32> {
    let image = Tensor::from_slice(samples, dims, &Device::Cpu).expect("as many samples as the shape has");
    let ran = run_node::<Adjust>(params, &[("image", Value::Tensor(image))], &[]).expect(params);
    let image = ran.outputs[0].tensor();
    assert_eq!(image.dims4().expect("four"), dims);
    image.flatten_all().and_then(|t| t.to_vec1()).expect("f32")
}

#[track_caller]
fn check(params: &str, samples: &[f32], dims: Dims, expected: &[f32]) {
    let found = adjust(params, samples, dims);
    assert_eq!(found.len(), expected.len());
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() < 1e-5, "{params}, sample {index}: {found} for {expected}");
    }
}

/// One pixel.
#[track_caller]
fn check_pixel(params: &str, pixel: &[f32], expected: &[f32]) {
    check(params, pixel, (1, 1, 1, pixel.len()), expected);
}

#[test]
fn neutral_is_the_input_byte_for_byte() {
    let samples = [0.1, -0.5, 1.5, 0.7];
    for params in ["{}", r#"{"pivot": 0.2, "clip": 10, "gamma": 1.0, "hue": 0}"#] {
        assert_eq!(adjust(params, &samples, (1, 1, 1, 4)), samples);
        assert_eq!(adjust(params, &samples, (4, 1, 1, 1)), samples);
    }
}

#[test]
fn exposure_is_a_factor_of_the_light() {
    // 0.5 is 0.214041 of the light; twice that is 0.6858 of the signal.
    let twice = from_linear(0.428_082_3);
    assert!((twice - 0.685_8).abs() < 1e-3);
    check_pixel(r#"{"exposure": 1}"#, &[0.5], &[twice]);
    check_pixel(r#"{"exposure": -1}"#, &[0.5], &[from_linear(0.107_020_6)]);
    check_pixel(r#"{"exposure": 10}"#, &[0.5, 0.0, 0.9], &[1.0, 0.0, 1.0]);
}

#[test]
fn contrast_turns_about_the_pivot() {
    check_pixel(r#"{"contrast": 2}"#, &[0.4, 0.5, 0.9], &[0.3, 0.5, 1.0]);
    check_pixel(r#"{"contrast": 0.5, "pivot": 0.2}"#, &[0.4, 0.2, 0.0], &[0.3, 0.2, 0.1]);
    check_pixel(r#"{"contrast": 0}"#, &[0.4, 0.2, 0.0], &[0.5; 3]);
}

#[test]
fn gamma_keeps_black_and_white() {
    check_pixel(r#"{"gamma": 2}"#, &[0.0, 0.25, 1.0], &[0.0, 0.5, 1.0]);
    check_pixel(r#"{"gamma": 0.5}"#, &[0.0, 0.5, 1.0], &[0.0, 0.25, 1.0]);
    check_pixel(r#"{"gamma": 2}"#, &[-0.5], &[0.0]);
}

#[test]
fn without_saturation_is_luma() {
    // 0.213 * 1 + 0.715 * 0.5 + 0.072 * 0
    check_pixel(r#"{"saturation": 0}"#, &[1.0, 0.5, 0.0], &[0.570_5; 3]);
    // 0.5 + 2 (v - 0.5), where the luma is 0.5.
    check_pixel(r#"{"saturation": 2}"#, &[0.5, 0.5, 0.5], &[0.5; 3]);
    check_pixel(r#"{"saturation": 1.5}"#, &[0.6, 0.4, 0.4], &[0.678_7, 0.378_7, 0.378_7]);
}

#[test]
fn a_turn_of_the_hue_keeps_grey_and_luma_and_comes_round() {
    check_pixel(r#"{"hue": 77}"#, &[0.3, 0.3, 0.3], &[0.3; 3]);
    check_pixel(r#"{"hue": 360}"#, &[0.3, 0.5, 0.4], &[0.3, 0.5, 0.4]);
    let luma = |c: &[f32]| 0.213 * c[0] + 0.715 * c[1] + 0.072 * c[2];
    let colour = [0.5, 0.4, 0.45];
    for angle in [-90, 30, 120, 200] {
        let turned = adjust(&format!(r#"{{"hue": {angle}}}"#), &colour, (1, 1, 1, 3));
        // The published matrix keeps it up to its three decimals.
        assert!((luma(&turned) - luma(&colour)).abs() < 1e-3, "{angle}: {turned:?}");
        assert!(turned.iter().zip(colour).any(|(a, b)| (a - b).abs() > 0.01), "{angle}: {turned:?}");
    }
    // A dark red, by hand: cos -1/2 and sin 0.866025, on 0.4 of red only.
    let (cos, sin) = (-0.5, 0.866_025_4);
    let expected = [0.213 + cos * 0.787 - sin * 0.213, 0.213 - cos * 0.213 + sin * 0.143];
    check_pixel(r#"{"hue": 120}"#, &[0.4, 0.0, 0.0], &[0.0, 0.4 * expected[1], 0.0]);
    assert!(expected[0] < 0.0 && expected[1] > 0.4, "red has become green");
}

#[test]
fn grey_has_no_hue_and_alpha_is_no_colour() {
    check_pixel(r#"{"saturation": 0, "hue": 50}"#, &[0.3], &[0.3]);
    check_pixel(
        r#"{"contrast": 2, "exposure": 0, "gamma": 2}"#,
        &[0.57, 0.57, 0.57, 0.3],
        &[0.8, 0.8, 0.8, 0.3],
    );
}

#[test]
fn the_order_is_the_documented_one() {
    // Contrast first: 0.5 + 2 (0.6 - 0.5) = 0.7; then the square root.
    check_pixel(r#"{"contrast": 2, "gamma": 2}"#, &[0.6], &[0.7f32.sqrt()]);
    // What exposure lifts above white comes back by contrast: not clamped between.
    let lifted = from_linear(to_linear(0.9) * 2.0);
    check_pixel(r#"{"exposure": 1, "contrast": 0.5}"#, &[0.9], &[0.5 + 0.5 * (lifted - 0.5)]);
}

#[test]
fn auto_contrast_stretches_each_picture() {
    let full = r#"{"auto_contrast": true, "clip": 0}"#;
    check(full, &[0.2, 0.4, 0.6, 0.5, 0.5, 0.75], (2, 1, 3, 1), &[0.0, 0.5, 1.0, 0.0, 0.0, 1.0]);
    // All channels alike: the hue stays.
    check(full, &[0.2, 0.3, 0.4, 0.3, 0.3, 0.6], (1, 1, 2, 3), &[0.0, 0.25, 0.5, 0.25, 0.25, 1.0]);
    // Of eleven samples, 10 % at each end is one.
    let ramp: Vec<f32> = (0..11).map(|i| i as f32 / 10.0).collect();
    let expected: Vec<f32> = ramp.iter().map(|v| ((v - 0.1) / 0.8).clamp(0.0, 1.0)).collect();
    check(r#"{"auto_contrast": true, "clip": 10}"#, &ramp, (1, 1, 11, 1), &expected);
}

#[test]
fn auto_contrast_sees_what_is_visible_and_leaves_flat_pictures() {
    let full = r#"{"auto_contrast": true, "clip": 0}"#;
    let samples = [0.2, 0.2, 0.2, 1.0, 0.6, 0.6, 0.6, 0.5, 0.0, 1.0, 0.0, 0.0];
    let expected = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.0, 1.0, 0.0, 0.0];
    check(full, &samples, (1, 1, 3, 4), &expected);
    check(full, &[0.3; 6], (1, 1, 2, 3), &[0.3; 6]);
    check(full, &[0.3, 0.3, 0.9, 0.0], (1, 1, 1, 4), &[0.3, 0.3, 0.9, 0.0]);
    check(r#"{"auto_contrast": true, "clip": 49}"#, &[0.3], (1, 1, 1, 1), &[0.3]);
}
