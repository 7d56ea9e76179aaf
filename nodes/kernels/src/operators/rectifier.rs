//! Rectifiers, whose derivative at 0 is the slope, as in PyTorch (candle's is 1).

use candle_core::{Result, Tensor};

use super::attach::attach1;
use crate::rectifier::Rectifier;

/// `max(x, 0)`; NaN stays NaN.
pub(crate) fn relu(x: &Tensor) -> Result<Tensor> {
    leaky_relu(x, 0.0)
}

/// `x` where it is positive, `slope x` elsewhere.
pub(crate) fn leaky_relu(x: &Tensor, slope: f64) -> Result<Tensor> {
    rectified(x, Rectifier { slope, ..Rectifier::NONE })
}

/// `clamp(gain * leaky_relu(x, slope), -clamp, clamp)`; its derivative where the clamp applies is 0.
pub(crate) fn rectified(x: &Tensor, rectifier: Rectifier) -> Result<Tensor> {
    let value = |x: &Tensor| {
        let y = unclamped(x, rectifier)?;
        let Some(clamp) = rectifier.clamp else { return Ok(y) };
        // Not `clamp`: NaN is lost by it on some devices.
        let most = y.ones_like()?.affine(clamp, 0.0)?;
        let y = y.gt(&most)?.where_cond(&most, &y)?;
        let least = most.neg()?;
        y.lt(&least)?.where_cond(&least, &y)
    };
    attach1("rectifier", x, value, move |x, gradient| sloped(gradient, &x.detach(), rectifier))
}

/// A gradient times the derivative at `x`, which is a constant almost everywhere: it has no derivative itself.
fn sloped(gradient: &Tensor, x: &Tensor, rectifier: Rectifier) -> Result<Tensor> {
    let value = |gradient: &Tensor| {
        let Rectifier { slope, gain, clamp } = rectifier;
        let gradient = product(gradient, gain)?;
        let gradient = x.gt(0.0)?.where_cond(&gradient, &product(&gradient, slope)?)?;
        let Some(clamp) = clamp else { return Ok(gradient) };
        let is_clamped = unclamped(x, rectifier)?.abs()?.ge(clamp)?;
        is_clamped.where_cond(&gradient.zeros_like()?, &gradient)
    };
    let again = x.clone();
    attach1("rectifier-slope", gradient, value, move |_, second| sloped(second, &again, rectifier))
}

/// `gain * leaky_relu(x, slope)`.
fn unclamped(x: &Tensor, Rectifier { slope, gain, .. }: Rectifier) -> Result<Tensor> {
    let x = product(x, gain)?;
    if slope == 1.0 {
        return Ok(x);
    }
    // NaN is not below 0, and stays NaN.
    x.le(0.0)?.where_cond(&product(&x, slope)?, &x)
}

/// `x * factor`; a factor of 0 gives 0, even for infinity and NaN.
fn product(x: &Tensor, factor: f64) -> Result<Tensor> {
    match factor {
        0.0 => x.zeros_like(),
        1.0 => Ok(x.clone()),
        _ => x.affine(factor, 0.0),
    }
}
