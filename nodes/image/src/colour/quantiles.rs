//! Distributions of one channel, and the rising curve that turns one into another.

use rayon::prelude::*;

/// The values of a channel, rising, each with the share of the picture below it; of equal values, half counts as below.
pub(crate) struct Quantiles(Vec<(f32, f64)>);

impl Quantiles {
    /// Of values with weights; those without weight, and what is no number, do not count. `None` if nothing does.
    pub(crate) fn of(values: impl Iterator<Item = (f32, f32)>) -> Option<Self> {
        let mut values: Vec<_> =
            values.filter(|(value, weight)| value.is_finite() && *weight > 0.0).collect();
        values.par_sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let total: f64 = values.iter().map(|(_, weight)| f64::from(*weight)).sum();
        let mut below = 0.0;
        let equal = values.chunk_by(|a, b| a.0 == b.0);
        let quantiles: Vec<_> = equal
            .map(|equal| {
                let weight: f64 = equal.iter().map(|(_, weight)| f64::from(*weight)).sum();
                below += weight;
                (equal[0].0, (below - weight / 2.0) / total)
            })
            .collect();
        (!quantiles.is_empty()).then_some(Self(quantiles))
    }

    /// The value at a share in 0..1, linear between two values.
    fn at(&self, share: f64) -> f32 {
        between(&self.0, |(_, found)| *found < share, |(value, found)| (*found, f64::from(*value)), share)
    }

    /// The rising curve from these values to those of `other` with the same share below.
    pub(crate) fn curve(&self, other: &Self) -> Curve {
        Curve(self.0.iter().map(|(value, share)| (*value, other.at(*share))).collect())
    }
}

/// A function by points, linear between them and constant outside.
pub(crate) struct Curve(Vec<(f32, f32)>);

impl Curve {
    pub(crate) fn at(&self, value: f32) -> f32 {
        between(
            &self.0,
            |(from, _)| *from < value,
            |(from, to)| (f64::from(*from), f64::from(*to)),
            f64::from(value),
        )
    }
}

/// The function through `points` at `x`; `before` says which points lie before it.
fn between<T>(points: &[T], before: impl Fn(&T) -> bool, point: impl Fn(&T) -> (f64, f64), x: f64) -> f32 {
    let after = points.partition_point(before);
    let value = match (after.checked_sub(1).and_then(|it| points.get(it)), points.get(after)) {
        (Some(low), Some(high)) => {
            let ((from, below), (to, above)) = (point(low), point(high));
            let part = (x - from) / (to - from);
            // In this form both ends are exact.
            below * (1.0 - part) + above * part
        }
        (Some(only), None) | (None, Some(only)) => point(only).1,
        (None, None) => x,
    };
    value as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f32]) -> Quantiles {
        Quantiles::of(values.iter().map(|v| (*v, 1.0))).expect("values")
    }

    #[test]
    fn shares_by_hand() {
        // Of four values, one is below the middle of 0.5 (twice): (1 + 1) / 4.
        assert_eq!(of(&[0.5, 0.9, 0.1, 0.5]).0, [(0.1, 0.125), (0.5, 0.5), (0.9, 0.875)]);
        let weighted = Quantiles::of([(0.2, 3.0), (0.4, 1.0), (0.7, 0.0), (f32::NAN, 1.0)].into_iter());
        assert_eq!(weighted.expect("values").0, [(0.2, 0.375), (0.4, 0.875)]);
        assert!(Quantiles::of([(0.5, 0.0)].into_iter()).is_none());
    }

    #[test]
    fn a_distribution_becomes_another() {
        let curve = of(&[0.1, 0.2, 0.3, 0.4]).curve(&of(&[0.8, 0.2, 0.6, 0.4]));
        for (value, expected) in
            [(0.1, 0.2), (0.2, 0.4), (0.3, 0.6), (0.4, 0.8), (0.25, 0.5), (0.0, 0.2), (1.0, 0.8)]
        {
            assert!((curve.at(value) - expected).abs() < 1e-6, "{value}: {}", curve.at(value));
        }
        // Half as many values: between the quantiles 1/4 and 3/4 linear, outside of them constant.
        let curve = of(&[0.1, 0.2, 0.3, 0.4]).curve(&of(&[0.0, 1.0]));
        for (value, expected) in [(0.1, 0.0), (0.2, 0.25), (0.3, 0.75), (0.4, 1.0)] {
            assert!((curve.at(value) - expected).abs() < 1e-6, "{value}: {}", curve.at(value));
        }
    }

    #[test]
    fn it_rises_and_leaves_its_own_distribution_alone() {
        let values: Vec<f32> = (0..997u32).map(|i| ((i * 7919) % 1009) as f32 / 1009.0).collect();
        let own = of(&values);
        let same = own.curve(&of(&values));
        assert!(values.iter().all(|v| same.at(*v) == *v));
        let squares: Vec<f32> = values.iter().step_by(3).map(|v| v * v).collect();
        let curve = own.curve(&of(&squares));
        let mut before = 0.0;
        for step in 0..=500u16 {
            let now = curve.at(f32::from(step) / 500.0);
            assert!(now >= before, "{step}: {now} after {before}");
            before = now;
        }
    }
}
