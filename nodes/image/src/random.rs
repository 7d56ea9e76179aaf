//! Counter-based random numbers: a number is a function of the seed and of its index, nothing else. Threads, order and
//! the size of what is filled cannot change it.

/// The numbers of one seed.
#[derive(Clone, Copy)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        // Mixed once more, so that neighbouring seeds do not give one sequence shifted.
        Self(mix(seed ^ 0x6A09_E667_F3BC_C909))
    }

    /// 64 random bits: splitmix64 (Steele, Lea and Flood 2014), entered at `index`.
    pub(crate) fn bits(self, index: u64) -> u64 {
        mix(self.0.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15)))
    }

    /// Uniform in 0..1, 1 excluded.
    pub(crate) fn uniform(self, index: u64) -> f64 {
        (self.bits(index) >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Standard normal (Box and Muller), from the uniforms `2 index` and `2 index + 1`.
    pub(crate) fn gaussian(self, index: u64) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform(index * 2)).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform(index * 2 + 1)).cos()
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(values: impl Iterator<Item = f64>) -> (f64, f64) {
        let values: Vec<f64> = values.collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64;
        (mean, variance.sqrt())
    }

    #[test]
    fn moments_are_the_textbook_ones() {
        let random = Random::new(7);
        let (mean, std) = moments((0..100_000).map(|i| random.uniform(i)));
        assert!((mean - 0.5).abs() < 0.005 && (std - 12f64.sqrt().recip()).abs() < 0.005, "{mean} {std}");
        let (mean, std) = moments((0..100_000).map(|i| random.gaussian(i)));
        assert!(mean.abs() < 0.015 && (std - 1.0).abs() < 0.015, "{mean} {std}");
    }

    #[test]
    fn neighbouring_seeds_and_indices_are_unrelated() {
        for lag in [1, 2, 3] {
            let (a, b) = (Random::new(1), Random::new(1 + lag));
            let n = 20_000;
            let by_seed = (0..n).map(|i| a.gaussian(i) * b.gaussian(i)).sum::<f64>() / n as f64;
            let by_index = (0..n).map(|i| a.gaussian(i) * a.gaussian(i + lag)).sum::<f64>() / n as f64;
            // Four standard errors of 20,000 products.
            assert!(by_seed.abs() < 0.029 && by_index.abs() < 0.029, "{by_seed} {by_index}");
        }
    }

    #[test]
    fn splitmix64_is_the_published_one() {
        // The first outputs for the state 1234567, as every implementation lists them.
        let plain = Random(1_234_567);
        assert_eq!(plain.bits(0), 6_457_827_717_110_365_317);
        assert_eq!(plain.bits(1), 3_203_168_211_198_807_973);
    }
}
