use std::ops::Range;

use super::axis::{Axis, Links};
use super::ring::{BLOCK, Ring};
use crate::element::Element;
use crate::fir::Separable;
use crate::simd::Lanes;

/// A separable filter over the rows and columns of a map, or its adjoint.
pub(super) struct Resampling<T> {
    /// Rows and columns of every term of the filter. All terms may read the same inputs.
    terms: Vec<[Links<T>; 2]>,
}

impl<T: Element> Resampling<T> {
    pub(super) fn new([rows, columns]: &[Axis; 2], filter: &Separable) -> Self {
        let terms = filter.terms().iter();
        let terms = terms.map(|[column, row]| [Links::new(rows, column), Links::new(columns, row)]);
        Self { terms: terms.collect() }
    }

    pub(super) fn transposed([rows, columns]: &[Axis; 2], filter: &Separable) -> Self {
        let terms = filter.terms().iter();
        let terms =
            terms.map(|[column, row]| [Links::transposed(rows, column), Links::transposed(columns, row)]);
        Self { terms: terms.collect() }
    }

    pub(super) fn rows(&self) -> &Links<T> {
        &self.terms[0][0]
    }

    pub(super) fn columns(&self) -> &Links<T> {
        &self.terms[0][1]
    }

    /// Row `y` of the result at some columns, one block each, from a source that holds the rows that it
    /// reads. `blended` is at least as long as a row of the source.
    #[inline(always)]
    pub(super) fn row<V: Lanes<Element = T>>(
        &self,
        source: &Ring<T>,
        y: usize,
        columns: Range<usize>,
        blended: &mut [T],
        out: &mut [T],
    ) {
        let mut overwrite = true;
        for [rows, row] in &self.terms {
            let (first, weights) = rows.of(y);
            if weights.is_empty() {
                continue;
            }
            source.blend::<V>(first, weights, blended);
            for (x, out) in columns.clone().zip(out.chunks_exact_mut(BLOCK)) {
                let (first, weights) = row.of(x);
                let pixels = &blended[(first - source.columns().start) * BLOCK..][..weights.len() * BLOCK];
                for lane in (0..BLOCK).step_by(V::WIDTH) {
                    let out = &mut out[lane..][..V::WIDTH];
                    let mut sum = if overwrite { V::splat(T::ZERO) } else { V::load_part(out) };
                    for (pixel, weight) in pixels.chunks_exact(BLOCK).zip(weights) {
                        sum = V::load_part(&pixel[lane..][..V::WIDTH]).mul_add(V::splat(*weight), sum);
                    }
                    sum.store_part(out);
                }
            }
            overwrite = false;
        }
        if overwrite {
            out.fill(T::ZERO);
        }
    }
}
