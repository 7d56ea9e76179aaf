//! What follows a convolution in the first StyleGAN.

use candle_core::{Result, Tensor};

use super::activated::activated;
use super::constant::constant;
use crate::rectifier::Rectifier;

/// [`AdaptiveNorm`](crate::AdaptiveNorm) of a map `[n, h, w, c]`, noise `[n or 1, h, w]` and styles `[n, 2
/// c]`.
pub(crate) fn adaptive_norm(
    [x, noise, styles]: [&Tensor; 3],
    strengths: &[f64],
    slope: f64,
    epsilon: f64,
) -> Result<Tensor> {
    let (n, _, _, c) = x.dims4()?;
    let strengths = constant(strengths.to_vec(), c, x.dtype(), x.device())?;
    let noise = noise.unsqueeze(3)?.broadcast_mul(&strengths)?;
    let v = activated(x, &[&noise], Rectifier { slope, ..Rectifier::NONE })?;
    // In two passes, as a variance that is much smaller than the square of its mean needs.
    let centred = v.broadcast_sub(&mean(&v)?)?;
    let deviation = (mean(&centred.sqr()?)? + epsilon)?.sqrt()?;
    let style = |part: usize| styles.narrow(1, part * c, c)?.reshape((n, 1, 1, c));
    centred.broadcast_mul(&(style(0)? / deviation)?)?.broadcast_add(&style(1)?)
}

/// Over the pixels of every image and channel, `[n, 1, 1, c]`: rows, then their sums, which rounds less than
/// all at once.
fn mean(x: &Tensor) -> Result<Tensor> {
    let (_, h, w, _) = x.dims4()?;
    x.sum_keepdim(2)?.sum_keepdim(1)? / (h * w) as f64
}
