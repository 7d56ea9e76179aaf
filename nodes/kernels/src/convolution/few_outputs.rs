//! The gradient of maps with few channels, such as pictures.
//!
//! A transposed convolution would compute panels of 16 outputs, of which a few are used, and multiply by the
//! zeros that a stride puts between pixels. Instead every pixel of the gradient is multiplied by the whole
//! kernel at once,
//!
//! ```text
//! parts[pixels, kh kw C] = gradient[pixels, O] * filters[O, kh kw C]
//! ```
//!
//! and its part is added to the window that it was computed from. A task owns rows of the result; the few
//! rows of the gradient that contribute to the rows of two tasks are multiplied by both.

use std::ops::Range;

use rayon::prelude::*;

use crate::activation::Activation;
use crate::element::Element;
use crate::filters::Filters;
use crate::layer::{Padding, PaddingMode};
use crate::product::{COLUMNS, Product, SLICE_DEPTH};
use crate::simd::{Job, Lanes};

/// With more channels a transposed convolution fills enough of its panels.
const MOST_OUTPUTS: usize = 4;
/// Pixels of the gradient that are multiplied at once, so that their parts stay in the L1 cache: divisible by
/// tiles of 3, 6 and 14 rows.
const PIXELS: usize = 42;
/// Strips per image, if the other limits allow it: work for several threads.
const STRIPS: usize = 8;
/// Elements of a strip: 256 KiB in f32.
const STRIP_LEN: usize = 1 << 16;
/// Rows of a strip per row that a window extends beyond it: at most a tenth is multiplied twice.
const ROWS_PER_OVERHANG: usize = 10;

/// Whether the way back through a convolution with these numbers of outputs and inputs gains from it: decided by shapes
/// alone.
pub(super) fn is_worthwhile([outputs, inputs]: [usize; 2]) -> bool {
    (1..=MOST_OUTPUTS).contains(&inputs) && outputs > 0
}

/// The gradient with respect to an input of `h` by `w` pixels, `[n, h, w, c]`, from that of the outputs.
pub(super) fn correlate_transposed<T: Element>(
    gradient: &Activation<T>,
    transposed: &Filters<T>,
    padding: Padding,
    stride: usize,
    [h, w]: [usize; 2],
) -> Activation<T> {
    // The gradient of padded zeros is dropped; that of mirrored pixels has to be folded back.
    let (cut, rest) = match padding.mode {
        PaddingMode::Zeros => (padding, Padding::zeros(0)),
        PaddingMode::Reflect => (Padding::zeros(0), padding),
    };
    let size = [h + rest.top + rest.bottom, w + rest.left + rest.right];
    let mut out = Activation::new([gradient.n, transposed.outputs, size[0], size[1]]);
    if !out.data.is_empty() {
        let padded_row = (w + padding.left + padding.right) * transposed.outputs;
        add_windows(gradient, transposed, stride, cut, padded_row, &mut out);
    }
    if rest.is_empty() { out } else { rest.fold(&out) }
}

/// Writes to `out` the part of the padded map, whose rows have `padded_row` elements, that remains without
/// the padding `cut`.
fn add_windows<T: Element>(
    gradient: &Activation<T>,
    transposed: &Filters<T>,
    stride: usize,
    cut: Padding,
    padded_row: usize,
    out: &mut Activation<T>,
) {
    let filters = whole_kernels(transposed);
    let columns = filters.outputs.next_multiple_of(COLUMNS);
    let (row_len, image_len, skipped) = (out.w * out.c, out.image_len(), cut.left * out.c);
    let rows = strip_rows(out.h, padded_row, transposed.kh);
    let strips = out.data.par_chunks_mut(image_len).enumerate().flat_map(|(n, image)| {
        image.par_chunks_mut(rows * row_len).enumerate().map(move |(strip, out)| (n, strip * rows, out))
    });
    strips.for_each(|(n, first, out)| {
        let rows = out.len() / row_len;
        T::with_scratch(rows * padded_row + PIXELS * columns, |scratch| {
            let (sums, parts) = scratch.split_at_mut(rows * padded_row);
            T::run(Strip {
                gradient: &gradient.data[n * gradient.image_len()..][..gradient.image_len()],
                size: [gradient.h, gradient.w],
                filters: &filters,
                kernel: [transposed.kh, transposed.kw],
                stride,
                rows: first + cut.top..first + cut.top + rows,
                padded_row,
                sums: &mut *sums,
                parts,
            });
            for (to, sums) in out.chunks_exact_mut(row_len).zip(sums.chunks_exact(padded_row)) {
                to.copy_from_slice(&sums[skipped..][..row_len]);
            }
        });
    });
}

/// Rows per strip: they depend on the shape alone, so that results never depend on the threads.
fn strip_rows(h: usize, padded_row: usize, kh: usize) -> usize {
    let rows = (h / STRIPS).min(STRIP_LEN / padded_row).max(ROWS_PER_OVERHANG * (kh - 1)).clamp(1, h);
    // Equal strips: the last one should not be a sliver.
    h.div_ceil(h.div_ceil(rows))
}

/// Filters of one pixel whose outputs are whole windows, `[kh, kw, c]`.
fn whole_kernels<T: Element>(transposed: &Filters<T>) -> Filters<T> {
    let Filters { kh, kw, inputs, outputs, .. } = *transposed;
    Filters::pack([kh * kw * outputs, inputs, 1, 1], |column, input, _, _| {
        let (place, output) = (column / outputs, column % outputs);
        // The transposed ones are flipped.
        transposed.weight(output, input, kh - 1 - place / kw, kw - 1 - place % kw)
    })
}

/// Some rows of the gradient of one padded image.
struct Strip<'a, T> {
    /// The gradient of one image's outputs, `[h, w, o]`.
    gradient: &'a [T],
    /// Its height and width.
    size: [usize; 2],
    filters: &'a Filters<T>,
    kernel: [usize; 2],
    stride: usize,
    /// The rows of the padded image.
    rows: Range<usize>,
    padded_row: usize,
    sums: &'a mut [T],
    /// Room for the parts of `PIXELS` pixels.
    parts: &'a mut [T],
}

impl<T: Element> Job<T> for Strip<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Element = T>>(self) {
        let Self { gradient, size: [h, w], filters, kernel: [kh, kw], stride, rows, padded_row, sums, parts } =
            self;
        let (inputs, columns) = (filters.inputs, filters.outputs.next_multiple_of(COLUMNS));
        // Elements of a window's row, and from window to window.
        let span = filters.outputs / kh;
        let step = stride * span / kw;
        assert!(gradient.len() >= h * w * inputs);
        assert!(w * step + span <= padded_row + step);
        assert!(sums.len() >= rows.len() * padded_row && parts.len() >= PIXELS * columns);
        sums.fill(T::ZERO);
        // Windows this far apart do not overlap, so additions to one do not wait for those to the next.
        let apart = kw.div_ceil(stride);
        let first = (rows.start + 1).saturating_sub(kh).div_ceil(stride);
        let end = rows.end.div_ceil(stride).min(h);
        for y in first..end {
            let top = y * stride;
            // The rows of its windows that belong to this strip.
            let (from_v, to_v) = (rows.start.saturating_sub(top), kh.min(rows.end - top));
            let mut start = 0;
            while start < w {
                let count = PIXELS.min(w - start);
                // SAFETY: by the asserts above the gradient has these pixels, and there is room for their
                // parts. Filters are whole panels.
                unsafe {
                    Product {
                        lhs: gradient.as_ptr().add((y * w + start) * inputs),
                        lhs_stride: inputs,
                        rows: count,
                        depth: inputs,
                        rhs: filters.row(0).as_ptr(),
                        panel_len: inputs * COLUMNS,
                        out: parts.as_mut_ptr(),
                        out_stride: columns,
                        columns,
                        accumulate: false,
                    }
                    .compute::<V>(SLICE_DEPTH);
                }
                for phase in 0..apart {
                    let mut pixel = phase;
                    while pixel < count {
                        for v in from_v..to_v {
                            let from = pixel * columns + v * span;
                            let to = (top + v - rows.start) * padded_row + (start + pixel) * step;
                            // SAFETY: a pixel has `kh` spans of parts; row `top + v` is one of the strip's,
                            // and by the assert above windows end within the padded row.
                            unsafe {
                                add::<V>(parts.as_ptr().add(from), sums.as_mut_ptr().add(to), span);
                            }
                        }
                        pixel += apart;
                    }
                }
                start += PIXELS;
            }
        }
    }
}

/// Adds `count` elements.
///
/// # Safety
///
/// Both pointers are valid for `count` elements, and nobody else uses those of `to`.
#[inline(always)]
unsafe fn add<V: Lanes>(from: *const V::Element, to: *mut V::Element, count: usize) {
    let mut at = 0;
    while at + V::WIDTH <= count {
        // SAFETY: a vector from `at` on is inside.
        unsafe { V::load(to.add(at)).add(V::load(from.add(at))).store(to.add(at)) };
        at += V::WIDTH;
    }
    while at < count {
        // SAFETY: `at` is less than the count.
        unsafe { *to.add(at) += *from.add(at) };
        at += 1;
    }
}
