//! What is behind a generator's convolution.

use candle_core::{Result, Tensor};

use super::attach::attach1;
use super::rectifier::rectified;
use crate::rectifier::Rectifier;

/// `rectifier(x + shifts)`; the shifts broadcast to the shape of `x`.
pub(super) fn activated(x: &Tensor, shifts: &[&Tensor], rectifier: Rectifier) -> Result<Tensor> {
    let x = shifted(x, shifts)?;
    if rectifier == Rectifier::NONE { Ok(x) } else { rectified(&x, rectifier) }
}

fn shifted(x: &Tensor, shifts: &[&Tensor]) -> Result<Tensor> {
    let mut x = x.clone();
    let mut constants = Vec::new();
    for shift in shifts {
        // Candle's own sum computes gradients of constants too, as large as the map, and keeps them.
        if shift.track_op() {
            x = x.broadcast_add(shift)?;
        } else {
            constants.push(shift);
        }
    }
    if constants.is_empty() {
        return Ok(x);
    }
    let value =
        |x: &Tensor| constants.into_iter().try_fold(x.clone(), |x, constant| x.broadcast_add(constant));
    attach1("shift", &x, value, |_, gradient| Ok(gradient.clone()))
}
