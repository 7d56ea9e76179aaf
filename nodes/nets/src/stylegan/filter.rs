use candle_core::{DType, Result, Tensor};
use dreamwire_kernels::Upfirdn2d;

/// The most taps that a filter may have along an axis.
const MOST_TAPS: usize = 16;

/// Whether a resampling filter may have this shape. Files store one of 8 taps and more as `[k]`, others as `[k, k]`.
pub(super) fn is_filter(shape: &[usize]) -> bool {
    match *shape {
        [taps] => (2..=MOST_TAPS).contains(&taps),
        [rows, columns] => rows == columns && (2..=MOST_TAPS).contains(&rows),
        _ => false,
    }
}

/// The filter as `[k, k]`: one that is stored as `[k]` is applied to columns and rows.
pub(super) fn square(filter: &Tensor) -> Result<Tensor> {
    match *filter.dims() {
        [taps] => {
            let filter = filter.to_dtype(DType::F64)?;
            filter.reshape((taps, 1))?.broadcast_mul(&filter.reshape((1, taps))?)
        }
        _ => Ok(filter.clone()),
    }
}

/// Upsamples by 2.
pub(super) fn enlarging(filter: &Tensor) -> Result<Upfirdn2d> {
    let filter = square(filter)?;
    let taps = filter.dim(0)?;
    let (before, after) = (taps.div_ceil(2), (taps - 2) / 2);
    Upfirdn2d::new(&filter, 2, 1, [before, after, before, after], 4.0)
}

/// Downsamples by 2, to half of the size rounded down.
pub(super) fn halving(filter: &Tensor) -> Result<Upfirdn2d> {
    let filter = square(filter)?;
    let taps = filter.dim(0)?;
    let (before, after) = ((taps - 1) / 2, (taps - 2) / 2);
    Upfirdn2d::new(&filter, 1, 2, [before, after, before, after], 1.0)
}

/// Smooths before a convolution of stride 2 and 3x3 taps without padding, which halves the size, rounded down. The
/// padding of that convolution is already here: the result is larger by 1.
pub(super) fn before_halving(filter: &Tensor) -> Result<Upfirdn2d> {
    let filter = square(filter)?;
    let taps = filter.dim(0)?;
    let (before, after) = (1 + (taps - 1) / 2, 1 + (taps - 2) / 2);
    Upfirdn2d::new(&filter, 1, 1, [before, after, before, after], 1.0)
}
