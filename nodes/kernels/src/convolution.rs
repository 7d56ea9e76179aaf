//! Convolution as matrix multiplication without copying windows out.
//!
//! With channels last, the window of one kernel row is `kw * C` consecutive numbers of the padded
//! picture, and the window of the next output pixel starts `stride * C` further on. So a few
//! neighbouring pixels are the rows of a matrix (which overlap in memory), and
//!
//! ```text
//! out[pixels, O] += padded[pixels, kw C] * filters[v][kw C, O]      v = 0..kh
//! ```
//!
//! is computed in tiles of up to 6 pixels by 16 outputs that stay in registers. Around them, from the
//! inside out: pixels of a strip, so that a slice of filters stays in L1; panels of 16 outputs, so that
//! the strip's windows stay in L2; slices of the depth, kernel rows, strips.

use rayon::prelude::*;

use crate::activation::{Activation, View};
use crate::element::Element;
use crate::filters::Filters;
use crate::layer::{Padding, PaddingMode};
use crate::relu::rectify;
use crate::tile::{COLUMNS, ROWS, Tile};

/// Numbers of a strip's inputs and outputs together: half of a small L2 cache in f32.
const STRIP_LEN: usize = 1 << 16;
/// Strips to cut an image into, if that leaves them `MIN_STRIP_PIXELS`: work for several threads.
const MIN_STRIPS: usize = 8;
const MIN_STRIP_PIXELS: usize = 48;
/// Depth of a slice: 256 x 16 filters are 16 KiB, half of an L1 cache.
const SLICE_DEPTH: usize = 256;

/// Where windows lie, and what happens to each input before it is read and to each output before it
/// is stored.
pub(crate) struct Window<'a, T> {
    pub(crate) padding: Padding,
    pub(crate) stride: usize,
    /// One factor per image and input channel, `[n, c]`.
    pub(crate) input_scale: Option<&'a [T]>,
    /// One factor per image and output, `[n, o]`.
    pub(crate) output_scale: Option<&'a [T]>,
    pub(crate) bias: Option<&'a [T]>,
    pub(crate) relu: bool,
    /// Whether Winograd's algorithm may be used. Its rounding depends on where in a tile an output lies, so that the
    /// pixels of an even area are not equal any more; a max-pool behind it would send their gradients elsewhere.
    pub(crate) may_transform: bool,
}

impl<T> Window<'_, T> {
    pub(crate) fn new(padding: Padding, stride: usize) -> Self {
        Self {
            padding,
            stride,
            input_scale: None,
            output_scale: None,
            bias: None,
            relu: false,
            may_transform: false,
        }
    }
}

/// `out[y, x, o] = sum filters[v, u, c, o] * padded[s y + v, s x + u, c]`, then bias, then ReLU.
pub(crate) fn correlate<T: Element>(
    map: View<'_, T>,
    filters: &Filters<T>,
    window: &Window<'_, T>,
) -> Activation<T> {
    let Padding { amount, .. } = window.padding;
    let h = (map.h + 2 * amount - filters.kh) / window.stride + 1;
    let w = (map.w + 2 * amount - filters.kw) / window.stride + 1;
    if window.may_transform
        && let Some(winograd) = filters.winograd(window.stride, [h, w])
    {
        return winograd.correlate(map, window);
    }
    let mut out = Activation::zeros([map.n, filters.outputs, h, w]);
    if out.data.is_empty() || filters.inputs == 0 {
        finish(&mut out.data, None, window);
        return out;
    }
    let rows = strip_rows(h, w, map.c + out.c);
    let (row_len, image_len, in_image) = (w * out.c, out.image_len(), map.image_len());
    let strips = out.data.par_chunks_mut(image_len).enumerate().flat_map(|(n, image)| {
        image.par_chunks_mut(rows * row_len).enumerate().map(move |(strip, out)| (n, strip * rows, out))
    });
    strips.for_each_init(Vec::new, |scratch, (n, first, out)| {
        let image = &map.data[n * in_image..][..in_image];
        let padded_row = (map.w + 2 * amount) * map.c;
        let first = first * window.stride;
        let rows = out.len() / row_len;
        let input_scale = window.input_scale.map(|scale| &scale[n * map.c..][..map.c]);
        let output_scale = window.output_scale.map(|scale| &scale[n * filters.outputs..][..filters.outputs]);
        let padded = if amount == 0 && input_scale.is_none() {
            &image[first * padded_row..]
        } else {
            let rows = (rows - 1) * window.stride + filters.kh;
            scratch.resize(rows * padded_row, T::ZERO);
            window.padding.write_rows([map.h, map.w, map.c], image, first, padded_row, scratch);
            scale_pixels(scratch, input_scale);
            &scratch[..]
        };
        let (stride, outputs) = (window.stride, filters.outputs);
        correlate_strip(
            padded,
            padded_row,
            filters,
            stride,
            Target { out, rows, w, row_len, pixel_len: outputs },
        );
        finish(out, output_scale, window);
    });
    out
}

/// Multiplies every pixel by `scale`, one factor per channel.
pub(crate) fn scale_pixels<T: Element>(pixels: &mut [T], scale: Option<&[T]>) {
    let Some(scale) = scale.filter(|scale| !scale.is_empty()) else { return };
    for pixel in pixels.chunks_exact_mut(scale.len()) {
        for (value, scale) in pixel.iter_mut().zip(scale) {
            *value *= *scale;
        }
    }
}

/// Rows per strip: a function of the shape alone, so that results never depend on the threads.
pub(crate) fn strip_rows(h: usize, w: usize, channels: usize) -> usize {
    let most = (STRIP_LEN / channels).max(MIN_STRIP_PIXELS);
    let pixels = (h * w / MIN_STRIPS).clamp(MIN_STRIP_PIXELS, most);
    let rows = (pixels / w).clamp(1, h);
    // Even strips: the last one should not be a sliver.
    h.div_ceil(h.div_ceil(rows))
}

/// Where a strip's outputs go: `rows` rows of `w` pixels. Rows start `row_len` numbers apart and pixels
/// `pixel_len`, so that strips can be woven into each other.
pub(crate) struct Target<'a, T> {
    pub(crate) out: &'a mut [T],
    pub(crate) rows: usize,
    pub(crate) w: usize,
    pub(crate) row_len: usize,
    pub(crate) pixel_len: usize,
}

/// Output rows from padded rows of `padded_row` numbers.
pub(crate) fn correlate_strip<T: Element>(
    padded: &[T],
    padded_row: usize,
    filters: &Filters<T>,
    stride: usize,
    target: Target<'_, T>,
) {
    let Target { out, rows, w, row_len, pixel_len } = target;
    let tile_kernel = T::tile_kernel();
    let outputs = filters.outputs;
    let (depth, lhs_stride) = (filters.depth(), stride * filters.inputs);
    let slice_depth = depth.div_ceil(depth.div_ceil(SLICE_DEPTH));
    for v in 0..filters.kh {
        for start in (0..depth).step_by(slice_depth) {
            let end = depth.min(start + slice_depth);
            for (panel, column) in (0..outputs).step_by(COLUMNS).enumerate() {
                let rhs = &filters.panel(v, panel)[start * COLUMNS..end * COLUMNS];
                let columns = COLUMNS.min(outputs - column);
                for y in 0..rows {
                    let lhs = &padded[(y * stride + v) * padded_row + start..];
                    for (x, rows) in even_tiles(w) {
                        tile_kernel(Tile {
                            lhs: &lhs[x * lhs_stride..],
                            lhs_stride,
                            rhs,
                            out: &mut out[y * row_len + x * pixel_len + column..],
                            out_stride: pixel_len,
                            rows,
                            columns,
                            overwrite: v == 0 && start == 0,
                        });
                    }
                }
            }
        }
    }
}

/// Starts and sizes of tiles that cover `w` pixels: as few as can be, as even as can be, because a
/// tile of one or two pixels takes as long as one of four.
fn even_tiles(w: usize) -> impl Iterator<Item = (usize, usize)> {
    let count = w.div_ceil(ROWS);
    (0..count).map(move |tile| {
        let start = tile * w / count;
        (start, (tile + 1) * w / count - start)
    })
}

/// Scale, bias and ReLU while the strip is still in the cache.
pub(crate) fn finish<T: Element>(out: &mut [T], scale: Option<&[T]>, window: &Window<'_, T>) {
    scale_pixels(out, scale);
    if let Some(bias) = window.bias.filter(|bias| !bias.is_empty()) {
        for pixel in out.chunks_exact_mut(bias.len()) {
            for (value, bias) in pixel.iter_mut().zip(bias) {
                *value += *bias;
            }
        }
    }
    if window.relu {
        for value in out {
            *value = rectify(*value);
        }
    }
}

/// The gradient with respect to the input: the convolution of the gradient (spread out by `stride`)
/// with flipped, transposed filters, folded back over the padding.
pub(crate) fn correlate_transposed<T: Element>(
    gradient: &Activation<T>,
    transposed: &Filters<T>,
    padding: Padding,
    stride: usize,
    [_, _, h, w]: [usize; 4],
) -> Activation<T> {
    let (kh, kw) = (transposed.kh, transposed.kw);
    let spread;
    let gradient = if stride == 1 {
        gradient
    } else {
        let padded = |size| size + 2 * padding.amount;
        spread = dilate(gradient, stride, padded(h) - kh + 1, padded(w) - kw + 1);
        &spread
    };
    let window = |amount| Window::new(Padding::zeros(amount), 1);
    if kh == kw && padding.amount < kh && padding.mode == PaddingMode::Zeros {
        // What would fall into the padding is not computed.
        return correlate(gradient.view(), transposed, &window(kh - 1 - padding.amount));
    }
    let side = kh.max(kw) - 1;
    let full = correlate(gradient.view(), transposed, &window(side));
    // An oblong kernel got more padding on its short side than it needs.
    let full = crop(full, side + 1 - kh, side + 1 - kw);
    padding.fold(&full)
}

/// Puts `stride - 1` zeros between pixels, and zeros after the last up to `h` by `w`.
fn dilate<T: Element>(map: &Activation<T>, stride: usize, h: usize, w: usize) -> Activation<T> {
    let mut out = Activation::zeros([map.n, map.c, h, w]);
    let c = map.c;
    for (index, pixel) in map.data.chunks_exact(c.max(1)).enumerate() {
        let (row, x) = (index / map.w, index % map.w);
        let (n, y) = (row / map.h, row % map.h);
        out.data[((n * h + y * stride) * w + x * stride) * c..][..c].copy_from_slice(pixel);
    }
    out
}

/// Takes `rows` off the top and bottom and `columns` off the left and right.
fn crop<T: Element>(map: Activation<T>, rows: usize, columns: usize) -> Activation<T> {
    if rows == 0 && columns == 0 {
        return map;
    }
    let (h, w, c) = (map.h - 2 * rows, map.w - 2 * columns, map.c);
    let mut out = Activation::zeros([map.n, c, h, w]);
    for (index, to) in out.data.chunks_exact_mut((w * c).max(1)).enumerate() {
        let (n, y) = (index / h, index % h);
        let from = ((n * map.h + y + rows) * map.w + columns) * c;
        to.copy_from_slice(&map.data[from..][..w * c]);
    }
    out
}
