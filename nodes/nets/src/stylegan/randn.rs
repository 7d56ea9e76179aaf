use rand_mt::Mt;

/// `count` standard normal numbers: exactly `numpy.random.RandomState(seed).randn(count)`, which NVIDIA's
/// programs use for the `z` of a seed. A larger count continues the same sequence.
///
/// The bits are the Mersenne Twister's (Matsumoto & Nishimura 1998). Marsaglia's polar method (1964) turns two
/// uniform numbers into two normal ones, of which NumPy returns the second first.
pub fn randn(seed: u32, count: usize) -> Vec<f64> {
    let mut bits = Mt::new(seed);
    // In 0..1, with 53 bits.
    let mut uniform = || {
        let (high, low) = (bits.next_u32() >> 5, bits.next_u32() >> 6);
        (f64::from(high) * f64::from(1 << 26) + f64::from(low)) / (1u64 << 53) as f64
    };
    let mut numbers = Vec::with_capacity(count + 1);
    while numbers.len() < count {
        let [x, y] = [(); 2].map(|()| 2.0 * uniform() - 1.0);
        let square = x * x + y * y;
        if square < 1.0 && square != 0.0 {
            let scale = (-2.0 * square.ln() / square).sqrt();
            numbers.extend([scale * y, scale * x]);
        }
    }
    numbers.truncate(count);
    numbers
}
