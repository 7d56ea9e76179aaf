use super::*;
use crate::masks::fixtures::{check, image, mask, refused};
use dreamwire_sdk::testing::{Ran, Value, run_node};

fn composite(params: &str, destination: Value, source: Value, mask: Option<Value>) -> Result<Ran> {
    let mut inputs = vec![("destination", destination), ("source", source)];
    inputs.extend(mask.map(|mask| ("mask", mask)));
    run_node::<ImageCompositeMasked>(params, &inputs, &[])
}

/// 3 x 2 pixels of 0.1.
fn lower() -> Value {
    image(&[0.1; 6], (1, 2, 3, 1))
}

/// 2 x 2 pixels.
fn upper() -> Value {
    image(&[0.2, 0.3, 0.4, 0.5], (1, 2, 2, 1))
}

#[test]
fn the_source_lies_where_it_is_put_and_is_cut_off() {
    let cases: [((i32, i32), [f32; 6]); 6] = [
        ((0, 0), [0.2, 0.3, 0.1, 0.4, 0.5, 0.1]),
        ((1, 0), [0.1, 0.2, 0.3, 0.1, 0.4, 0.5]),
        ((2, 1), [0.1, 0.1, 0.1, 0.1, 0.1, 0.2]),
        ((-1, -1), [0.5, 0.1, 0.1, 0.1, 0.1, 0.1]),
        ((-1, 1), [0.1, 0.1, 0.1, 0.3, 0.1, 0.1]),
        ((1, -1), [0.1, 0.4, 0.5, 0.1, 0.1, 0.1]),
    ];
    for ((x, y), expected) in cases {
        let params = format!(r#"{{"x": {x}, "y": {y}}}"#);
        check(composite(&params, lower(), upper(), None), &[1, 2, 3, 1], &expected);
    }
}

#[test]
fn outside_nothing_is_visible_and_that_is_said() {
    for (x, y) in [(3, 0), (0, 2), (-2, 0), (0, -2), (32768, -32768)] {
        let ran = composite(&format!(r#"{{"x": {x}, "y": {y}}}"#), lower(), upper(), None).expect("it runs");
        assert!(ran.notes.iter().any(|note| note.contains("lies outside")), "{:?}", ran.notes);
        check(Ok(ran), &[1, 2, 3, 1], &[0.1; 6]);
    }
}

#[test]
fn the_mask_belongs_to_the_source() {
    let masked = |mask| composite(r#"{"x": 1}"#, lower(), upper(), Some(mask));
    let expected = [0.1, 0.1, 0.2, 0.1, 0.4, 0.2];
    check(masked(mask(&[0.0, 0.5, 1.0, 0.25], (1, 2, 2))), &[1, 2, 3, 1], &expected);
    // One value for the whole source: (0.1 + 0.2) / 2 and so on.
    check(masked(mask(&[0.5], (1, 1, 1))), &[1, 2, 3, 1], &[0.1, 0.15, 0.2, 0.1, 0.25, 0.3]);
}

#[test]
fn a_resized_source_covers_everything() {
    let source = || image(&[0.0, 1.0], (1, 1, 2, 1));
    let below = || image(&[0.5; 4], (1, 1, 4, 1));
    let resized = r#"{"resize_source": true}"#;
    check(composite(resized, below(), source(), None), &[1, 1, 4, 1], &[0.0, 0.25, 0.75, 1.0]);
    let half = mask(&[1.0, 1.0, 0.0, 0.0], (1, 1, 4));
    check(composite(resized, below(), source(), Some(half)), &[1, 1, 4, 1], &[0.0, 0.25, 0.5, 0.5]);
}

#[test]
fn the_channels_are_those_of_the_destination() {
    let (rgb, rgba) = ([0.1, 0.2, 0.3], [0.4, 0.5, 0.6, 0.7]);
    let three = || image(&rgb, (1, 1, 1, 3));
    let four = || image(&rgba, (1, 1, 1, 4));
    let grey = || image(&[0.8], (1, 1, 1, 1));
    check(composite("{}", three(), four(), None), &[1, 1, 1, 3], &rgba[..3]);
    check(composite("{}", four(), three(), None), &[1, 1, 1, 4], &[0.1, 0.2, 0.3, 1.0]);
    check(composite("{}", four(), four(), None), &[1, 1, 1, 4], &rgba);
    check(composite("{}", three(), grey(), None), &[1, 1, 1, 3], &[0.8; 3]);
    check(composite("{}", four(), grey(), None), &[1, 1, 1, 4], &[0.8, 0.8, 0.8, 1.0]);
    refused(composite("{}", grey(), four(), None), "source", "`source` has 3 colour channels");
    let two = || image(&[0.0; 2], (1, 1, 1, 2));
    refused(composite("{}", two(), two(), None), "destination", "must have 1, 3 or 4 channels, found 2");
    refused(composite("{}", three(), two(), None), "source", "must have 1, 3 or 4 channels, found 2");
}

#[test]
fn batches_are_paired() {
    let of = |samples: &[f32]| image(samples, (samples.len(), 1, 1, 1));
    check(composite("{}", of(&[0.1]), of(&[0.2, 0.3]), None), &[2, 1, 1, 1], &[0.2, 0.3]);
    let masks = mask(&[0.0, 1.0], (2, 1, 1));
    check(composite("{}", of(&[0.1, 0.4]), of(&[0.2]), Some(masks)), &[2, 1, 1, 1], &[0.1, 0.2]);
    refused(
        composite("{}", of(&[0.1, 0.4]), of(&[0.2; 3]), None),
        "source",
        "`source` has 3 images, but `destination` has 2",
    );
    let masks = mask(&[0.0; 3], (3, 1, 1));
    refused(composite("{}", of(&[0.1, 0.4]), of(&[0.2]), Some(masks)), "mask", "there are 2 images");
}
