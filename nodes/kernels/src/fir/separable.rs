/// A filter as a sum of outer products of a column and a row. All columns have the same length, and so have
/// all rows.
#[derive(Debug, Clone)]
pub(crate) struct Separable {
    terms: Vec<[Vec<f64>; 2]>,
}

impl Separable {
    /// These taps along columns and along rows.
    pub(crate) fn square(taps: Vec<f64>) -> Self {
        Self { terms: vec![[taps.clone(), taps]] }
    }

    /// `filter`, rows of `kw` taps: one product if that is possible, otherwise one per row.
    pub(crate) fn of(filter: &[f64], kw: usize) -> Self {
        let largest =
            (0..filter.len()).max_by(|a, b| filter[*a].abs().total_cmp(&filter[*b].abs())).unwrap_or(0);
        let (v, u, peak) = (largest / kw, largest % kw, filter[largest]);
        let row = filter[v * kw..][..kw].to_vec();
        let column: Vec<f64> = filter.chunks_exact(kw).map(|row| row[u] / peak).collect();
        let product = column.iter().flat_map(|down| row.iter().map(move |across| down * across));
        // NaN (of a filter of zeros) is not separable.
        if filter.iter().zip(product).all(|(tap, product)| (tap - product).abs() <= 1e-6 * peak.abs()) {
            return Self { terms: vec![[column, row]] };
        }
        Self::by_rows(filter, kw, 1.0)
    }

    /// `filter`, rows of `kw` taps, times `gain`: one product per row.
    pub(crate) fn by_rows(filter: &[f64], kw: usize, gain: f64) -> Self {
        let column = |v: usize| (0..filter.len() / kw).map(|i| if i == v { gain } else { 0.0 }).collect();
        let terms = filter.chunks_exact(kw).enumerate().map(|(v, row)| [column(v), row.to_vec()]);
        Self { terms: terms.collect() }
    }

    /// All taps in reverse order.
    pub(crate) fn reversed(&self) -> Self {
        let reversed = |taps: &Vec<f64>| taps.iter().rev().copied().collect();
        Self { terms: self.terms.iter().map(|term| term.each_ref().map(reversed)).collect() }
    }

    /// Columns and rows, one pair at least.
    pub(crate) fn terms(&self) -> &[[Vec<f64>; 2]] {
        &self.terms
    }

    /// Taps of a column and of a row.
    pub(crate) fn size(&self) -> [usize; 2] {
        let [column, row] = &self.terms[0];
        [column.len(), row.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The filter that the products add up to, row by row.
    fn sum(filter: &Separable) -> Vec<f64> {
        let [kh, kw] = filter.size();
        let tap =
            |v: usize, u: usize| filter.terms().iter().map(|[column, row]| column[v] * row[u]).sum::<f64>();
        (0..kh).flat_map(|v| (0..kw).map(move |u| (v, u))).map(|(v, u)| tap(v, u)).collect()
    }

    #[test]
    fn a_product_is_found() {
        let filter = [0.5, 1.0, -1.5, 1.0, 2.0, -3.0];
        let found = Separable::of(&filter, 3);
        assert_eq!((found.terms().len(), found.size()), (1, [2, 3]));
        assert_eq!(sum(&found), filter);
        assert_eq!(sum(&Separable::square(vec![1.0, 2.0])), [1.0, 2.0, 2.0, 4.0]);
        assert_eq!(sum(&found.reversed()), [-3.0, 2.0, 1.0, -1.5, 1.0, 0.5]);
    }

    #[test]
    fn other_filters_are_sums_of_rows() {
        let filter = [1.0, 0.0, 0.0, 1.0];
        let found = Separable::of(&filter, 2);
        assert_eq!(found.terms().len(), 2);
        assert_eq!(sum(&found), filter);
        assert_eq!(sum(&Separable::by_rows(&filter, 2, 3.0)), filter.map(|tap| 3.0 * tap));
        assert_eq!(sum(&Separable::of(&[0.0; 6], 3)), [0.0; 6]);
    }
}
