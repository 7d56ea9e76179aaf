//! StyleGAN3's activation, computed at a higher resolution than its maps have.

use candle_core::{Result, Tensor};

use super::activated::activated;
use super::fir::{Axis, resample};
use crate::fir::Separable;
use crate::rectifier::Rectifier;

/// [`FilteredLrelu`](crate::FilteredLrelu) of `x`, `[n, h, w, c]`, and `bias`, `[c]`: rows and columns
/// upsampled by the first pair, and downsampled by the second. The upsampled map is stored.
pub(crate) fn filtered_lrelu(
    x: &Tensor,
    bias: &Tensor,
    up: ([Axis; 2], &Separable),
    down: ([Axis; 2], &Separable),
    rectifier: Rectifier,
) -> Result<Tensor> {
    let upsampled = resample(&x.broadcast_add(bias)?, up.0, up.1)?;
    resample(&activated(&upsampled, &[], rectifier)?, down.0, down.1)
}
