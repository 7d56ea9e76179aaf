//! Smoothing with a separable kernel, shared by Blur, Sharpen and their ComfyUI names.

use dreamwire_sdk::prelude::*;
use rayon::prelude::*;

use crate::batch::samples;

/// The most taps on each side of the centre.
const MAX_RADIUS: usize = 1024;
/// Rows between two reports of progress.
const STRIP: usize = 64;
/// Samples of a row that are summed over all rows of the kernel at once: they stay in the first cache.
const CHUNK: usize = 2048;
/// Taps that are summed on their own, so that the rounding errors of a thousand do not add up.
const GROUP: usize = 32;

/// A symmetric kernel in one dimension, normalised: an odd number of weights whose sum is 1.
pub(crate) struct Kernel(Vec<f32>);

impl Kernel {
    /// A Gaussian of standard deviation `sigma`, in pixels, cut at 4 sigma (6e-5 of its sum); nothing happens at 0.
    pub(crate) fn gaussian(sigma: f64) -> Self {
        if sigma <= 0.0 {
            return Self(vec![1.0]);
        }
        Self::sampled((4.0 * sigma).ceil() as usize, |offset| (-0.5 * (offset / sigma).powi(2)).exp())
    }

    /// The mean of `2 radius + 1` pixels.
    pub(crate) fn mean(radius: usize) -> Self {
        Self::sampled(radius, |_| 1.0)
    }

    /// `2 radius + 1` values of an even function of the distance from the centre, normalised.
    pub(crate) fn sampled(radius: usize, weight: impl Fn(f64) -> f64) -> Self {
        let radius = radius.min(MAX_RADIUS);
        let side: Vec<f64> = (0..=radius).map(|offset| weight(offset as f64)).collect();
        let sum = side[0] + 2.0 * side[1..].iter().sum::<f64>();
        let weights = side[1..].iter().rev().chain(&side).map(|weight| (weight / sum) as f32);
        Self(weights.collect())
    }

    fn radius(&self) -> usize {
        self.0.len() / 2
    }

    /// Every image of `[B,H,W,C]`, smoothed, then finished: `finish` is called with the samples of a pixel and, to be
    /// changed, its smoothed ones. The result is clamped to 0..1.
    ///
    /// Outside of the picture lies its reflection, without the border pixel twice. With four channels the colours are
    /// weighted by alpha, so that those of transparent pixels do not bleed.
    ///
    /// # Errors
    /// If `image` has another rank or is not f32, or the call was cancelled.
    pub(crate) fn smooth(
        &self,
        call: &Call,
        image: &Tensor,
        finish: impl Fn(&[f32], &mut [f32]) + Sync,
    ) -> Result<Tensor> {
        let (batch, height, width, channels) = image.dims4()?;
        let mut smoothed = Vec::with_capacity(batch * height * width * channels);
        let total = (2 * batch * height) as u64;
        for index in 0..batch {
            let progress =
                |rows: usize| call.progress((2 * index * height + rows) as u64, total, "smoothing");
            let given = samples(&image.get(index)?)?;
            let mut one = self.convolved(&given, (height, width, channels), progress)?;
            one.par_chunks_mut(width * channels).zip(given.par_chunks(width * channels)).for_each(
                |(smoothed, given)| {
                    for (smoothed, given) in
                        smoothed.chunks_exact_mut(channels).zip(given.chunks_exact(channels))
                    {
                        if channels == 4 {
                            divide_by_alpha(given, smoothed);
                        }
                        finish(given, smoothed);
                        smoothed.iter_mut().for_each(|v| *v = v.clamp(0.0, 1.0));
                    }
                },
            );
            smoothed.append(&mut one);
        }
        Ok(Tensor::from_vec(smoothed, (batch, height, width, channels), image.device())?)
    }

    /// Rows, then columns; four channels are multiplied by alpha before.
    fn convolved(
        &self,
        given: &[f32],
        (height, width, channels): (usize, usize, usize),
        progress: impl Fn(usize) -> Result<()>,
    ) -> Result<Vec<f32>> {
        let length = width * channels;
        let mut across = vec![0.0; given.len()];
        let strips = across.chunks_mut(STRIP * length).zip(given.chunks(STRIP * length));
        for (strip, (across, given)) in strips.enumerate() {
            progress(strip * STRIP)?;
            across.par_chunks_mut(length).zip(given.par_chunks(length)).for_each_init(
                Vec::new,
                |extended, (across, given)| {
                    self.extend(given, channels, extended);
                    let extended = &extended[..];
                    self.weigh(across, |tap| &extended[tap * channels..]);
                },
            );
        }
        let mut down = vec![0.0; given.len()];
        for (strip, rows) in down.chunks_mut(STRIP * length).enumerate() {
            progress(height + strip * STRIP)?;
            rows.par_chunks_mut(length).enumerate().for_each(|(row, sums)| {
                let y = strip * STRIP + row;
                self.weigh(sums, |tap| {
                    &across[reflected(y as i64 + tap as i64 - self.radius() as i64, height) * length..]
                });
            });
        }
        Ok(down)
    }

    /// The sum of `row(tap)` over all taps, by their weights.
    fn weigh<'a>(&self, sums: &mut [f32], row: impl Fn(usize) -> &'a [f32]) {
        let mut part = [0.0; CHUNK];
        for (chunk, sums) in sums.chunks_mut(CHUNK).enumerate() {
            let part = &mut part[..sums.len()];
            for (group, weights) in self.0.chunks(GROUP).enumerate() {
                part.fill(0.0);
                for (tap, weight) in weights.iter().enumerate() {
                    for (sum, sample) in part.iter_mut().zip(&row(group * GROUP + tap)[chunk * CHUNK..]) {
                        *sum += weight * sample;
                    }
                }
                sums.iter_mut().zip(&*part).for_each(|(sum, part)| *sum += part);
            }
        }
    }

    /// A row with its reflection on both sides, as far as the kernel reaches.
    fn extend(&self, row: &[f32], channels: usize, extended: &mut Vec<f32>) {
        let width = row.len() / channels;
        let reach = self.radius() as i64;
        extended.clear();
        for x in -reach..width as i64 + reach {
            let from = reflected(x, width) * channels;
            extended.extend_from_slice(&row[from..from + channels]);
        }
        if channels == 4 {
            for pixel in extended.chunks_exact_mut(4) {
                let alpha = pixel[3];
                pixel[..3].iter_mut().for_each(|v| *v *= alpha);
            }
        }
    }
}

/// The index within `0..length` that a reflection at both ends shows at `index`.
fn reflected(index: i64, length: usize) -> usize {
    let last = length as i64 - 1;
    if last == 0 {
        return 0;
    }
    let turned = index.rem_euclid(2 * last);
    turned.min(2 * last - turned) as usize
}

/// Back to straight alpha. Where nothing is visible there is no colour to divide, and the pixel's own stays.
fn divide_by_alpha(given: &[f32], smoothed: &mut [f32]) {
    let alpha = smoothed[3];
    for (smoothed, given) in smoothed[..3].iter_mut().zip(given) {
        *smoothed = if alpha > 0.0 { *smoothed / alpha } else { *given };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_are_even_and_their_sum_is_one() {
        for kernel in [Kernel::gaussian(0.0), Kernel::gaussian(0.3), Kernel::gaussian(200.0), Kernel::mean(7)]
        {
            let weights = kernel.0;
            assert!(weights.iter().eq(weights.iter().rev()));
            let sum: f64 = weights.iter().map(|w| f64::from(*w)).sum();
            assert!((sum - 1.0).abs() < 1e-5, "{} weights: {sum}", weights.len());
        }
        assert_eq!(Kernel::gaussian(200.0).0.len(), 1601);
        assert_eq!(Kernel::mean(1).0, [1.0 / 3.0; 3]);
    }

    #[test]
    fn a_gaussian_has_its_standard_deviation() {
        for sigma in [0.8, 3.0, 50.0] {
            let kernel = Kernel::gaussian(sigma);
            let reach = kernel.radius() as f64;
            let variance: f64 =
                kernel.0.iter().enumerate().map(|(i, w)| f64::from(*w) * (i as f64 - reach).powi(2)).sum();
            // The cut at 4 sigma takes 0.1 % of the variance.
            assert!((variance.sqrt() / sigma - 1.0).abs() < 2e-3, "{sigma}: {}", variance.sqrt());
        }
    }

    #[test]
    fn the_reflection_does_not_repeat_the_border_and_goes_on_for_ever() {
        let shown: Vec<usize> = (-7..8).map(|index| reflected(index, 4)).collect();
        assert_eq!(shown, [1, 0, 1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1]);
        assert_eq!(reflected(-1000, 1), 0);
        assert_eq!((reflected(-3, 2), reflected(5, 2)), (1, 1));
    }
}
