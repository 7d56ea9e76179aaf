//! The filter after an upsampling convolution, with everything that follows it, and the backward pass through
//! both.

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use super::band::{Band, bands};
use super::slopes::{Slopes, Sums, Totals};
use crate::activation::{Activation, View};
use crate::element::Element;
use crate::epilogue::{Epilogue, Finish};
use crate::fir::{Fir, Rows, Separable};
use crate::memory::zeros;
use crate::op::to_f64;
use crate::simd::{Job, Lanes};

/// The filter of an upsampled map, for every channel separately.
#[derive(Clone)]
pub(super) struct Smoothing {
    filter: Separable,
    /// Zeros above and on the left, and below and on the right.
    padding: [usize; 2],
}

impl Smoothing {
    /// The identity: one tap of 1.
    pub(super) fn none() -> Self {
        Self { filter: Separable::square(vec![1.0]), padding: [0, 0] }
    }

    /// `filter` is `[k, k]`; from `2 h + 1` rows it makes `2 h`. The gain is 4, because three of four pixels
    /// of the upsampled input were zeros.
    pub(super) fn new(filter: &Tensor) -> Result<Self> {
        let (kh, kw) = filter.dims2()?;
        if kh != kw || kw < 2 {
            bail!("the filter must be square with at least 2x2 taps, found {kh}x{kw}")
        }
        let padding = [kw.div_ceil(2) - 1, (kw - 2) / 2];
        Ok(Self { filter: Separable::of(&Self::taps_of(filter)?, kw), padding })
    }

    /// The taps of a filter, row by row, times the gain.
    pub(super) fn taps_of(filter: &Tensor) -> Result<Vec<f64>> {
        Ok(to_f64(filter)?.iter().map(|tap| tap * 4.0).collect())
    }

    /// Zeros above the map, and on its left.
    pub(super) fn before(&self) -> usize {
        self.padding[0]
    }

    fn taps(&self) -> usize {
        self.filter.size()[1]
    }

    /// Rows of the result for `size` rows of a map; columns likewise.
    pub(super) fn outputs(&self, size: usize) -> usize {
        (size + self.padding[0] + self.padding[1] + 1).saturating_sub(self.taps())
    }

    /// From a map of the height and width `from`, times `gain`.
    fn forward<T: Element>(&self, from: [usize; 2], channels: usize, gain: f64) -> Fir<T> {
        // This is a convolution, so the filter is flipped.
        let flipped = |taps: &[f64], gain: f64| -> Vec<T> {
            taps.iter().rev().map(|tap| T::from_f64(tap * gain)).collect()
        };
        let terms = self.filter.terms().iter();
        let terms = terms.map(|[column, row]| [flipped(column, gain), flipped(row, 1.0)]);
        let to = from.map(|size| self.outputs(size));
        Fir { terms: terms.collect(), before: self.padding[0], from, to, channels }
    }

    /// The adjoint, to a map of the height and width `to`.
    fn transposed<T: Element>(&self, to: [usize; 2], channels: usize) -> Fir<T> {
        let number = |taps: &[f64]| -> Vec<T> { taps.iter().map(|tap| T::from_f64(*tap)).collect() };
        let terms = self.filter.terms().iter().map(|[column, row]| [number(column), number(row)]);
        let from = to.map(|size| self.outputs(size));
        Fir { terms: terms.collect(), before: self.taps() - 1 - self.padding[0], from, to, channels }
    }

    /// Smooths a map, times `gain`, and does what `epilogue`, which has no scale, says to the outputs. The answer is these
    /// and their shape, `[n, h, w, c]`.
    pub(super) fn apply<T: Element>(
        &self,
        map: View<'_, T>,
        gain: f64,
        epilogue: Epilogue<'_, T>,
    ) -> (Vec<T>, [usize; 4]) {
        let fir = self.forward::<T>([map.h, map.w], map.c, gain);
        let [h, w] = fir.to;
        let mut out = zeros(map.n * h * w * map.c);
        bands(&mut out, h, w * map.c).into_par_iter().for_each(|band| {
            let values = &map.data[band.image * map.image_len()..][..map.image_len()];
            let source = Rows { values, count: map.h, row_len: map.w * map.c, column: 0 };
            T::with_scratch(fir.span_len(), |blended| {
                T::run(Smooth { fir: &fir, source, epilogue, band, blended });
            });
        });
        (out, [map.n, h, w, map.c])
    }

    /// The gradient of the unsmoothed map, of the height and width `size`.
    pub(super) fn gradient<T: Element>(
        &self,
        slopes: &Slopes<'_, T>,
        size: [usize; 2],
        wants_noise: bool,
    ) -> (Activation<T>, Totals<T>) {
        let View { n, c, .. } = slopes.y;
        let fir = self.transposed::<T>(size, c);
        let mut out = Activation::new([n, c, size[0], size[1]]);
        let bands = bands(&mut out.data, size[0], size[1] * c).into_par_iter();
        let sums = bands.map(|band| {
            // Here are at least as many rows as of the outputs. The rows that both have belong to this task.
            let end = (band.first_row + band.values.len() / (size[1] * c)).min(fir.from[0]);
            let mut sums = slopes.sums(band.image, band.first_row.min(end)..end, wants_noise);
            let ring_len = fir.taps() * fir.span_len();
            T::with_scratch(ring_len + fir.span_len(), |scratch| {
                let (ring, blended) = scratch.split_at_mut(ring_len);
                T::run(Spread { fir: &fir, slopes, band, ring, blended, sums: &mut sums });
            });
            sums
        });
        let totals = slopes.add_up(sums.collect());
        (out, totals)
    }
}

/// The outputs of a band.
struct Smooth<'a, T> {
    fir: &'a Fir<T>,
    source: Rows<'a, T>,
    epilogue: Epilogue<'a, T>,
    band: Band<'a, T>,
    /// Room for a row of a tile.
    blended: &'a mut [T],
}

impl<T: Element> Job<T> for Smooth<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Element = T>>(self) {
        let Self { fir, source, epilogue, band, blended } = self;
        let ([h, w], c) = (fir.to, fir.channels);
        for columns in fir.tiles() {
            for (row, out) in band.values.chunks_exact_mut(w * c).enumerate() {
                let y = band.first_row + row;
                let out = &mut out[columns.start * c..columns.end * c];
                fir.row::<V>(&source, y, &columns, blended, out);
                let first_pixel = (band.image * h + y) * w + columns.start;
                Finish { out, channels: c, epilogue, first_pixel }.run::<V>();
            }
        }
    }
}

/// A band of the gradient of the map. The rows of the outputs' gradient that it depends on are computed on
/// the fly, the first and the last of them also by the neighbours; each is in the sums of one task only.
struct Spread<'a, T> {
    /// From the outputs to the map.
    fir: &'a Fir<T>,
    slopes: &'a Slopes<'a, T>,
    band: Band<'a, T>,
    /// Room for as many rows of a tile as there are taps.
    ring: &'a mut [T],
    /// Room for one row of a tile.
    blended: &'a mut [T],
    sums: &'a mut Sums<T>,
}

impl<T: Element> Job<T> for Spread<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Element = T>>(self) {
        let Self { fir, slopes, band, ring, blended, sums } = self;
        let ([h, w], c) = (fir.from, fir.channels);
        let out_len = fir.to[1] * c;
        let rows = band.first_row..band.first_row + band.values.len() / out_len;
        for columns in fir.tiles() {
            let span = fir.span(&columns, w);
            let row_len = span.len() * c;
            let mut next = fir.span(&rows, h).start;
            for (row, out) in band.values.chunks_exact_mut(out_len).enumerate() {
                let y = band.first_row + row;
                let end = fir.span(&(y..y + 1), h).end;
                while next < end {
                    let own = if rows.contains(&next) { columns.clone() } else { 0..0 };
                    let to = &mut ring[next % fir.taps() * row_len..][..row_len];
                    slopes.row::<V>(band.image * h + next, &span, &own, to, sums);
                    next += 1;
                }
                let source = Rows { values: ring, count: fir.taps(), row_len, column: span.start };
                let out = &mut out[columns.start * c..columns.end * c];
                fir.row::<V>(&source, y, &columns, blended, out);
            }
        }
    }
}
