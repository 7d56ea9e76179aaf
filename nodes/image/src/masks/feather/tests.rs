use super::*;
use crate::masks::fixtures::{check, mask, output};
use dreamwire_sdk::testing::{Ran, run_node};

fn feather(radius: u32, mode: &str, samples: &[f32], dims: (usize, usize, usize)) -> Result<Ran> {
    let params = format!(r#"{{"radius": {radius}, "mode": "{mode}"}}"#);
    run_node::<Feather>(&params, &[("mask", mask(samples, dims))], &[])
}

fn feathered(radius: u32, mode: &str, samples: &[f32], dims: (usize, usize, usize)) -> Vec<f32> {
    output(&feather(radius, mode, samples, dims).expect("it runs"), 0).1
}

/// A row that is 0 up to column 10, and 1 from there on.
fn edge() -> Vec<f32> {
    (0..20).map(|x| f32::from(u8::from(x >= 10))).collect()
}

/// With a radius of 1 the weights are `e`, 1, `e` over their sum, with e of 3 standard deviations.
#[test]
fn a_radius_of_one_by_hand() {
    let e = (-4.5f32).exp();
    let (middle, side) = (1.0 / (1.0 + 2.0 * e), e / (1.0 + 2.0 * e));
    let row = [0.0, 0.0, 1.0, 0.0, 0.0];
    check(feather(1, "both", &row, (1, 1, 5)), &[1, 1, 5], &[0.0, side, middle, side, 0.0]);
    check(feather(1, "both", &row, (1, 5, 1)), &[1, 5, 1], &[0.0, side, middle, side, 0.0]);
    // Shrunk by 1, nothing is left; grown by 1 it is three wide.
    check(feather(1, "inside", &row, (1, 1, 5)), &[1, 1, 5], &[0.0; 5]);
    check(
        feather(1, "outside", &row, (1, 1, 5)),
        &[1, 1, 5],
        &[side, side + middle, 1.0, side + middle, side],
    );
}

#[test]
fn the_ramp_lies_where_it_is_asked_for() {
    for (mode, middle) in [("both", 10), ("inside", 14), ("outside", 6)] {
        let found = feathered(4, mode, &edge(), (1, 1, 20));
        assert!(found.windows(2).all(|pair| pair[0] <= pair[1] + 1e-6), "{mode}: {found:?}");
        // Symmetric about the edge, whose sides are half a pixel from it.
        assert!((found[middle - 1] + found[middle] - 1.0).abs() < 1e-6, "{mode}: {found:?}");
        assert!(found[middle - 5] == 0.0 && found[middle - 4] > 0.0, "{mode}: {found:?}");
        assert!((found[middle + 4] - 1.0).abs() < 1e-6 && found[middle + 3] < 1.0, "{mode}: {found:?}");
    }
}

#[test]
fn inside_selects_nothing_more_and_outside_nothing_less() {
    let (height, width) = (24, 31);
    let samples: Vec<f32> = (0..2 * height * width)
        .map(|i| if i * 7919 % 101 > 60 || i % 31 > 12 { (i * 31 % 97) as f32 / 96.0 } else { 0.0 })
        .collect();
    for radius in [1, 2, 5, 40] {
        let inside = feathered(radius, "inside", &samples, (2, height, width));
        assert!(inside.iter().zip(&samples).all(|(found, given)| (0.0..=*given).contains(found)));
        let outside = feathered(radius, "outside", &samples, (2, height, width));
        assert!(outside.iter().zip(&samples).all(|(found, given)| (*given..=1.0).contains(found)));
    }
}

#[test]
fn what_is_even_stays_and_so_does_everything_with_a_radius_of_0() {
    for mode in ["both", "inside", "outside"] {
        check(feather(0, mode, &edge(), (1, 4, 5)), &[1, 4, 5], &edge());
        check(feather(1024, mode, &[0.3; 12], (1, 3, 4)), &[1, 3, 4], &[0.3; 12]);
        check(feather(8, mode, &[0.6], (1, 1, 1)), &[1, 1, 1], &[0.6]);
    }
}

#[test]
fn the_masks_of_a_batch_do_not_mix_and_values_outside_the_range_are_clamped() {
    let samples = [[2.0; 6], [-1.0; 6]].concat();
    check(feather(2, "both", &samples, (2, 2, 3)), &[2, 2, 3], &[[1.0; 6], [0.0; 6]].concat());
}
