//! A separable filter for the rows and columns of a map, one row of the result at a time.

// Loops by index: iterators are not always inlined, and would do without the instructions.
#![allow(clippy::needless_range_loop)]

use std::ops::Range;

use crate::element::Element;
use crate::simd::Lanes;

/// Elements of a row of a tile. Four rows of the source, which a filter of four taps reads, and the two rows
/// computed from them are 384 KiB in f32: they stay in the L2 cache.
const TILE_LEN: usize = 1 << 14;
/// Vectors of sums that a loop keeps in registers.
const VECTORS: usize = 4;

/// `out[y, x] = sum_{v, u} weight[v, u] * source[y + v - before, x + u - before]`, with zeros around the source.
pub(crate) struct Fir<T> {
    /// Weights of rows and of columns; the filter is the sum of their outer products.
    pub(crate) terms: Vec<[Vec<T>; 2]>,
    /// Rows, and columns, of zeros before the source; fewer than there are weights.
    pub(crate) before: usize,
    /// Height and width of the source.
    pub(crate) from: [usize; 2],
    /// Height and width of the result.
    pub(crate) to: [usize; 2],
    pub(crate) channels: usize,
}

/// Rows of a source, all of them or the last few.
pub(crate) struct Rows<'a, T> {
    pub(crate) values: &'a [T],
    /// Row `y` stands at `y % count`.
    pub(crate) count: usize,
    pub(crate) row_len: usize,
    /// The column that a row begins with.
    pub(crate) column: usize,
}

impl<T: Element> Fir<T> {
    /// Weights of a row.
    pub(crate) fn taps(&self) -> usize {
        self.terms[0][1].len()
    }

    /// The rows or columns, of `size`, that some of the result depend on.
    #[inline(always)]
    pub(crate) fn span(&self, results: &Range<usize>, size: usize) -> Range<usize> {
        let end = (results.end + self.taps() - 1 - self.before).min(size);
        results.start.saturating_sub(self.before).min(end)..end
    }

    fn tile_count(&self) -> usize {
        (self.to[1] * self.channels).div_ceil(TILE_LEN).clamp(1, self.to[1].max(1))
    }

    /// The columns of the result in parts that are processed one after the other.
    pub(crate) fn tiles(&self) -> impl Iterator<Item = Range<usize>> + use<T> {
        let (w, count) = (self.to[1], self.tile_count());
        (0..count).map(move |tile| tile * w / count..(tile + 1) * w / count)
    }

    /// Elements of the source that a row of a tile depends on: [`Fir::row`] needs room for them.
    pub(crate) fn span_len(&self) -> usize {
        (self.to[1].div_ceil(self.tile_count()) + self.taps() - 1) * self.channels
    }

    /// Some columns of row `y` of the result: first across the rows, into `blended`, then along them.
    #[inline(always)]
    pub(crate) fn row<V: Lanes<Element = T>>(
        &self,
        source: &Rows<'_, T>,
        y: usize,
        columns: &Range<usize>,
        blended: &mut [T],
        out: &mut [T],
    ) {
        let c = self.channels;
        let span = self.span(columns, self.from[1]);
        let blended = &mut blended[..(columns.len() + self.taps() - 1) * c];
        let start = self.before.saturating_sub(columns.start) * c;
        let end = start + span.len() * c;
        blended[..start].fill(T::ZERO);
        blended[end..].fill(T::ZERO);
        let first = (span.start - source.column) * c;
        let mut sources = Vec::with_capacity(self.taps());
        for (index, [down, across]) in self.terms.iter().enumerate() {
            sources.clear();
            for (tap, weight) in down.iter().enumerate() {
                // Rows of zeros and weights of zero add nothing.
                if y + tap >= self.before && y + tap - self.before < self.from[0] && *weight != T::ZERO {
                    let row = (y + tap - self.before) % source.count;
                    sources.push((row * source.row_len + first, *weight));
                }
            }
            weighted_sum::<T, V>(source.values, &sources, &mut blended[start..end], false);
            sources.clear();
            for (tap, weight) in across.iter().enumerate() {
                sources.push((tap * c, *weight));
            }
            weighted_sum::<T, V>(blended, &sources, out, index > 0);
        }
    }
}

/// `out[i] = sum values[offset + i] * weight` over the `sources`, or `+=`.
#[inline(always)]
fn weighted_sum<T: Element, V: Lanes<Element = T>>(
    values: &[T],
    sources: &[(usize, T)],
    out: &mut [T],
    accumulate: bool,
) {
    for (offset, _) in sources {
        assert!(offset + out.len() <= values.len());
    }
    let mut at = 0;
    while at + VECTORS * V::WIDTH <= out.len() {
        // SAFETY: `out` has so many elements left, and from every offset there are as many values as `out`
        // has.
        unsafe {
            vectors::<T, V, VECTORS>(values.as_ptr().add(at), sources, out.as_mut_ptr().add(at), accumulate);
        }
        at += VECTORS * V::WIDTH;
    }
    while at + V::WIDTH <= out.len() {
        // SAFETY: as above.
        unsafe {
            vectors::<T, V, 1>(values.as_ptr().add(at), sources, out.as_mut_ptr().add(at), accumulate);
        }
        at += V::WIDTH;
    }
    for at in at..out.len() {
        let mut sum = if accumulate { out[at] } else { T::ZERO };
        for (offset, weight) in sources {
            sum += values[offset + at] * *weight;
        }
        out[at] = sum;
    }
}

/// `N` vectors of sums.
///
/// # Safety
///
/// `out`, and `values` from every offset, are valid for `N` vectors, and nobody else uses those of `out`.
#[inline(always)]
unsafe fn vectors<T: Element, V: Lanes<Element = T>, const N: usize>(
    values: *const T,
    sources: &[(usize, T)],
    out: *mut T,
    accumulate: bool,
) {
    let mut sums = [V::splat(T::ZERO); N];
    // SAFETY: the caller's promises.
    unsafe {
        if accumulate {
            for vector in 0..N {
                sums[vector] = V::load(out.add(vector * V::WIDTH));
            }
        }
        for (offset, weight) in sources {
            let (from, weight) = (values.add(*offset), V::splat(*weight));
            for vector in 0..N {
                sums[vector] = V::load(from.add(vector * V::WIDTH)).mul_add(weight, sums[vector]);
            }
        }
        for vector in 0..N {
            sums[vector].store(out.add(vector * V::WIDTH));
        }
    }
}
