//! Convolution by matrix multiplication, strip by strip.
//!
//! With channels last, the window of one kernel row is `kw * C` consecutive numbers, and the window
//! of the next output pixel starts `C` further on. So for stride 1 a strip of padded rows *is* the
//! matrix of windows (rows overlap in memory), and a convolution is `kh` multiplications
//!
//! ```text
//! out[pixels, O] += strip[pixels, kw C] * filters[v][kw C, O]      v = 0..kh
//! ```
//!
//! over the padded width, whose last `kw - 1` columns are thrown away. Other strides, and inputs of
//! very few channels, copy their windows out (im2col) and multiply once.

use rayon::prelude::*;

use crate::activation::Activation;
use crate::element::Element;
use crate::filters::Filters;
use crate::layer::Padding;
use crate::matmul::multiply;
use crate::relu::rectify;

/// Output pixels of a strip: few enough for its windows to stay in L2, many enough that streaming
/// the filters from L3 costs little beside the multiplications.
const STRIP_PIXELS: usize = 512;
/// Strips to cut an image into, if that leaves them `MIN_STRIP_PIXELS`: work for several threads.
const MIN_STRIPS: usize = 8;
const MIN_STRIP_PIXELS: usize = 96;
/// Below this many numbers per kernel row one deep multiplication beats several shallow ones.
const MIN_DEPTH: usize = 64;

/// Where windows lie, and what happens to each output before it is stored.
pub(crate) struct Window<'a, T> {
    pub(crate) padding: Padding,
    pub(crate) stride: usize,
    pub(crate) bias: Option<&'a [T]>,
    pub(crate) relu: bool,
}

/// `out[y, x, o] = sum filters[v, u, c, o] * padded[s y + v, s x + u, c]`, then bias, then ReLU.
pub(crate) fn correlate<T: Element>(
    map: &Activation<T>,
    filters: &Filters<T>,
    window: &Window<'_, T>,
) -> Activation<T> {
    debug_assert_eq!(map.c, filters.inputs);
    let amount = window.padding.amount;
    let h = (map.h + 2 * amount - filters.kh) / window.stride + 1;
    let w = (map.w + 2 * amount - filters.kw) / window.stride + 1;
    let mut out = Activation::zeros([map.n, filters.outputs, h, w]);
    if out.data.is_empty() {
        return out;
    }
    let rows = strip_rows(h, w);
    let (row_len, image_len, in_image) = (w * out.c, out.image_len(), map.image_len());
    let strips = out.data.par_chunks_mut(image_len).enumerate().flat_map(|(n, image)| {
        image.par_chunks_mut(rows * row_len).enumerate().map(move |(strip, out)| (n, strip * rows, out))
    });
    strips.for_each_init(Scratch::default, |scratch, (n, first, out)| {
        let image = &map.data[n * in_image..][..in_image];
        let strip = Strip { map, image, filters, window, first, w };
        let overlapping = window.stride == 1 && filters.kw * filters.inputs >= MIN_DEPTH;
        if filters.kh == 1 && filters.kw == 1 && window.stride == 1 && amount == 0 {
            strip.pointwise(out);
        } else if overlapping {
            strip.overlapping_windows(scratch, out);
        } else {
            strip.copied_windows(scratch, out);
        }
        finish(out, window);
    });
    out
}

/// Rows per strip: a function of the shape alone, so that results never depend on the threads.
fn strip_rows(h: usize, w: usize) -> usize {
    let pixels = (h * w / MIN_STRIPS).clamp(MIN_STRIP_PIXELS, STRIP_PIXELS);
    let rows = pixels.div_ceil(w).clamp(1, h);
    // Even strips: the last one should not be a sliver.
    h.div_ceil(h.div_ceil(rows))
}

/// Buffers that a thread reuses from strip to strip.
struct Scratch<T> {
    windows: Vec<T>,
    sums: Vec<T>,
}

impl<T> Default for Scratch<T> {
    fn default() -> Self {
        Self { windows: Vec::new(), sums: Vec::new() }
    }
}

/// The output rows from `first` of one image, each `w` pixels wide.
struct Strip<'a, T> {
    map: &'a Activation<T>,
    image: &'a [T],
    filters: &'a Filters<T>,
    window: &'a Window<'a, T>,
    first: usize,
    w: usize,
}

impl<T: Element> Strip<'_, T> {
    /// 1x1: pixels are their own windows.
    fn pointwise(&self, out: &mut [T]) {
        let Filters { inputs, outputs, .. } = *self.filters;
        let pixels = out.len() / outputs;
        let windows = &self.image[self.first * self.w * inputs..];
        multiply(out, windows, inputs, &self.filters.data, [pixels, outputs, inputs], true);
    }

    /// Stride 1: windows are read where they lie in the padded rows.
    fn overlapping_windows(&self, scratch: &mut Scratch<T>, out: &mut [T]) {
        let Filters { kh, kw, inputs, outputs, .. } = *self.filters;
        let row_len = self.w * outputs;
        let rows = out.len() / row_len;
        let padded_w = self.map.w + 2 * self.window.padding.amount;
        scratch.windows.resize((rows + kh - 1) * padded_w * inputs, T::ZERO);
        self.window.padding.write_rows(self.map, self.image, self.first, &mut scratch.windows);

        let pixels = (rows - 1) * padded_w + self.w;
        let depth = kw * inputs;
        scratch.sums.resize(pixels * outputs, T::ZERO);
        // A 1-wide kernel has no columns to throw away: its sums are the output.
        let sums = if padded_w == self.w { &mut *out } else { &mut scratch.sums[..] };
        for (v, filters) in self.filters.data.chunks_exact(depth * outputs).enumerate() {
            let windows = &scratch.windows[v * padded_w * inputs..];
            multiply(sums, windows, inputs, filters, [pixels, outputs, depth], v == 0);
        }
        if padded_w != self.w {
            for (to, from) in out.chunks_exact_mut(row_len).zip(scratch.sums.chunks(padded_w * outputs)) {
                to.copy_from_slice(&from[..row_len]);
            }
        }
    }

    /// Any stride: im2col.
    fn copied_windows(&self, scratch: &mut Scratch<T>, out: &mut [T]) {
        let Filters { kh, kw, inputs, outputs, .. } = *self.filters;
        let stride = self.window.stride;
        let row_len = self.w * outputs;
        let rows = out.len() / row_len;
        let padded_w = self.map.w + 2 * self.window.padding.amount;
        let padded_row = padded_w * inputs;
        scratch.sums.resize(((rows - 1) * stride + kh) * padded_row, T::ZERO);
        self.window.padding.write_rows(self.map, self.image, self.first * stride, &mut scratch.sums);

        let depth = kh * kw * inputs;
        scratch.windows.resize(rows * self.w * depth, T::ZERO);
        for (pixel, to) in scratch.windows.chunks_exact_mut(depth).enumerate() {
            let (y, x) = (pixel / self.w * stride, pixel % self.w * stride);
            for (v, to) in to.chunks_exact_mut(kw * inputs).enumerate() {
                let from = (y + v) * padded_row + x * inputs;
                to.copy_from_slice(&scratch.sums[from..][..kw * inputs]);
            }
        }
        let sizes = [rows * self.w, outputs, depth];
        multiply(out, &scratch.windows, depth, &self.filters.data, sizes, true);
    }
}

/// Bias and ReLU while the strip is still in the cache.
fn finish<T: Element>(out: &mut [T], window: &Window<'_, T>) {
    match (window.bias, window.relu) {
        (Some(bias), true) => {
            for pixel in out.chunks_exact_mut(bias.len()) {
                for (value, bias) in pixel.iter_mut().zip(bias) {
                    *value = rectify(*value + *bias);
                }
            }
        }
        (Some(bias), false) => {
            for pixel in out.chunks_exact_mut(bias.len()) {
                for (value, bias) in pixel.iter_mut().zip(bias) {
                    *value += *bias;
                }
            }
        }
        (None, true) => {
            for value in out {
                *value = rectify(*value);
            }
        }
        (None, false) => {}
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
    let window = |amount| Window { padding: Padding::zeros(amount), stride: 1, bias: None, relu: false };
    if kh == kw && padding.amount < kh && padding.mode == crate::layer::PaddingMode::Zeros {
        // What would fall into the padding is not computed.
        return correlate(gradient, transposed, &window(kh - 1 - padding.amount));
    }
    let side = kh.max(kw) - 1;
    let full = correlate(gradient, transposed, &window(side));
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
