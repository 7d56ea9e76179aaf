//! Numbers around a map, and edges cut off.

use candle_core::{Result, Tensor};

/// `x` with `before` zeros before and `after` zeros after the numbers along `dim`; negative amounts cut off.
pub(super) fn resized(x: &Tensor, dim: usize, before: isize, after: isize) -> Result<Tensor> {
    resized_with(x, dim, [before, after], 0.0)
}

/// The same with another number than zero.
pub(super) fn resized_with(x: &Tensor, dim: usize, [before, after]: [isize; 2], fill: f32) -> Result<Tensor> {
    let size = x.dim(dim)?;
    let [cut_before, cut_after] = [before, after].map(|amount| amount.min(0).unsigned_abs());
    let filled = |amount: usize| {
        let mut dims = x.dims().to_vec();
        dims[dim] = amount;
        // No f64 on Metal, so not a number of that type.
        Tensor::full(fill, dims, x.device())?.to_dtype(x.dtype())
    };
    if cut_before + cut_after >= size {
        return filled(size.saturating_add_signed(before + after));
    }
    let kept = x.narrow(dim, cut_before, size - cut_before - cut_after)?;
    match [before, after].map(|amount| amount.max(0).unsigned_abs()) {
        [0, 0] => Ok(kept),
        [before, 0] => Tensor::cat(&[&filled(before)?, &kept.contiguous()?], dim),
        [0, after] => Tensor::cat(&[&kept.contiguous()?, &filled(after)?], dim),
        [before, after] => Tensor::cat(&[&filled(before)?, &kept.contiguous()?, &filled(after)?], dim),
    }
}

/// One map of as many of equal shape: number `i` along `dim` of part `r` becomes number `parts.len() * i + r`.
pub(super) fn interleaved(parts: &[Tensor], dim: usize) -> Result<Tensor> {
    let [first, _, ..] = parts else { return Ok(parts[0].clone()) };
    let mut dims = first.dims().to_vec();
    dims[dim] *= parts.len();
    Tensor::stack(parts, dim + 1)?.reshape(dims)
}
