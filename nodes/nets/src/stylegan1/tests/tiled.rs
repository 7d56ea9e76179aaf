//! Pictures of several tiles.

use super::*;

const SIDE: usize = 16;

fn tile(picture: &Tensor, row: usize, column: usize) -> Vec<f64> {
    let rows = picture.narrow(1, row * SIDE, SIDE).unwrap();
    values(&rows.narrow(2, column * SIDE, SIDE).unwrap().contiguous().unwrap())
}

fn difference(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0, |most: f64, (a, b)| most.max((a - b).abs()))
}

/// Borders reach 13 of 16 pixels; what is further inside repeats, unless it is noise.
#[test]
fn inner_tiles_repeat_but_for_the_noise() {
    for blend in [1.0, 0.6] {
        let one = network(None, blend).synthesis;
        let w = uniform(7, &[1, 6, W]);
        let same = one.tiled(Tiles::ONE).forward(&w, &[]).unwrap();
        assert_eq!(values(&same), values(&one.forward(&w, &[]).unwrap()));
        let many = one.tiled(Tiles::new(4, 3).unwrap());
        assert_eq!((many.size(), many.peak().outputs), ([48, 64], 12 * one.peak().outputs));
        let noisy = many.forward(&w, &[]).unwrap();
        assert_eq!(noisy.dims(), [1, 48, 64, 3]);
        assert!(difference(&tile(&noisy, 1, 1), &tile(&noisy, 1, 2)) > 1e-3);
        let zeros =
            |side: usize| Tensor::zeros((1, 1, 3 * side, 4 * side), DType::F64, &Device::Cpu).unwrap();
        let silent = many.forward(&w, &[4, 8, 16].map(zeros)).unwrap();
        let apart = difference(&tile(&silent, 1, 1), &tile(&silent, 1, 2));
        assert!(apart < 1e-9, "{apart:e}");
        assert!(difference(&tile(&silent, 1, 1), &tile(&silent, 0, 1)) > 1e-3, "the upper border");
    }
}

#[test]
fn gradients_of_a_wide_picture() {
    let synthesis = network(None, 0.6).synthesis.tiled(Tiles::new(2, 1).unwrap());
    check_gradient("w", &uniform(7, &[2, 6, W]), |w| synthesis.forward(w, &[]).unwrap());
    let w = uniform(7, &[2, 6, W]);
    let planes = [4, 8, 16].map(|side: usize| uniform(side as u64, &[1, 1, side, 2 * side]));
    check_gradient("plane", &planes[1], |plane| {
        synthesis.forward(&w, &[planes[0].clone(), plane.clone(), planes[2].clone()]).unwrap()
    });
    let error = synthesis.forward(&w, &self::planes(&[4, 8, 16])).unwrap_err().to_string();
    assert!(error.contains("noise plane 0 must be [2 or 1, 1, 4, 8], found [1, 1, 4, 4]"), "{error}");
}
