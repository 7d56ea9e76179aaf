//! Upsampling. Candle's `upsample_nearest2d` overwrites gradients that were already accumulated.

use candle_core::{Result, Tensor};

use super::axis::{Axis, repeated};
use crate::windows::Windows;

/// Every pixel of `x`, `[n, c, h, w]`, becomes `factor x factor` pixels.
pub(crate) fn upsample_nearest(x: &Tensor, factor: usize) -> Result<Tensor> {
    let windows = Windows { kernel: factor, stride: factor, padding: 0 };
    let along = |x: &Tensor, dim: usize| {
        let count = x.dim(dim)?;
        repeated(x, Axis { dim, windows, size: count * factor, count })
    };
    along(&along(x, 2)?, 3)
}
