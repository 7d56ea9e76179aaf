use rayon::prelude::*;

use crate::activation::{Activation, Add};
use crate::element::Element;
use crate::simd::{Job, Lanes};

/// `y[i, j] = x[i / factor, j / factor]`.
pub(crate) fn upsample<T: Element>(map: &Activation<T>, factor: usize) -> Activation<T> {
    let mut out = Activation::new([map.n, map.c, map.h * factor, map.w * factor]);
    let (row, out_row) = (map.w * map.c, out.w * out.c);
    if row > 0 {
        out.data.par_chunks_mut(out_row * factor).zip(map.data.par_chunks(row)).for_each(|(to, from)| {
            let (first, others) = to.split_at_mut(out_row);
            for (to, pixel) in first.chunks_exact_mut(factor * map.c).zip(from.chunks_exact(map.c)) {
                for to in to.chunks_exact_mut(map.c) {
                    to.copy_from_slice(pixel);
                }
            }
            for to in others.chunks_exact_mut(out_row) {
                to.copy_from_slice(first);
            }
        });
    }
    out
}

/// The adjoint: sums the `factor x factor` gradients of every source pixel.
pub(crate) fn sum_blocks<T: Element>(gradient: &Activation<T>, factor: usize) -> Activation<T> {
    let mut out = Activation::new([gradient.n, gradient.c, gradient.h / factor, gradient.w / factor]);
    let (row, c) = (out.w * out.c, out.c);
    if row > 0 {
        let blocks = gradient.data.par_chunks(gradient.w * c * factor);
        out.data.par_chunks_mut(row).zip(blocks).for_each(|(to, blocks)| {
            T::run(SumBlocks { blocks, factor, c, to });
        });
    }
    out
}

/// A row of sums.
struct SumBlocks<'a, T> {
    /// `factor` rows `[factor, w * factor, c]`.
    blocks: &'a [T],
    factor: usize,
    c: usize,
    /// `[w, c]`.
    to: &'a mut [T],
}

impl<T: Element> Job<T> for SumBlocks<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Element = T>>(self) {
        let Self { blocks, factor, c, to } = self;
        let row_len = blocks.len() / factor;
        for (x, to) in to.chunks_exact_mut(c).enumerate() {
            to.copy_from_slice(&blocks[x * factor * c..][..c]);
            for index in 1..factor * factor {
                let (v, u) = (index / factor, index % factor);
                let from = &blocks[v * row_len + (x * factor + u) * c..][..c];
                Add { to: &mut *to, from }.run::<V>();
            }
        }
    }
}
