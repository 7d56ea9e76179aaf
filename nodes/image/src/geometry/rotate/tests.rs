use super::super::{image, output};
use super::*;
use dreamwire_sdk::testing::run_node;

/// Turns one picture `[1,H,W,C]`; picture and mask with their shapes.
#[track_caller]
fn rotate(params: &str, samples: &[f32], (h, w, c): (usize, usize, usize)) -> [(Vec<usize>, Vec<f32>); 2] {
    let ran = run_node::<Rotate>(params, &[("image", image(samples, (1, h, w, c)))], &[]).expect(params);
    [output(&ran, 0), output(&ran, 1)]
}

#[test]
fn quarter_turns_move_pixels() {
    // a b c
    // d e f
    let old = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6];
    for (degrees, dims, expected) in [
        (0, [1, 2, 3, 1], old),
        (90, [1, 3, 2, 1], [0.4, 0.1, 0.5, 0.2, 0.6, 0.3]),
        (180, [1, 2, 3, 1], [0.6, 0.5, 0.4, 0.3, 0.2, 0.1]),
        (270, [1, 3, 2, 1], [0.3, 0.6, 0.2, 0.5, 0.1, 0.4]),
        (-90, [1, 3, 2, 1], [0.3, 0.6, 0.2, 0.5, 0.1, 0.4]),
        (360, [1, 2, 3, 1], old),
    ] {
        let [(found_dims, found), (_, mask)] =
            rotate(&format!(r#"{{"degrees": {degrees}}}"#), &old, (2, 3, 1));
        assert_eq!(
            (found_dims.as_slice(), found.as_slice()),
            (dims.as_slice(), expected.as_slice()),
            "{degrees}"
        );
        assert_eq!(mask, [0.0; 6], "{degrees}");
    }
}

#[test]
fn without_expand_the_canvas_stays() {
    // 1 x 3 becomes upright, and its middle is seen.
    let params = r##"{"expand": false, "colour": "#ffffff"}"##;
    let [(dims, found), (_, mask)] = rotate(params, &[0.1, 0.2, 0.3], (1, 3, 1));
    assert_eq!((dims, found), (vec![1, 1, 3, 1], vec![1.0, 0.2, 1.0]));
    assert_eq!(mask, [1.0, 0.0, 1.0]);
}

#[test]
fn the_box_around_a_turned_picture() {
    // 4 cos 45 + 2 sin 45 = 4.24.
    assert_eq!(expanded((4, 2), 45.0), (5, 5));
    // 10 cos 30 + 4 sin 30 = 10.66; 10 sin 30 + 4 cos 30 = 8.46.
    assert_eq!(expanded((10, 4), -30.0), (11, 9));
    assert_eq!(expanded((10, 4), 90.0), (4, 10));
    assert_eq!(expanded((1, 1), 359.0), (2, 2));
}

/// A picture that is a plane `a + b x + c y` about its centre turns into the plane turned, and both methods reproduce
/// planes.
#[test]
fn a_turned_ramp_is_the_ramp_turned() {
    let side = 21_usize;
    let middle = 10.0_f32;
    let ramp: Vec<f32> = (0..side * side).map(|n| 0.5 + 0.02 * ((n % side) as f32 - middle)).collect();
    for method in ["bilinear", "bicubic"] {
        let params = format!(r#"{{"degrees": 30, "expand": false, "method": "{method}"}}"#);
        let [(_, found), _] = rotate(&params, &ramp, (side, side, 1));
        let (sin, cos) = 30_f32.to_radians().sin_cos();
        for y in 5..16 {
            for x in 5..16 {
                // Clockwise, with rows downwards: what was to the right of the centre is now below it.
                let expected = 0.5 + 0.02 * ((x as f32 - middle) * cos + (y as f32 - middle) * sin);
                let sample = found[y * side + x];
                assert!((sample - expected).abs() < 1e-5, "{method} at {x}, {y}: {sample} for {expected}");
            }
        }
    }
}

#[test]
fn the_mask_is_one_beside_the_picture_and_zero_in_it() {
    let [(dims, found), (_, mask)] =
        rotate(r##"{"degrees": 45, "colour": "#ff0000"}"##, &[0.2; 30 * 30 * 3], (30, 30, 3));
    assert_eq!(dims, [1, 43, 43, 3]);
    let at = |x: usize, y: usize| (&found[(y * 43 + x) * 3..][..3], mask[y * 43 + x]);
    assert_eq!(at(0, 0), ([1.0, 0.0, 0.0].as_slice(), 1.0));
    let (centre, inside) = at(21, 21);
    assert!(centre.iter().all(|v| (v - 0.2).abs() < 1e-6) && inside == 0.0, "{centre:?}, {inside}");
    // The square covers 900 of the 1849 pixels.
    let covered = mask.iter().map(|v| 1.0 - v).sum::<f32>();
    assert!((covered - 900.0).abs() < 4.0, "{covered}");
}

#[test]
fn transparent_surroundings_do_not_darken_the_border() {
    let white = [1.0; 20 * 20 * 4];
    let [(_, found), _] = rotate(r##"{"degrees": 20, "colour": "#00000000"}"##, &white, (20, 20, 4));
    let partly = found.chunks(4).filter(|pixel| pixel[3] > 0.05 && pixel[3] < 0.95).collect::<Vec<_>>();
    assert!(partly.len() > 20, "the border is smooth");
    for pixel in partly {
        assert!(pixel[..3].iter().all(|v| (v - 1.0).abs() < 1e-4), "{pixel:?}");
    }
}

#[test]
fn one_pixel_turns() {
    let [(dims, found), _] = rotate(r#"{"degrees": 45, "expand": false}"#, &[0.7], (1, 1, 1));
    assert_eq!(dims, [1, 1, 1, 1]);
    assert!((found[0] - 0.7).abs() < 1e-6, "{found:?}");
}

#[test]
fn no_colour_and_no_room_are_refused() {
    let run = |params, dims: (usize, usize, usize, usize)| {
        run_node::<Rotate>(params, &[("image", image(&vec![0.5; dims.1 * dims.2], dims))], &[])
    };
    let Err(error) = run(r##"{"colour": "#12345"}"##, (1, 1, 1, 1)) else { panic!("#12345 is a colour") };
    assert_eq!(error.input(), "colour");
    // 20000 x 1 at 45 degrees needs 14143 x 14143 pixels.
    let Err(error) = run(r#"{"degrees": 45}"#, (1, 1, 20_000, 1)) else { panic!("200 megapixels were made") };
    assert_eq!(error.status(), dreamwire_sdk::abi::E_LIMIT);
}
