//! Resampling with a finite impulse response: rows and columns are multiplied by small matrices, which is fast on every
//! device.

use candle_core::{DType, Result, Tensor, bail};

use super::attach::attach1;
use crate::fir::Separable;

mod blocks;

use blocks::Blocks;

/// The resampling of one axis: with a filter of `len` taps, `y[o] = sum_i filter[len - 1 - t] x[i]` over the inputs whose
/// place under the flipped filter, `t = i up - o down + before`, is one of `0..len`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Axis {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) up: usize,
    pub(crate) down: usize,
    /// Zeros before the first of the upsampled pixels; negative numbers crop.
    pub(crate) before: isize,
}

impl Axis {
    /// The adjoint, whose filter is reversed.
    fn transposed(self, len: usize) -> Self {
        let Self { inputs, outputs, up, down, before } = self;
        Self { inputs: outputs, outputs: inputs, up: down, down: up, before: len as isize - 1 - before }
    }
}

/// `x`, `[n, h, w, c]` of f32 or f64, resampled by `[rows, columns]` with one filter for all channels. A number that is
/// not finite may reach more pixels than the filter does.
///
/// # Errors
///
/// If `x` has another shape or type.
pub(crate) fn resample(x: &Tensor, axes: [Axis; 2], filter: &Separable) -> Result<Tensor> {
    let [kh, kw] = filter.size();
    let back = [axes[0].transposed(kh), axes[1].transposed(kw)];
    let reversed = filter.reversed();
    attach1(
        "resample",
        x,
        |x| resampled(x, axes, filter),
        move |_, gradient| resample(gradient, back, &reversed),
    )
}

fn resampled(x: &Tensor, [rows, columns]: [Axis; 2], filter: &Separable) -> Result<Tensor> {
    let (n, h, w, c) = x.dims4()?;
    if !matches!(x.dtype(), DType::F32 | DType::F64) {
        bail!("a map must be f32 or f64 to be resampled, found {:?}", x.dtype())
    }
    if [h, w] != [rows.inputs, columns.inputs] {
        bail!("a resampling of {}x{} maps does not match a map of {h}x{w}", rows.inputs, columns.inputs)
    }
    let shape = (n, rows.outputs, columns.outputs, c);
    if x.elem_count() == 0 {
        return Tensor::zeros(shape, x.dtype(), x.device());
    }
    let x = x.contiguous()?.reshape((n, h, w * c))?;
    let product = |[column, row]: &[Vec<f64>; 2]| {
        let y = along(&x, rows, column)?.reshape((n * rows.outputs, w, c))?;
        along(&y, columns, row)
    };
    let [first, others @ ..] = filter.terms() else { bail!("a filter needs taps") };
    let mut sum = product(first)?;
    for term in others {
        sum = (sum + product(term)?)?;
    }
    sum.reshape(shape)
}

/// `x`, `[outer, inputs, inner]`, as `[outer, outputs, inner]`.
fn along(x: &Tensor, axis: Axis, taps: &[f64]) -> Result<Tensor> {
    let (outer, _, inner) = x.dims3()?;
    let blocks = Blocks::new(axis, taps.len());
    let matrix = blocks.matrix(axis, taps, x.dtype(), x.device())?;
    let windows = blocks.windows(x)?;
    let (count, window, _) = windows.dims3()?;
    let (rows, _) = matrix.dims2()?;
    let y = if inner == 1 {
        windows.reshape((count, window))?.matmul(&matrix.t()?)?
    } else {
        matrix.broadcast_as((count, rows, window))?.matmul(&windows)?
    };
    y.reshape((outer, count / outer * rows, inner))?.narrow(1, 0, axis.outputs)?.contiguous()
}
