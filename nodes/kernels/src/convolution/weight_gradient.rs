//! The gradient of a convolution's weights.
//!
//! That of kernel row `v` is a matrix product over all pixels of a batch,
//!
//! ```text
//! out[O, kw C] = gradient[O, pixels] * windows_v[pixels, kw C]
//! ```
//!
//! where a window is `kw C` consecutive numbers of a row of the padded map. Some columns of it are one task, so that the
//! sums of no two tasks have to be added. A task copies both factors, some pixels at a time, as the product needs them.

use rayon::prelude::*;

use super::Geometry;
use crate::activation::View;
use crate::element::Element;
use crate::memory::{Buffer, zeros};
use crate::product::{COLUMNS, Product, SLICE_DEPTH};
use crate::simd::{Job, Lanes};

/// Columns of a task.
const GROUP: usize = 4 * COLUMNS;
/// Pixels that are copied at once: a slice of the product's depth.
const PIXELS: usize = SLICE_DEPTH;
/// Numbers from one row of the copied gradient to the next: no power of 2, whose rows would share few cache lines.
const PITCH: usize = PIXELS + COLUMNS;

/// The gradient of the weights, `[o, c, kh, kw]`, for the map `x` and the gradient of the outputs, `[n, o, h, w]`.
pub(crate) fn weight_gradient<T: Element>(
    x: View<'_, T>,
    gradient: &[T],
    [outputs, h, w]: [usize; 3],
    kernel: [usize; 2],
    geometry: Geometry,
) -> Vec<T> {
    let [kh, kw] = kernel;
    let width = kw * x.c;
    let groups = width.div_ceil(GROUP);
    let mut out = zeros(outputs * x.c * kh * kw);
    if out.is_empty() || x.n * h * w == 0 {
        return out;
    }
    let mut blocks = Buffer::new(kh * groups * outputs * GROUP);
    blocks.par_chunks_mut(outputs * GROUP).enumerate().for_each(|(index, out)| {
        let (v, first) = (index / groups, index % groups * GROUP);
        let task = Task {
            x,
            gradient,
            size: [outputs, h, w],
            geometry,
            v,
            columns: (first, width.min(first + GROUP)),
        };
        task.run(out);
    });
    out.par_chunks_mut(x.c * kh * kw).enumerate().for_each(|(o, out)| {
        for (index, weight) in out.iter_mut().enumerate() {
            let (c, v, u) = (index / (kh * kw), index / kw % kh, index % kw);
            let column = u * x.c + c;
            *weight = blocks[((v * groups + column / GROUP) * outputs + o) * GROUP + column % GROUP];
        }
    });
    out
}

/// Some columns of one kernel row.
struct Task<'a, T> {
    x: View<'a, T>,
    gradient: &'a [T],
    /// Channels, height and width of the gradient.
    size: [usize; 3],
    geometry: Geometry,
    v: usize,
    /// From, and to before, this column.
    columns: (usize, usize),
}

/// Consecutive channels of one pixel of a window, within a panel.
struct Piece {
    panel: usize,
    /// Column within the panel.
    at: usize,
    u: usize,
    channel: usize,
    len: usize,
}

impl<T: Element> Task<'_, T> {
    /// Into rows of `GROUP` numbers, one per output.
    fn run(&self, out: &mut [T]) {
        let [outputs, h, w] = self.size;
        let (pixels, pieces) = (self.x.n * h * w, self.pieces());
        T::with_scratch(PIXELS * GROUP + outputs * PITCH, |scratch| {
            let (rhs, lhs) = scratch.split_at_mut(PIXELS * GROUP);
            for start in (0..pixels).step_by(PIXELS) {
                let depth = PIXELS.min(pixels - start);
                self.copy_windows(&pieces, start, depth, rhs);
                self.copy_gradient(start, depth, lhs);
                let columns = self.columns.1 - self.columns.0;
                T::run(Block { lhs, rhs, out, rows: outputs, depth, columns, accumulate: start > 0 });
            }
        });
    }

    fn pieces(&self) -> Vec<Piece> {
        let (first, end) = self.columns;
        let mut pieces = Vec::new();
        let mut column = first;
        while column < end {
            let (panel, at) = ((column - first) / COLUMNS, (column - first) % COLUMNS);
            let (u, channel) = (column / self.x.c, column % self.x.c);
            let len = (self.x.c - channel).min(COLUMNS - at).min(end - column);
            pieces.push(Piece { panel, at, u, channel, len });
            column += len;
        }
        pieces
    }

    /// Panels `[depth, 16]` of the windows of `depth` pixels from `start`.
    fn copy_windows(&self, pieces: &[Piece], start: usize, depth: usize, to: &mut [T]) {
        let ([_, h, w], Geometry { padding, stride }, x) = (self.size, self.geometry, self.x);
        to[..(self.columns.1 - self.columns.0).div_ceil(COLUMNS) * depth * COLUMNS].fill(T::ZERO);
        for k in 0..depth {
            let pixel = start + k;
            let (image, row, column) = (pixel / (h * w), pixel / w % h, pixel % w);
            let Some(row) = padding.row(row * stride + self.v, x.h) else { continue };
            let from = (image * x.h + row) * x.w;
            for Piece { panel, at, u, channel, len } in pieces {
                let Some(column) = padding.column(column * stride + u, x.w) else { continue };
                let from = &x.data[(from + column) * x.c + channel..][..*len];
                to[(panel * depth + k) * COLUMNS + at..][..*len].copy_from_slice(from);
            }
        }
    }

    /// Rows of `PITCH` numbers, one per output, of the gradients of `depth` pixels from `start`.
    fn copy_gradient(&self, start: usize, depth: usize, to: &mut [T]) {
        let [outputs, h, w] = self.size;
        let plane = h * w;
        let mut done = 0;
        while done < depth {
            let (image, place) = ((start + done) / plane, (start + done) % plane);
            let len = (plane - place).min(depth - done);
            for (output, to) in to.chunks_exact_mut(PITCH).enumerate() {
                let from = &self.gradient[(image * outputs + output) * plane + place..][..len];
                to[done..done + len].copy_from_slice(from);
            }
            done += len;
        }
    }
}

/// `out[rows, columns] = lhs[rows, depth] * rhs[depth, columns]`, or `+=`.
struct Block<'a, T> {
    lhs: &'a [T],
    rhs: &'a [T],
    out: &'a mut [T],
    rows: usize,
    depth: usize,
    columns: usize,
    accumulate: bool,
}

impl<T: Element> Job<T> for Block<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Element = T>>(self) {
        let Self { lhs, rhs, out, rows, depth, columns, accumulate } = self;
        assert!(depth > 0 && depth <= PIXELS && columns > 0 && columns <= GROUP);
        assert!(lhs.len() >= rows * PITCH && out.len() >= rows * GROUP);
        assert!(rhs.len() >= columns.div_ceil(COLUMNS) * depth * COLUMNS);
        // SAFETY: by the asserts there are as many rows of at least `depth` and `columns` numbers, and whole panels.
        unsafe {
            Product {
                lhs: lhs.as_ptr(),
                lhs_stride: PITCH,
                rows,
                depth,
                rhs: rhs.as_ptr(),
                panel_len: depth * COLUMNS,
                out: out.as_mut_ptr(),
                out_stride: GROUP,
                columns,
                accumulate,
            }
            .compute::<V>(SLICE_DEPTH);
        }
    }
}
