//! Convolutions of maps with few channels, such as pictures.
//!
//! The sums of one kernel row are short there, and reading and writing the outputs once per row takes longer
//! than the multiplication. So the windows of some pixels are copied whole, and their outputs are written
//! once:
//!
//! ```text
//! out[pixels, O] = windows[pixels, kh kw C] * filters[kh kw C, O]
//! ```
//!
//! Scale, noise, bias, rectifier and clamp are applied to these pixels while they are in the L1 cache.

use rayon::prelude::*;

use super::{Geometry, Window, strip_rows};
use crate::activation::{Activation, View};
use crate::element::Element;
use crate::epilogue::{finish, scale_pixels};
use crate::filters::Filters;
use crate::product::{COLUMNS, Product, SLICE_DEPTH};
use crate::relu::{Signs, byte_len, note_signs};
use crate::shared::Shared;
use crate::simd::{Job, Lanes};

/// With more channels the sums of one kernel row are long enough.
const MOST_INPUTS: usize = 15;
/// Length of a window: copying more would take too long.
const MOST_DEPTH: usize = 160;
/// Pixels that are multiplied at once: divisible by tiles of 3, 6 and 14 rows, and 64 outputs of them are
/// 10.5 KiB in f32.
const PIXELS: usize = 42;

/// Whether a convolution gains from this algorithm: decided by shapes alone.
pub(super) fn is_worthwhile(inputs: usize, [kh, kw]: [usize; 2]) -> bool {
    (1..=MOST_INPUTS).contains(&inputs) && kh * kw * inputs <= MOST_DEPTH
}

/// Convolves `map` into `out`, `[n, h, w, o]`. The signs of the outputs are stored in `signs`, if given.
pub(crate) fn correlate<T: Element>(
    map: View<'_, T>,
    filters: &Filters<T>,
    window: &Window<'_, T>,
    out: &mut Activation<T>,
    signs: Option<&mut Signs<T>>,
) {
    let (h, w, outputs) = (out.h, out.w, out.c);
    if out.data.is_empty() {
        return;
    }
    let depth = filters.kh * filters.depth();
    let panels = whole_panels(filters);
    let Geometry { padding, stride } = window.geometry;
    let padded_row = (map.w + padding.left + padding.right) * map.c;
    let rows = strip_rows(h, w, depth);
    let strips = h.div_ceil(rows);
    let out = Shared::new(&mut out.data);
    let signs = signs.map(|signs| Shared::new(&mut signs.bytes));
    (0..map.n * strips).into_par_iter().for_each(|task| {
        let (n, first) = (task / strips, task % strips * rows);
        let rows = rows.min(h - first);
        let image = &map.data[n * map.image_len()..][..map.image_len()];
        let input_scale = window.input_scale.map(|scale| &scale[n * map.c..][..map.c]);
        let epilogue = window.epilogue.of_image(n, outputs);
        // The first pixel of the strip, counted over the whole batch.
        let pixel = (n * h + first) * w;
        let (out_len, signs_len) = (rows * w * outputs, rows * w * byte_len(outputs));
        // SAFETY: `at` checked that there are so many elements, and no other task writes these rows.
        let out = unsafe { std::slice::from_raw_parts_mut(out.at(pixel * outputs, out_len), out_len) };
        let mut signs = signs.as_ref().map(|signs| {
            let start = signs.at(pixel * byte_len(outputs), signs_len);
            // SAFETY: as for the outputs.
            unsafe { std::slice::from_raw_parts_mut(start, signs_len) }
        });
        let padded_len = ((rows - 1) * stride + filters.kh) * padded_row;
        // Whole vectors are copied, so both have room for the excess of the last one.
        T::with_scratch(padded_len + PIXELS * depth + 2 * COLUMNS, |scratch| {
            let (padded, windows) = scratch.split_at_mut(padded_len + COLUMNS);
            let own = &mut padded[..padded_len];
            let size = [map.h, map.w, map.c];
            padding.write_rows(size, image, first * stride, padded_row, own);
            scale_pixels(own, input_scale);
            for (block, out) in out.chunks_mut(PIXELS * outputs).enumerate() {
                let first = block * PIXELS;
                T::run(Block {
                    padded,
                    padded_row,
                    stride,
                    filters,
                    panels: &panels,
                    w,
                    first,
                    windows: &mut *windows,
                    out: &mut *out,
                });
                finish(out, outputs, epilogue, pixel + first);
                if let Some(signs) = &mut signs {
                    note_signs(out, outputs, &mut signs[first * byte_len(outputs)..]);
                }
            }
        });
    });
}

/// Panels whose depth is that of whole windows, `[outputs / 16][kh kw inputs][16]`.
fn whole_panels<T: Element>(filters: &Filters<T>) -> Vec<T> {
    let panels = filters.outputs.div_ceil(COLUMNS);
    let mut whole = Vec::with_capacity(panels * filters.kh * filters.depth() * COLUMNS);
    for panel in 0..panels {
        for v in 0..filters.kh {
            whole.extend_from_slice(filters.panel(v, panel));
        }
    }
    whole
}

/// Some consecutive pixels of a strip, also across rows.
struct Block<'a, T> {
    /// The padded rows of the strip, and room for a vector.
    padded: &'a [T],
    padded_row: usize,
    stride: usize,
    filters: &'a Filters<T>,
    panels: &'a [T],
    /// Pixels in a row of the outputs.
    w: usize,
    /// The block's first pixel, counted from the strip's.
    first: usize,
    /// Room for the windows and a vector.
    windows: &'a mut [T],
    out: &'a mut [T],
}

impl<T: Element> Job<T> for Block<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Element = T>>(self) {
        let Self { padded, padded_row, stride, filters, panels, w, first, windows, out } = self;
        let Filters { kh, inputs, outputs, .. } = *filters;
        let span = filters.depth();
        let depth = kh * span;
        let count = out.len() / outputs;
        if count == 0 {
            return;
        }
        let last_row = (first + count - 1) / w * stride + kh - 1;
        assert!(padded.len() >= last_row * padded_row + (w - 1) * stride * inputs + span + V::WIDTH);
        assert!(windows.len() >= count * depth + V::WIDTH);
        assert!(panels.len() >= outputs.div_ceil(COLUMNS) * depth * COLUMNS);
        let (mut y, mut x) = (first / w, first % w);
        for pixel in 0..count {
            for v in 0..kh {
                let from = (y * stride + v) * padded_row + x * stride * inputs;
                let to = pixel * depth + v * span;
                let mut at = 0;
                while at < span {
                    // SAFETY: `at` is less than the span, so by the asserts above there is a vector at both.
                    // Its excess is overwritten by the next span, or lies beyond all windows.
                    unsafe {
                        V::load(padded.as_ptr().add(from + at)).store(windows.as_mut_ptr().add(to + at))
                    };
                    at += V::WIDTH;
                }
            }
            x += 1;
            if x == w {
                (y, x) = (y + 1, 0);
            }
        }
        // SAFETY: there are `count` windows and as many outputs, and by the assert above whole panels.
        unsafe {
            Product {
                lhs: windows.as_ptr(),
                lhs_stride: depth,
                rows: count,
                depth,
                rhs: panels.as_ptr(),
                panel_len: depth * COLUMNS,
                out: out.as_mut_ptr(),
                out_stride: outputs,
                columns: outputs,
                accumulate: false,
            }
            .compute::<V>(SLICE_DEPTH);
        }
    }
}
