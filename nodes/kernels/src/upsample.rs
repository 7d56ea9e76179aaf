use rayon::prelude::*;

use crate::activation::Activation;
use crate::element::Element;

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

/// The transpose: sums the `factor x factor` gradients of every source pixel.
pub(crate) fn sum_blocks<T: Element>(gradient: &Activation<T>, factor: usize) -> Activation<T> {
    let mut out = Activation::zeros([gradient.n, gradient.c, gradient.h / factor, gradient.w / factor]);
    let (row, c) = (out.w * out.c, out.c);
    if row > 0 {
        let blocks = gradient.data.par_chunks(gradient.w * c * factor);
        out.data.par_chunks_mut(row).zip(blocks).for_each(|(to, block)| {
            for from in block.chunks_exact(gradient.w * c) {
                for (to, from) in to.chunks_exact_mut(c).zip(from.chunks_exact(factor * c)) {
                    for pixel in from.chunks_exact(c) {
                        for (to, from) in to.iter_mut().zip(pixel) {
                            *to += *from;
                        }
                    }
                }
            }
        });
    }
    out
}
