//! The rectifier behind a layer, with the constants that are added before it.

use candle_core::{Result, Tensor};

use super::attach::attach1;
use crate::rectifier::Rectifier;

/// `rectifier(x + shifts)`; the shifts broadcast to the shape of `x`. At 0 the derivative is the slope, and
/// where the clamp holds it is 0, as in PyTorch.
pub(crate) fn rectified(x: &Tensor, shifts: &[&Tensor], rectifier: Rectifier) -> Result<Tensor> {
    let mut x = x.clone();
    let mut constants = Vec::new();
    for shift in shifts {
        // Candle computes gradients of constants too, as large as the map, and keeps them.
        if shift.track_op() {
            x = x.broadcast_add(shift)?;
        } else {
            constants.push((*shift).clone());
        }
    }
    if constants.is_empty() && rectifier == Rectifier::NONE {
        return Ok(x);
    }
    let value = move |x: &Tensor| {
        let mut x = x.clone();
        for constant in &constants {
            x = x.broadcast_add(constant)?;
        }
        curve(&x, rectifier)
    };
    attach1("rectified", &x, value.clone(), move |x, gradient| {
        // Computed again: its signs would be as large as the map.
        descent(&value(&x.detach())?, rectifier, gradient)
    })
}

/// The rectifier's outputs. NaN stays NaN: a device's minimum and maximum may drop it.
fn curve(x: &Tensor, Rectifier { slope, gain, clamp }: Rectifier) -> Result<Tensor> {
    let low = x.affine(gain * slope, 0.0)?;
    let y = if slope == 1.0 { low } else { (x.relu()?.affine(gain * (1.0 - slope), 0.0)? + low)? };
    let Some(clamp) = clamp else { return Ok(y) };
    y.abs()?.ge(clamp)?.where_cond(&y.sign()?.affine(clamp, 0.0)?, &y)
}

/// The gradient of the rectifier's inputs from its outputs `y` and their `gradient`.
fn descent(y: &Tensor, Rectifier { slope, gain, clamp }: Rectifier, gradient: &Tensor) -> Result<Tensor> {
    let [high, low] = [gain, gain * slope];
    let mut descended = if slope == 1.0 {
        gradient.affine(gain, 0.0)?
    } else {
        (gradient * y.gt(0f64)?.to_dtype(y.dtype())?.affine(high - low, low)?)?
    };
    if let Some(clamp) = clamp {
        descended = (descended * y.abs()?.lt(clamp)?.to_dtype(y.dtype())?)?;
    }
    Ok(descended)
}
