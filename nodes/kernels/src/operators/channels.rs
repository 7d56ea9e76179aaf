//! Norms over channels.

use candle_core::{Result, Tensor};

use super::axis::{Axis, summed};
use crate::local_response::LocalResponseNorm;
use crate::windows::Windows;

/// `y[c] = x[c] (k + alpha / size * sum_j x[j]^2)^-beta` over `size` channels j around c, for `x` `[n, c, h, w]`.
pub(crate) fn local_response_norm(x: &Tensor, norm: LocalResponseNorm) -> Result<Tensor> {
    let LocalResponseNorm { size, alpha, beta, k } = norm;
    let channels = x.dim(1)?;
    let windows = Windows { kernel: size, stride: 1, padding: size / 2 };
    let sums = summed(&x.sqr()?, Axis { dim: 1, windows, size: channels, count: channels })?;
    x * sums.affine(alpha / size as f64, k)?.powf(-beta)?
}
