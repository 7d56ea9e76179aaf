//! Convolution by [`winograd`] where that is faster, otherwise as matrix multiplication without im2col.
//!
//! With channels last, the window of one kernel row is `kw * C` consecutive numbers of the padded picture,
//! and the window of the next output pixel starts `stride * C` further on. So a few neighbouring pixels are
//! the rows of a matrix (which overlap in memory), and
//!
//! ```text
//! out[pixels, O] += padded[pixels, kw C] * filters[v][kw C, O]      v = 0..kh
//! ```
//!
//! is computed in tiles of a few pixels by a panel or two of 16 outputs, which stay in registers. The loops
//! around them are, from the inside out: pixels of a strip, so that a slice of filters stays in L1; panels of
//! 16 outputs, so that the strip's windows stay in L2; slices of the depth, kernel rows, strips.
//!
//! Which of these ways is taken is an [`Algorithm`]. Where a map has few channels, such a row is too short:
//! [`few_inputs`] copies the windows of some pixels and multiplies them whole. On the way back to such a map,
//! [`few_outputs`] multiplies every pixel of the gradient with the whole kernel, and adds up what falls on the
//! same place. Scale, noise, bias, rectifier and clamp follow while outputs are in the cache.

use rayon::prelude::*;

use crate::activation::{Activation, View};
use crate::element::Element;
use crate::epilogue::{Epilogue, finish, scale_pixels};
use crate::filters::Filters;
use crate::layer::{Padding, PaddingMode};
use crate::product::{COLUMNS, Product, SLICE_DEPTH};
use crate::shared::Shared;
use crate::simd::{Job, Lanes};
use crate::winograd::{self, Rounding, Sink, Source};

mod algorithm;
pub(crate) mod few_inputs;
mod few_outputs;
mod weight_gradient;

pub(crate) use algorithm::Algorithm;
pub(crate) use algorithm::spread_size;
pub(crate) use weight_gradient::weight_gradient;

/// Inputs and outputs of a strip together: half of a small L2 cache in f32.
const STRIP_LEN: usize = 1 << 16;
/// Strips per image, if they have at least `MIN_STRIP_PIXELS` each: work for several threads.
const MIN_STRIPS: usize = 8;
const MIN_STRIP_PIXELS: usize = 48;

/// Where windows lie.
#[derive(Clone, Copy)]
pub(crate) struct Geometry {
    pub(crate) padding: Padding,
    pub(crate) stride: usize,
}

impl Geometry {
    /// Height and width of the outputs of kernels of this height and width, for a map of the height and width `size`.
    fn outputs(self, kernel: [usize; 2], size: [usize; 2]) -> [usize; 2] {
        spread_size(self.padding, kernel, size).map(|size| size.div_ceil(self.stride))
    }
}

/// Where windows lie, and what happens to each input before it is read and to each output before it is stored.
pub(crate) struct Window<'a, T> {
    pub(crate) geometry: Geometry,
    /// One factor per image and input channel, `[n, c]`.
    pub(crate) input_scale: Option<&'a [T]>,
    pub(crate) epilogue: Epilogue<'a, T>,
}

impl<T: Element> Window<'_, T> {
    pub(crate) fn new(padding: Padding, stride: usize) -> Self {
        Self { geometry: Geometry { padding, stride }, input_scale: None, epilogue: Epilogue::none() }
    }
}

/// `out[y, x, o] = sum filters[v, u, c, o] * padded[s y + v, s x + u, c]`, then scale, noise, bias, rectifier
/// and clamp, in this order. 3x3 windows use Winograd's algorithm where that is faster, with this `rounding`.
pub(crate) fn correlate<T: Element>(
    map: View<'_, T>,
    filters: &Filters<T>,
    window: &Window<'_, T>,
    rounding: Rounding,
) -> Activation<T> {
    let kernel = [filters.kh, filters.kw];
    let size = window.geometry.outputs(kernel, [map.h, map.w]);
    let algorithm = Algorithm::of(filters.inputs, kernel, window.geometry.stride, size);
    correlate_by(algorithm, map, filters, window, rounding)
}

/// [`correlate`] by this algorithm, which is that of its shapes.
pub(crate) fn correlate_by<T: Element>(
    algorithm: Algorithm,
    map: View<'_, T>,
    filters: &Filters<T>,
    window: &Window<'_, T>,
    rounding: Rounding,
) -> Activation<T> {
    let size = window.geometry.outputs([filters.kh, filters.kw], [map.h, map.w]);
    let mut out = Activation::new([map.n, filters.outputs, size[0], size[1]]);
    match algorithm {
        Algorithm::Tiles => {
            let source = Source { scale: window.input_scale, ..Source::new(map, window.geometry.padding) };
            let sink = Sink {
                epilogue: window.epilogue,
                ..Sink::new(Shared::new(&mut out.data), map.n, size, filters.outputs)
            };
            winograd::convolve(&source, filters, &sink, rounding);
        }
        Algorithm::FewInputs => few_inputs::correlate(map, filters, window, &mut out, None),
        Algorithm::Direct => correlate_rows(map, filters, window, &mut out),
        Algorithm::FewOutputs => unreachable!("a gradient is no convolution of a map"),
    }
    out
}

/// [`correlate`] by rows of kernels.
fn correlate_rows<T: Element>(
    map: View<'_, T>,
    filters: &Filters<T>,
    window: &Window<'_, T>,
    out: &mut Activation<T>,
) {
    let Geometry { padding, stride } = window.geometry;
    let (h, w, outputs) = (out.h, out.w, out.c);
    if out.data.is_empty() || filters.inputs == 0 {
        out.data.fill(T::ZERO);
        // Zeros need no scale.
        finish(&mut out.data, outputs, Epilogue { scale: None, ..window.epilogue }, 0);
        return;
    }
    let rows = strip_rows(h, w, map.c + out.c);
    let (row_len, image_len, in_image) = (w * out.c, out.image_len(), map.image_len());
    let strips = out.data.par_chunks_mut(image_len).enumerate().flat_map(|(n, image)| {
        image.par_chunks_mut(rows * row_len).enumerate().map(move |(strip, out)| (n, strip * rows, out))
    });
    strips.for_each_init(Vec::new, |scratch, (n, first, out)| {
        let image = &map.data[n * in_image..][..in_image];
        let padded_row = (map.w + padding.left + padding.right) * map.c;
        let first_pixel = (n * h + first) * w;
        let first = first * stride;
        let rows = out.len() / row_len;
        let input_scale = window.input_scale.map(|scale| &scale[n * map.c..][..map.c]);
        let padded = if padding.is_empty() && input_scale.is_none() {
            &image[first * padded_row..]
        } else {
            let rows = (rows - 1) * stride + filters.kh;
            scratch.resize(rows * padded_row, T::ZERO);
            padding.write_rows([map.h, map.w, map.c], image, first, padded_row, scratch);
            scale_pixels(scratch, input_scale);
            &scratch[..]
        };
        correlate_strip(
            padded,
            padded_row,
            filters,
            stride,
            Target { out, rows, w, row_len, pixel_len: outputs },
        );
        finish(out, outputs, window.epilogue.of_image(n, outputs), first_pixel);
    });
}

/// Rows per strip: they depend on the shape alone, so that results never depend on the threads.
pub(crate) fn strip_rows(h: usize, w: usize, channels: usize) -> usize {
    let most = (STRIP_LEN / channels).max(MIN_STRIP_PIXELS);
    let pixels = (h * w / MIN_STRIPS).clamp(MIN_STRIP_PIXELS, most);
    let rows = (pixels / w).clamp(1, h);
    // Equal strips: the last one should not be a sliver.
    h.div_ceil(h.div_ceil(rows))
}

/// Where a strip's outputs go: `rows` rows of `w` pixels. Rows start `row_len` elements apart and pixels
/// `pixel_len`, so that strips can be interleaved.
pub(crate) struct Target<'a, T> {
    pub(crate) out: &'a mut [T],
    pub(crate) rows: usize,
    pub(crate) w: usize,
    pub(crate) row_len: usize,
    pub(crate) pixel_len: usize,
}

/// Computes output rows from padded rows of `padded_row` elements.
pub(crate) fn correlate_strip<T: Element>(
    padded: &[T],
    padded_row: usize,
    filters: &Filters<T>,
    stride: usize,
    mut target: Target<'_, T>,
) {
    let pixel = stride * filters.inputs;
    // Windows of one pixel are contiguous across rows too.
    if padded_row == target.w * pixel && target.row_len == target.w * target.pixel_len && filters.kh == 1 {
        target.w *= target.rows;
        target.rows = 1;
    }
    T::run(Strip { padded, padded_row, filters, stride, target });
}

struct Strip<'a, T> {
    padded: &'a [T],
    padded_row: usize,
    filters: &'a Filters<T>,
    stride: usize,
    target: Target<'a, T>,
}

impl<T: Element> Job<T> for Strip<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Element = T>>(self) {
        let Self { padded, padded_row, filters, stride, target } = self;
        let Target { out, rows, w, row_len, pixel_len } = target;
        if rows * w == 0 {
            return;
        }
        let (depth, lhs_stride) = (filters.depth(), stride * filters.inputs);
        let slice = depth.div_ceil(depth.div_ceil(SLICE_DEPTH));
        let wide = 2 * V::WIDTH;
        let last = (rows - 1) * stride + filters.kh - 1;
        assert!(padded.len() >= last * padded_row + (w - 1) * lhs_stride + depth);
        assert!(out.len() >= (rows - 1) * row_len + (w - 1) * pixel_len + filters.outputs);
        // As few and as equal groups of pixels as possible: one of two pixels takes as long as one of four.
        let groups = w.div_ceil(V::ROWS);
        for v in 0..filters.kh {
            for start in (0..depth).step_by(slice) {
                for column in (0..filters.outputs).step_by(wide) {
                    let rhs = &filters.row(v)[column / COLUMNS * depth * COLUMNS..][start * COLUMNS..];
                    for y in 0..rows {
                        for group in 0..groups {
                            let first = group * w / groups;
                            // SAFETY: by the asserts above the windows and the outputs of all rows and pixels
                            // are inside their slices; a row of filters holds whole panels.
                            unsafe {
                                let from = (y * stride + v) * padded_row + first * lhs_stride + start;
                                let to = y * row_len + first * pixel_len + column;
                                Product {
                                    lhs: padded.as_ptr().add(from),
                                    lhs_stride,
                                    rows: (group + 1) * w / groups - first,
                                    depth: slice.min(depth - start),
                                    rhs: rhs.as_ptr(),
                                    panel_len: depth * COLUMNS,
                                    out: out.as_mut_ptr().add(to),
                                    out_stride: pixel_len,
                                    columns: wide.min(filters.outputs - column),
                                    accumulate: v > 0 || start > 0,
                                }
                                .compute_tile::<V>();
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The gradient with respect to the input, `[n, c, h, w]`: the convolution of the gradient (spread out by `stride`)
/// with flipped, transposed filters, folded back over the padding. `algorithm` is that of
/// [`Algorithm::of_gradient`].
pub(crate) fn correlate_transposed<T: Element>(
    algorithm: Algorithm,
    gradient: &Activation<T>,
    transposed: &Filters<T>,
    padding: Padding,
    stride: usize,
    [_, _, h, w]: [usize; 4],
) -> Activation<T> {
    if algorithm == Algorithm::FewOutputs {
        return few_outputs::correlate_transposed(gradient, transposed, padding, stride, [h, w]);
    }
    let kernel = [transposed.kh, transposed.kw];
    let spread;
    let gradient = if stride == 1 {
        gradient
    } else {
        spread = dilate(gradient, stride, spread_size(padding, kernel, [h, w]));
        &spread
    };
    let (around, rest) = reach(padding, kernel);
    let window = Window::new(around, 1);
    let padded = correlate_by(algorithm, gradient.view(), transposed, &window, Rounding::Coarse);
    if rest.is_empty() { padded } else { rest.fold(&padded) }
}

/// The padding of the transposed convolution, and that of its result, which has to be folded back.
pub(crate) fn reach(padding: Padding, [kh, kw]: [usize; 2]) -> (Padding, Padding) {
    // Every output that depends on a padded pixel.
    let reach = Padding::oblong(kh - 1, kw - 1);
    match padding.mode {
        // The gradient of zero padding is not computed; pixels beyond reach never contributed.
        PaddingMode::Zeros => (reach.beyond(padding), padding.beyond(reach)),
        PaddingMode::Reflect => (reach, padding),
    }
}

/// Puts `stride - 1` zeros between pixels, and zeros after the last up to `h` by `w`.
fn dilate<T: Element>(map: &Activation<T>, stride: usize, [h, w]: [usize; 2]) -> Activation<T> {
    let mut out = Activation::zeros([map.n, map.c, h, w]);
    let (c, in_row) = (map.c, map.w * map.c);
    if out.data.is_empty() {
        return out;
    }
    out.data.par_chunks_mut(w * c).enumerate().for_each(|(row, to)| {
        let (n, y) = (row / h, row % h);
        if y % stride == 0 && y / stride < map.h {
            let from = &map.data[(n * map.h + y / stride) * in_row..][..in_row];
            for (to, pixel) in to.chunks_mut(stride * c).zip(from.chunks_exact(c)) {
                to[..c].copy_from_slice(pixel);
            }
        }
    });
    out
}
