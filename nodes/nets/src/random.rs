//! Random numbers by position: the n-th number of a seed is computed, not drawn. It does not depend on threads, order or
//! the size of what is filled, nor on what ran before.
//!
//! ([`crate::stylegan::randn()`] reproduces NumPy's sequence instead, so that published seeds give the published faces.)

/// Increment of splitmix64's state: 2^64 divided by the golden ratio, odd.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// The numbers of one seed.
///
/// splitmix64 (Steele, Lea & Flood 2014), entered anywhere: the finaliser of `seed + (n + 1) * 0x9E3779B97F4A7C15`.
#[derive(Debug, Clone, Copy)]
pub struct CounterRng {
    seed: u64,
}

impl CounterRng {
    /// The generator of `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// Numbers of a `seed` that is mixed first: those of NoiseImage's pictures.
    pub fn mixed(seed: u64) -> Self {
        // The fraction of the square root of 2, so that the seed 0 is not the state 0.
        Self { seed: finalise(seed ^ 0x6A09_E667_F3BC_C909) }
    }

    /// Independent numbers for one `stream` (an octave, a step) of this seed.
    pub fn stream(self, stream: u64) -> Self {
        Self { seed: self.at(stream) }
    }

    /// The number at `position`: uniform over all of `u64`.
    pub fn at(self, position: u64) -> u64 {
        finalise(self.seed.wrapping_add(position.wrapping_add(1).wrapping_mul(STEP)))
    }

    /// An integer in `low..=high`, uniform to within `(high - low) / 2^64`.
    pub fn integer(self, position: u64, low: i64, high: i64) -> i64 {
        let count = high.abs_diff(low) + 1;
        let scaled = (u128::from(self.at(position)) * u128::from(count)) >> 64;
        low + scaled as i64
    }

    /// Uniform in 0..1, 1 excluded: a multiple of 2^-53.
    pub fn uniform(self, position: u64) -> f64 {
        (self.at(position) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Standard normal (Box & Muller 1958), from the uniform numbers `2 position` and `2 position + 1`.
    pub fn normal(self, position: u64) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform(2 * position)).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform(2 * position + 1)).cos()
    }
}

/// splitmix64's, which is Stafford's mix 13.
fn finalise(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reference implementation's first numbers for seed 1234567.
    #[test]
    fn splitmix64() {
        let numbers: Vec<u64> = (0..3).map(|n| CounterRng::new(1_234_567).at(n)).collect();
        assert_eq!(
            numbers,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn integers_cover_their_range() {
        let rng = CounterRng::new(0);
        let mut seen = [0; 7];
        for position in 0..7000 {
            seen[(rng.integer(position, -3, 3) + 3) as usize] += 1;
        }
        assert!(seen.iter().all(|count| (850..1150).contains(count)), "{seen:?}");
        assert_eq!(rng.integer(5, 4, 4), 4);
    }

    fn moments(values: impl Iterator<Item = f64>) -> (f64, f64) {
        let values: Vec<f64> = values.collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64;
        (mean, variance.sqrt())
    }

    #[test]
    fn moments_are_the_textbook_ones() {
        let rng = CounterRng::mixed(7);
        let (mean, std) = moments((0..100_000).map(|n| rng.uniform(n)));
        assert!((mean - 0.5).abs() < 0.005 && (std - 12f64.sqrt().recip()).abs() < 0.005, "{mean} {std}");
        let (mean, std) = moments((0..100_000).map(|n| rng.normal(n)));
        assert!(mean.abs() < 0.015 && (std - 1.0).abs() < 0.015, "{mean} {std}");
    }

    #[test]
    fn neighbouring_seeds_and_positions_are_unrelated() {
        for lag in [1, 2, 3] {
            let (a, b) = (CounterRng::mixed(1), CounterRng::mixed(1 + lag));
            let n = 20_000;
            let by_seed = (0..n).map(|i| a.normal(i) * b.normal(i)).sum::<f64>() / n as f64;
            let by_position = (0..n).map(|i| a.normal(i) * a.normal(i + lag)).sum::<f64>() / n as f64;
            // Four standard errors of 20,000 products.
            assert!(by_seed.abs() < 0.029 && by_position.abs() < 0.029, "{by_seed} {by_position}");
        }
    }

    /// Computed in another language: pictures of noise are made of these numbers, and a seed is to stay a picture.
    #[test]
    fn mixed_seeds_stay_what_they_are() {
        let first = |seed| [0, 1].map(|position| CounterRng::mixed(seed).at(position));
        assert_eq!(first(0), [10_597_403_551_382_543_892, 15_655_174_069_228_407_320]);
        assert_eq!(first(7), [15_381_340_408_456_295_118, 12_074_680_432_912_537_551]);
    }
}
