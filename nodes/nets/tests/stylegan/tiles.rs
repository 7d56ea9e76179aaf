//! Pictures of several tiles.

use candle_core::Tensor;
use dreamwire_nets::stylegan::{Synthesis, Tiles};

use super::{SMALL, Small, check_gradient, uniform};

/// Pixels at a border of a single picture that the opposite border does not reach: it reaches 5 of 8, 13 of 16.
const FREE: usize = 3;

fn tiled(small: &Small, columns: usize, rows: usize) -> Synthesis {
    small.network().synthesis.tiled(Tiles::new(columns, rows).unwrap())
}

/// The part of `[1, h, w, C]` of that side that begins there.
fn part(picture: &Tensor, [y, x]: [usize; 2], side: usize) -> Tensor {
    picture.narrow(1, y, side).unwrap().narrow(2, x, side).unwrap()
}

fn difference(a: &Tensor, b: &Tensor) -> f64 {
    (a - b).unwrap().abs().unwrap().max_all().unwrap().to_scalar().unwrap()
}

#[test]
fn sizes_follow_the_tiles() {
    let (one, wide) = (SMALL.network().synthesis, tiled(&SMALL, 3, 2));
    assert_eq!((one.size(), wide.size(), wide.resolution()), ([8, 8], [16, 24], 8));
    assert_eq!(wide.noise_sizes(), one.noise_sizes());
    let w = uniform(7, &[2, 4, 3]);
    assert_eq!(wide.forward(&w, &[]).unwrap().dims(), [2, 16, 24, 3]);
    let mut sides = Vec::new();
    wide.forward_with(&w, &[], |side, x, _| sides.push((side, x.dims().to_vec()))).unwrap();
    assert_eq!(sides, [(4, vec![2, 8, 12, 4]), (8, vec![2, 16, 24, 3])]);
    let (small, large) = (one.peak(), wide.peak());
    assert_eq!(large.outputs, 6 * small.outputs);
    assert_eq!((large.forward, large.gradient), (6 * small.forward, 6 * small.gradient));
    assert_eq!(large.fixed, small.fixed);
    for (columns, rows) in [(0, 1), (1, 0), (9, 1), (1, 9), (usize::MAX, 1)] {
        assert_eq!(Tiles::new(columns, rows), None);
    }
}

/// The outer border is that of a single picture, which the goldens hold; inside, tiles repeat.
#[test]
fn borders_are_those_of_one_and_inner_tiles_repeat() {
    for small in [
        SMALL,
        Small { channels: &[3, 5, 2], picture: 1, filter: &[1.0, 2.0, 1.0], noise: true },
        Small { channels: &[4, 2, 3], picture: 4, filter: &[1.0, 3.0, 3.0, 1.0], noise: false },
    ] {
        let side = 4 << (small.channels.len() - 1);
        let w = uniform(7, &[1, 2 * small.channels.len(), 3]);
        let one = small.network().synthesis.forward(&w, &[]).unwrap();
        let same = tiled(&small, 1, 1).forward(&w, &[]).unwrap();
        assert_eq!(difference(&same, &one), 0.0, "one tile changes no bit");
        let many = tiled(&small, 4, 4).forward(&w, &[]).unwrap();
        for (y, far_y) in [(0, 0), (side - FREE, 4 * side - FREE)] {
            for (x, far_x) in [(0, 0), (side - FREE, 4 * side - FREE)] {
                let corners = difference(&part(&one, [y, x], FREE), &part(&many, [far_y, far_x], FREE));
                assert!(corners < 1e-10, "corner {y}, {x}: {corners:e}");
            }
        }
        let tile = |row: usize, column: usize| part(&many, [row * side, column * side], side);
        for (row, column) in [(1, 2), (2, 1), (2, 2)] {
            let apart = difference(&tile(1, 1), &tile(row, column));
            assert!(apart < 1e-10, "tile {row}, {column}: {apart:e}");
        }
        let seam = difference(&tile(1, 1), &one);
        assert!(seam > 1e-3, "tiles are joined, {seam:e}");
    }
}

/// Columns and rows are not confused: planes of their shapes are taken, others are not.
#[test]
fn planes_are_as_large_as_all_tiles() {
    let tensors = SMALL.tensors();
    let wide = tiled(&SMALL, 3, 2);
    let w = uniform(7, &[1, 4, 3]);
    let stored = ["b4.conv1", "b8.conv0", "b8.conv1"].map(|layer| {
        let plane = tensors[&format!("synthesis.{layer}.noise_const")].repeat((2, 3)).unwrap();
        plane.unsqueeze(0).unwrap().unsqueeze(0).unwrap()
    });
    let own = wide.forward(&w, &[]).unwrap();
    assert!(difference(&own, &wide.forward(&w, &stored).unwrap()) < 1e-10, "stored planes are repeated");
    let turned = stored.map(|plane| plane.t().unwrap().contiguous().unwrap());
    let error = wide.forward(&w, &turned).unwrap_err().to_string();
    assert!(error.contains("noise plane 0 must be [1 or 1, 1, 8, 12], found [1, 1, 12, 8]"), "{error}");
}

#[test]
fn gradients_of_styles_and_planes() {
    let small = Small { channels: &[3, 5, 2], picture: 1, filter: &[1.0, 3.0, 3.0, 1.0], noise: true };
    for (columns, rows) in [(2, 1), (1, 3)] {
        let synthesis = tiled(&small, columns, rows);
        let w = uniform(7, &[2, 6, 3]);
        check_gradient(&format!("w of {columns}x{rows}"), &w, |w| synthesis.forward(w, &[]).unwrap());
        let plane = |(index, size): (usize, usize)| {
            uniform(index as u64, &[1 + index % 2, 1, rows * size, columns * size])
        };
        let planes: Vec<Tensor> = synthesis.noise_sizes().into_iter().enumerate().map(plane).collect();
        for index in [0, 3] {
            check_gradient(&format!("plane {index} of {columns}x{rows}"), &planes[index], |plane| {
                let mut planes = planes.clone();
                planes[index] = plane.clone();
                synthesis.forward(&w, &planes).unwrap()
            });
        }
    }
}
