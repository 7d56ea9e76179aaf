/// Random numbers by position: the n-th number of a seed is computed, not drawn, so that a step's
/// numbers do not depend on what ran before it.
///
/// splitmix64 (Steele, Lea & Flood 2014): the finaliser of `seed + (n + 1) * 0x9E3779B97F4A7C15`.
#[derive(Debug, Clone, Copy)]
pub struct CounterRng {
    seed: u64,
}

impl CounterRng {
    /// Numbers of `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// Independent numbers for one `stream` (an octave, a step) of this seed.
    pub fn stream(self, stream: u64) -> Self {
        Self { seed: self.at(stream) }
    }

    /// The number at `position`: uniform over all of `u64`.
    pub fn at(self, position: u64) -> u64 {
        let mut z = self.seed.wrapping_add(position.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// An integer in `low..=high`, uniform to within `(high - low) / 2^64`.
    pub fn integer(self, position: u64, low: i64, high: i64) -> i64 {
        let count = high.abs_diff(low) + 1;
        let scaled = (u128::from(self.at(position)) * u128::from(count)) >> 64;
        low + scaled as i64
    }
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
}
