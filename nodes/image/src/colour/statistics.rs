//! Means and covariances of colours.

use crate::colour::matrix::Matrix;
use crate::colour::pixels;

/// Mean and covariance (over n) of the colours of a picture.
#[derive(Debug)]
pub(crate) struct Statistics {
    pub(crate) mean: [f64; 3],
    pub(crate) covariance: Matrix,
}

impl Statistics {
    /// Of `space` of each pixel's colour, weighted by alpha; `None` if nothing is visible. The sums are made in the
    /// same order whatever the number of threads.
    pub(crate) fn of(
        samples: &[f32],
        channels: usize,
        space: impl Fn([f32; 3]) -> [f64; 3] + Sync,
    ) -> Option<Self> {
        let sums = pixels::folded(samples, channels, |task| {
            let mut sums = Sums::default();
            for pixel in task.chunks_exact(channels) {
                sums.add(space(pixels::colour(pixel)), f64::from(pixels::weight(pixel)));
            }
            sums
        });
        let all = sums.into_iter().fold(Sums::default(), Sums::and);
        // Also false for NaN.
        (all.weight > 0.0).then(|| all.statistics())
    }

    /// The standard deviation of each channel.
    pub(crate) fn deviation(&self) -> [f64; 3] {
        std::array::from_fn(|i| self.covariance[i][i].max(0.0).sqrt())
    }
}

/// Sums over pixels: the weights, and with them the values and the products of two values.
#[derive(Default)]
struct Sums {
    weight: f64,
    values: [f64; 3],
    products: Matrix,
}

impl Sums {
    fn add(&mut self, value: [f64; 3], weight: f64) {
        self.weight += weight;
        for (i, one) in value.into_iter().enumerate() {
            self.values[i] += weight * one;
            for (j, other) in value.into_iter().enumerate().skip(i) {
                self.products[i][j] += weight * one * other;
            }
        }
    }

    fn and(mut self, other: Self) -> Self {
        self.weight += other.weight;
        for i in 0..3 {
            self.values[i] += other.values[i];
            for j in i..3 {
                self.products[i][j] += other.products[i][j];
            }
        }
        self
    }

    fn statistics(&self) -> Statistics {
        let mean = self.values.map(|sum| sum / self.weight);
        let covariance = |i: usize, j: usize| {
            // Only the upper half was summed.
            let (i, j) = (i.min(j), i.max(j));
            self.products[i][j] / self.weight - mean[i] * mean[j]
        };
        Statistics { mean, covariance: std::array::from_fn(|i| std::array::from_fn(|j| covariance(i, j))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(samples: &[f32], channels: usize) -> Option<Statistics> {
        Statistics::of(samples, channels, |colour| colour.map(f64::from))
    }

    #[test]
    fn by_hand() {
        let found = of(&[0.0, 0.5, 1.0, 1.0, 0.5, 0.0], 3).expect("two pixels");
        assert_eq!(found.mean, [0.5; 3]);
        assert_eq!(found.covariance, [[0.25, 0.0, -0.25], [0.0, 0.0, 0.0], [-0.25, 0.0, 0.25]]);
        assert_eq!(found.deviation(), [0.5, 0.0, 0.5]);
        let grey = of(&[0.0, 1.0], 1).expect("two pixels");
        assert_eq!((grey.mean, grey.covariance), ([0.5; 3], [[0.25; 3]; 3]));
    }

    #[test]
    fn what_cannot_be_seen_does_not_count() {
        // 0 with weight 1/4, 1 with weight 3/4.
        let found = of(&[0.0, 0.0, 0.0, 0.25, 1.0, 1.0, 1.0, 0.75, 0.3, 0.3, 0.3, 0.0], 4).expect("visible");
        assert_eq!((found.mean, found.covariance[0][1]), ([0.75; 3], 0.1875));
        assert!(of(&[0.5, 0.5, 0.5, 0.0], 4).is_none());
        assert!(of(&[0.5, 0.5, 0.5, f32::NAN], 4).is_none());
    }

    #[test]
    fn many_pixels_are_as_few() {
        // 20000 of 0.25 and as many of 0.75.
        let samples = [0.25, 0.75].repeat(20_000);
        let found = of(&samples, 1).expect("visible");
        assert!((found.mean[0] - 0.5).abs() < 1e-12 && (found.covariance[2][0] - 0.0625).abs() < 1e-12);
    }
}
