//! Channels first and channels last.

use candle_core::{Result, Tensor};

/// `[n, c, h, w]` as `[n, h, w, c]`.
pub(crate) fn channels_last(x: &Tensor) -> Result<Tensor> {
    x.permute((0, 2, 3, 1))?.contiguous()
}

/// `[n, h, w, c]` as `[n, c, h, w]`.
pub(crate) fn channels_first(x: &Tensor) -> Result<Tensor> {
    x.permute((0, 3, 1, 2))?.contiguous()
}
