//! How much two pictures differ, as numbers.

use rayon::prelude::*;

/// PSNR of equal pictures, which would be infinite, and the most that is told of others: dB.
pub(crate) const MOST_DB: f64 = 100.0;

/// The mean of the squared differences.
pub(crate) fn mean_square(a: &[f32], b: &[f32]) -> f64 {
    let sum: f64 = a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    sum / a.len().max(1) as f64
}

/// The ratio of the range 1 to the root of that mean, in dB, at most [`MOST_DB`].
pub(crate) fn psnr(mean_square: f64) -> f64 {
    (-10.0 * mean_square.log10()).min(MOST_DB)
}

/// Positions beside the middle of the window, and its standard deviation.
const RADIUS: usize = 5;
const SIGMA: f64 = 1.5;
/// `(K L)^2` with K1 = 0.01, K2 = 0.03 and the range L = 1.
const C1: f64 = 0.01 * 0.01;
const C2: f64 = 0.03 * 0.03;

/// The mean structural similarity of two pictures `[height,width,channels]` in 0..1, over channels and all positions where
/// the window of 11x11 lies inside; over all positions, with mirrored borders, if a side has fewer than 11 pixels.
///
/// Z. Wang, A. Bovik, H. Sheikh, E. Simoncelli: Image quality assessment: from error visibility to structural similarity,
/// IEEE Trans. Image Processing 13(4), 2004: Gaussian window of standard deviation 1.5, variances with 1/N.
pub(crate) fn ssim(a: &[f32], b: &[f32], (height, width, channels): (usize, usize, usize)) -> f64 {
    let of_channel = |channel: usize| {
        let plane = |samples: &[f32]| -> Vec<f64> {
            samples[channel..].iter().step_by(channels).map(|v| f64::from(*v)).collect()
        };
        let (a, b) = (plane(a), plane(b));
        let product = |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a * b).collect() };
        let size = (height, width);
        let mean = |plane: &[f64]| smoothed(plane, size);
        let (mean_a, mean_b) = (mean(&a), mean(&b));
        let (aa, bb, ab) = (mean(&product(&a, &a)), mean(&product(&b, &b)), mean(&product(&a, &b)));
        let at = |i: usize| {
            let (x, y) = (mean_a[i], mean_b[i]);
            let (variances, covariance) = (aa[i] - x * x + bb[i] - y * y, ab[i] - x * y);
            (2.0 * x * y + C1) * (2.0 * covariance + C2) / ((x * x + y * y + C1) * (variances + C2))
        };
        let border = if height.min(width) > 2 * RADIUS { RADIUS } else { 0 };
        let rows = border..height - border;
        let sum: f64 = rows.flat_map(|y| (border..width - border).map(move |x| y * width + x)).map(at).sum();
        sum / ((height - 2 * border) * (width - 2 * border)) as f64
    };
    let channels: Vec<f64> = (0..channels).into_par_iter().map(of_channel).collect();
    channels.iter().sum::<f64>() / channels.len().max(1) as f64
}

/// A plane `[height,width]` under the Gaussian window, with borders mirrored between their outermost pixels.
fn smoothed(plane: &[f64], (height, width): (usize, usize)) -> Vec<f64> {
    let mut weights = [0.0; 2 * RADIUS + 1];
    for (weight, offset) in weights.iter_mut().zip(-(RADIUS as i64)..) {
        *weight = (-((offset * offset) as f64) / (2.0 * SIGMA * SIGMA)).exp();
    }
    let total: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= total);
    let window = |at: usize, length: usize| {
        let first = at as i64 - RADIUS as i64;
        (first..).zip(weights).map(move |(position, weight)| (mirrored(position, length), weight))
    };
    let mut rows = vec![0.0; plane.len()];
    for (to, from) in rows.chunks_exact_mut(width).zip(plane.chunks_exact(width)) {
        for (x, to) in to.iter_mut().enumerate() {
            *to = window(x, width).map(|(x, weight)| from[x] * weight).sum();
        }
    }
    let mut out = vec![0.0; plane.len()];
    for (y, to) in out.chunks_exact_mut(width).enumerate() {
        for (y, weight) in window(y, height) {
            to.iter_mut().zip(&rows[y * width..]).for_each(|(to, from)| *to += from * weight);
        }
    }
    out
}

/// A position beyond the borders, mirrored: -1 is 0, -2 is 1.
fn mirrored(position: i64, length: usize) -> usize {
    let length = length as i64;
    let at = position.rem_euclid(2 * length);
    at.min(2 * length - 1 - at) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two pictures of 24 rows, 20 columns and 3 channels.
    fn pictures() -> (Vec<f32>, Vec<f32>) {
        let of = |more: fn(usize, usize) -> usize| {
            (0..24 * 20 * 3).map(move |i| {
                let (y, x, c) = (i / 60, i / 3 % 20, i % 3);
                ((x * 7 + y * 13 + c * 31 + more(x, y)) % 64) as f32 / 63.0
            })
        };
        (of(|_, _| 0).collect(), of(|x, y| x * y % 5).collect())
    }

    /// `structural_similarity(a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1,
    /// channel_axis=2)` and `peak_signal_noise_ratio(a, b, data_range=1)` of scikit-image 0.26.0, in f64.
    #[test]
    fn the_numbers_are_those_of_scikit_image() {
        let (a, b) = pictures();
        let found = ssim(&a, &b, (24, 20, 3));
        assert!((found - 0.873_140_240_321_232_8).abs() < 1e-9, "{found}");
        let found = psnr(mean_square(&a, &b));
        assert!((found - 16.470_468_107_064_836).abs() < 1e-9, "{found}");
    }

    #[test]
    fn equal_pictures_have_the_highest_numbers_and_others_lower_ones() {
        let (a, b) = pictures();
        assert!((ssim(&a, &a, (24, 20, 3)) - 1.0).abs() < 1e-12);
        assert_eq!(psnr(mean_square(&a, &a)), MOST_DB);
        assert_eq!(psnr(1.0), 0.0);
        assert!(ssim(&a, &b, (24, 20, 3)) < 0.99);
        // Smaller than the window.
        let small = ssim(&a[..12], &b[..12], (2, 2, 3));
        assert!((-1.0..=1.0).contains(&small), "{small}");
        assert!((ssim(&[0.3], &[0.3], (1, 1, 1)) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn borders_are_mirrored() {
        let found: Vec<usize> = (-4..5).map(|position| mirrored(position, 3)).collect();
        assert_eq!(found, [2, 2, 1, 0, 0, 1, 2, 2, 1]);
    }
}
