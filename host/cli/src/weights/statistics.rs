use dreamwire_formats::Tensor;

/// What the numbers of a tensor are like, as f32.
pub(super) struct Statistics {
    /// Smallest, largest and mean of the finite numbers; nothing if there are none.
    pub(super) range: Option<[f64; 3]>,
    pub(super) nan: usize,
    pub(super) infinite: usize,
}

impl Statistics {
    /// Of all numbers of the tensor.
    pub(super) fn of(tensor: &Tensor<'_>) -> Self {
        let (mut low, mut high, mut sum) = (f64::INFINITY, f64::NEG_INFINITY, 0.0);
        let (mut finite, mut nan, mut infinite) = (0u64, 0, 0);
        for value in tensor.to_f32().into_iter().map(f64::from) {
            if value.is_finite() {
                (low, high, sum, finite) = (low.min(value), high.max(value), sum + value, finite + 1);
            } else if value.is_nan() {
                nan += 1;
            } else {
                infinite += 1;
            }
        }
        let range = (finite > 0).then(|| [low, high, sum / finite as f64]);
        Self { range, nan, infinite }
    }

    /// How many numbers are not finite, in words; nothing if all are.
    pub(super) fn broken(&self) -> Option<String> {
        let counts = [(self.nan, "NaN"), (self.infinite, "infinite")];
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        let counts: Vec<String> = counts.map(|(count, what)| format!("{count} {what}")).collect();
        (!counts.is_empty()).then(|| counts.join(", "))
    }
}
