use std::ops::Range;

use crate::element::Element;
use crate::simd::Lanes;

/// Channels that are processed together. The last block of a map may have fewer; its remaining lanes are
/// computed and never read.
pub(super) const BLOCK: usize = 16;

/// Vectors of sums that a loop keeps in registers.
const VECTORS: usize = 4;

/// The last few rows of a part of a map: some of its columns, one block of channels.
pub(super) struct Ring<T> {
    /// Row `y` is `y % rows`.
    values: Vec<T>,
    rows: usize,
    /// A multiple of `VECTORS` blocks, so that loops over rows have no remainder.
    row_len: usize,
    columns: Range<usize>,
    next: usize,
}

impl<T: Element> Ring<T> {
    pub(super) fn new() -> Self {
        Self { values: Vec::new(), rows: 1, row_len: 0, columns: 0..0, next: 0 }
    }

    /// Empties the ring, for `rows` rows at a time from row `first` on.
    pub(super) fn start(&mut self, rows: usize, first: usize, columns: Range<usize>) {
        self.rows = rows.max(1);
        self.row_len = columns.len().next_multiple_of(VECTORS) * BLOCK;
        self.columns = columns;
        self.next = first;
        grow(&mut self.values, self.rows * self.row_len);
    }

    pub(super) fn columns(&self) -> &Range<usize> {
        &self.columns
    }

    pub(super) fn row_len(&self) -> usize {
        self.row_len
    }

    /// The row that comes next.
    #[inline(always)]
    pub(super) fn next(&self) -> usize {
        self.next
    }

    /// Space for the next row, which replaces the oldest.
    #[inline(always)]
    pub(super) fn push(&mut self) -> &mut [T] {
        let slot = self.next % self.rows;
        self.next += 1;
        &mut self.values[slot * self.row_len..][..self.row_len]
    }

    /// The sum of the rows from `first`, times their weights.
    #[inline(always)]
    pub(super) fn blend<V: Lanes<Element = T>>(&self, first: usize, weights: &[T], out: &mut [T]) {
        let values = &self.values[..self.rows * self.row_len];
        let row = first % self.rows * self.row_len;
        let group = VECTORS * V::WIDTH;
        for (number, out) in out[..self.row_len].chunks_exact_mut(group).enumerate() {
            let mut sums = [V::splat(T::ZERO); VECTORS];
            let mut at = row + number * group;
            for weight in weights {
                let (weight, values) = (V::splat(*weight), &values[at..][..group]);
                for (vector, sum) in sums.iter_mut().enumerate() {
                    *sum = V::load_part(&values[vector * V::WIDTH..][..V::WIDTH]).mul_add(weight, *sum);
                }
                at += self.row_len;
                if at >= self.rows * self.row_len {
                    at -= self.rows * self.row_len;
                }
            }
            for (vector, sum) in sums.iter().enumerate() {
                sum.store_part(&mut out[vector * V::WIDTH..][..V::WIDTH]);
            }
        }
    }
}

/// Makes room for at least `len` elements.
pub(super) fn grow<T: Element>(values: &mut Vec<T>, len: usize) {
    if values.len() < len {
        values.resize(len, T::ZERO);
    }
}
