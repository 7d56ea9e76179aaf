//! Resampling by tables of weights, one entry per new row and per new column, where a method is defined exactly.

use crate::progress::STRIP;
use dreamwire_sdk::prelude::*;
use rayon::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

/// The old pixels that make a new one, side by side, and their weights.
#[derive(Debug, PartialEq)]
pub(crate) struct Window {
    first: usize,
    weights: Vec<f32>,
}

/// Of each of `new` pixels the old one under its centre.
pub(crate) fn nearest(old: usize, new: usize) -> Vec<Window> {
    (0..new).map(|at| Window { first: (2 * at + 1) * old / (2 * new), weights: vec![1.0] }).collect()
}

/// Of each of `new` pixels the old ones that it covers, weighted by how much of them it covers.
pub(crate) fn covered(old: usize, new: usize) -> Vec<Window> {
    let window = |at: usize| {
        // In parts of 1 / new of an old pixel; the new one is `old` of them long.
        let (begin, end) = (at * old, (at + 1) * old);
        let (first, last) = (begin / new, (end - 1) / new);
        let part = |pixel: usize| end.min((pixel + 1) * new) - begin.max(pixel * new);
        Window { first, weights: (first..=last).map(|pixel| part(pixel) as f32 / old as f32).collect() }
    };
    (0..new).map(window).collect()
}

/// Of each of `new` pixels the old ones that it touches, all with the same weight: PyTorch's adaptive average pooling.
pub(crate) fn pooled(old: usize, new: usize) -> Vec<Window> {
    let window = |at: usize| {
        let (first, end) = (at * old / new, ((at + 1) * old).div_ceil(new));
        Window { first, weights: vec![1.0 / (end - first) as f32; end - first] }
    };
    (0..new).map(window).collect()
}

/// Of each of `new` pixels the `reach` old ones on either side of its centre, weighted by `kernel` of their
/// distance, also where it shrinks. Beyond the border, the last pixel is repeated. PyTorch's `interpolate`
/// without corners aligned.
pub(crate) fn interpolated(old: usize, new: usize, reach: i64, kernel: fn(f64) -> f64) -> Vec<Window> {
    let window = |at: usize| {
        let centre = (at as f64 + 0.5) * old as f64 / new as f64 - 0.5;
        let left = centre.floor() as i64;
        let inside = |pixel: i64| pixel.clamp(0, old as i64 - 1) as usize;
        let first = inside(left + 1 - reach);
        let mut weights = vec![0.0; inside(left + reach) - first + 1];
        for pixel in left + 1 - reach..=left + reach {
            weights[inside(pixel) - first] += kernel(centre - pixel as f64) as f32;
        }
        Window { first, weights }
    };
    (0..new).map(window).collect()
}

/// Resamples every image of samples `[B,H,W,C]` to one pixel per row and column of the tables, clamped to 0..1.
///
/// `report` is called with the number of strips done and in all.
///
/// # Errors
/// If `report` fails.
pub(crate) fn windowed(
    samples: &[f32],
    [batch, old_height, old_width, channels]: [usize; 4],
    (columns, rows): (&[Window], &[Window]),
    report: impl Fn(u64, u64) -> Result<()> + Sync,
) -> Result<Vec<f32>> {
    let (width, height) = (columns.len(), rows.len());
    let mut resampled = vec![0.0; batch * height * width * channels];
    if resampled.is_empty() || samples.is_empty() {
        return Ok(resampled);
    }
    let strip = STRIP.div_ceil(width).max(1);
    let (done, total) = (AtomicU64::new(0), (batch * height.div_ceil(strip)) as u64);
    let olds = samples.par_chunks(old_height * old_width * channels);
    resampled.par_chunks_mut(height * width * channels).zip(olds).try_for_each(|(image, old)| {
        let strips = image.par_chunks_mut(strip * width * channels).zip(rows.par_chunks(strip));
        strips.try_for_each(|(strip, rows)| {
            let mut blended = vec![0.0; old_width * channels];
            for (target, row) in strip.chunks_exact_mut(width * channels).zip(rows) {
                blended.fill(0.0);
                let old_rows = old.chunks_exact(old_width * channels).skip(row.first);
                for (weight, old) in row.weights.iter().zip(old_rows) {
                    blended.iter_mut().zip(old).for_each(|(sum, v)| *sum += weight * v);
                }
                for (pixel, column) in target.chunks_exact_mut(channels).zip(columns) {
                    let old_pixels = blended.chunks_exact(channels).skip(column.first);
                    for (weight, old) in column.weights.iter().zip(old_pixels) {
                        pixel.iter_mut().zip(old).for_each(|(sum, v)| *sum += weight * v);
                    }
                    pixel.iter_mut().for_each(|v| *v = v.clamp(0.0, 1.0));
                }
            }
            report(done.fetch_add(1, Ordering::Relaxed) + 1, total)
        })
    })?;
    Ok(resampled)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where each new pixel comes from.
    fn sources(windows: &[Window]) -> Vec<usize> {
        windows.iter().map(|window| window.first).collect()
    }

    /// One row, resampled by columns alone.
    #[track_caller]
    fn check(row: &[f32], columns: &[Window], expected: &[f32]) {
        let found = windowed(row, [1, 1, row.len(), 1], (columns, &nearest(1, 1)), |_, _| Ok(()));
        let found = found.expect("nobody cancels");
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?} for {expected:?}");
    }

    #[test]
    fn nearest_is_the_pixel_under_the_centre_also_half_way() {
        // floor((x + 1/2) 12 / 18)
        let expected = [0, 1, 1, 2, 3, 3, 4, 5, 5, 6, 7, 7, 8, 9, 9, 10, 11, 11];
        assert_eq!(sources(&nearest(12, 18)), expected);
        assert_eq!(sources(&nearest(5, 3)), [0, 2, 4]);
        assert_eq!(sources(&nearest(1, 3)), [0, 0, 0]);
    }

    #[test]
    fn coverage_is_weighted_by_parts_of_pixels() {
        let row: Vec<f32> = (0..12).map(|i| i as f32 * 0.08).collect();
        // Every new pixel is one and a half old ones: (0 + 1/2 1) / 1.5, (1/2 1 + 2) / 1.5, ..
        let expected: Vec<f32> =
            [1.0 / 3.0, 5.0 / 3.0, 10.0 / 3.0, 14.0 / 3.0, 19.0 / 3.0, 23.0 / 3.0, 28.0 / 3.0, 32.0 / 3.0]
                .map(|v: f32| v * 0.08)
                .to_vec();
        check(&row, &covered(12, 8), &expected);
        // Larger: a new pixel of 2/3 of an old one.
        check(&[0.0, 0.6], &covered(2, 3), &[0.0, 0.3, 0.6]);
    }

    #[test]
    fn pooling_has_the_same_weight_for_all_that_is_touched() {
        let row: Vec<f32> = (0..12).map(|i| i as f32 * 0.08).collect();
        let expected: Vec<f32> = [0.5, 1.5, 3.5, 4.5, 6.5, 7.5, 9.5, 10.5].map(|v: f32| v * 0.08).to_vec();
        check(&row, &pooled(12, 8), &expected);
    }

    #[test]
    fn interpolation_repeats_the_border() {
        let tent = |x: f64| (1.0 - x.abs()).max(0.0);
        // Centres at -1/4, 1/4, 3/4, 5/4.
        check(&[0.2, 0.6], &interpolated(2, 4, 1, tent), &[0.2, 0.3, 0.5, 0.6]);
        // A box of reach 2 counts pixels: at the left border twice the first one.
        let quarter = |_: f64| 0.25;
        check(&[0.0, 0.4, 0.8], &interpolated(3, 3, 2, quarter), &[0.3, 0.5, 0.7]);
    }

    #[test]
    fn rows_channels_and_images_stay_apart() {
        // Two images of 2 x 2 pixels of two channels, to 1 x 1.
        let samples: Vec<f32> = (0..16).map(|i| i as f32 / 16.0).collect();
        let (columns, rows) = (covered(2, 1), covered(2, 1));
        let found = windowed(&samples, [2, 2, 2, 2], (&columns, &rows), |_, _| Ok(())).expect("it runs");
        let expected = [3.0, 4.0, 11.0, 12.0].map(|v: f32| v / 16.0);
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?}");
        let cancelled = windowed(&samples, [2, 2, 2, 2], (&columns, &rows), |_, _| Err(Error::cancelled()));
        assert!(cancelled.unwrap_err().is_cancelled());
    }
}
