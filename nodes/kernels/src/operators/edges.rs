//! Zeros around a map, and edges cut off.

use candle_core::{Result, Tensor};

/// `x` with `before` zeros before and `after` zeros after the numbers along `dim`; negative amounts cut off.
pub(super) fn resized(x: &Tensor, dim: usize, before: isize, after: isize) -> Result<Tensor> {
    let size = x.dim(dim)?;
    let [cut_before, cut_after] = [before, after].map(|amount| amount.min(0).unsigned_abs());
    let [more_before, more_after] = [before, after].map(|amount| amount.max(0).unsigned_abs());
    if cut_before + cut_after >= size {
        let mut dims = x.dims().to_vec();
        dims[dim] = size.saturating_add_signed(before + after);
        return Tensor::zeros(dims, x.dtype(), x.device());
    }
    x.narrow(dim, cut_before, size - cut_before - cut_after)?.pad_with_zeros(dim, more_before, more_after)
}
