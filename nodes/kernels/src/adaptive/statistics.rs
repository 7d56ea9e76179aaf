use rayon::prelude::*;

use super::rows::{Map, Moments};
use crate::element::Element;

/// Of every image and channel of a map, `[n, c]` each.
pub(super) struct Statistics<T> {
    pub(super) means: Vec<T>,
    /// `1 / sqrt(variance + epsilon)`.
    pub(super) inverses: Vec<T>,
}

impl<T: Element> Statistics<T> {
    /// In two passes, as a variance that is much smaller than the square of its mean needs.
    pub(super) fn of(map: &Map<'_, T>, epsilon: f64) -> Self {
        let [n, h, w, c] = map.shape;
        let pixels = (h * w) as f64;
        let sums = moments(map, &vec![T::ZERO; n * c], None);
        let centres: Vec<T> = sums.iter().map(|[sum, _]| T::from_f64(sum / pixels)).collect();
        let (mut means, mut inverses) = (Vec::with_capacity(n * c), Vec::with_capacity(n * c));
        for (centre, [sum, square]) in centres.iter().zip(moments(map, &centres, None)) {
            // What the first pass rounded away.
            let shift = sum / pixels;
            means.push(T::from_f64(centre.to_f64() + shift));
            inverses.push(T::from_f64(1.0 / (square / pixels - shift * shift + epsilon).sqrt()));
        }
        Self { means, inverses }
    }
}

/// Sums over the pixels of every image and channel, `[n, c]`: of `f` and of `f (v - centre)`. `f` is the gradient, or
/// `v - centre` if there is none.
///
/// Every task sums a row in the map's type; the rows' sums are added in order.
pub(super) fn moments<T: Element>(map: &Map<'_, T>, centres: &[T], gradient: Option<&[T]>) -> Vec<[f64; 2]> {
    let [n, h, w, c] = map.shape;
    let of_row = |row: usize| {
        let mut sums = vec![T::ZERO; 2 * c];
        let (first, second) = sums.split_at_mut(c);
        let gradient = gradient.map(|gradient| &gradient[row * w * c..][..w * c]);
        T::run(Moments { row: map.row(row), centres: &centres[row / h * c..][..c], gradient, first, second });
        sums
    };
    let rows: Vec<Vec<T>> = (0..n * h).into_par_iter().map(of_row).collect();
    let mut totals = vec![[0.0; 2]; n * c];
    for (row, sums) in rows.iter().enumerate() {
        let (first, second) = sums.split_at(c);
        let totals = &mut totals[row / h * c..][..c];
        for ((total, first), second) in totals.iter_mut().zip(first).zip(second) {
            total[0] += first.to_f64();
            total[1] += second.to_f64();
        }
    }
    totals
}
