use std::fmt;

use dreamwire_nets::optim::{Stepper, cascade_blur, cascade_sigma, jitter_offset, roll};
use dreamwire_sdk::prelude::*;

use crate::objective::Objective;
use crate::tiling::Tiling;

/// What one step does to a picture or a latent, except for evaluating the objective.
pub(crate) struct Rule {
    /// Length of a step in the picture's (or latent's) units; negative to minimise.
    pub(crate) rate: f64,
    /// The largest jitter in pixels.
    pub(crate) jitter: usize,
    pub(crate) seed: u64,
    /// Keep the picture in 0..1. A latent has no such range, but its picture has.
    pub(crate) clamp: bool,
    /// For pictures.
    pub(crate) blur: Option<Blur>,
    /// For pictures that are larger than a tile.
    pub(crate) tiling: Option<Tiling>,
    /// The distance from 0 or 1 at which values slow down, in the picture's units; not for latents.
    pub(crate) knee: f64,
}

impl Rule {
    /// Rows and columns that the picture is rolled by in one step.
    pub(crate) fn offset(&self, position: Position) -> (i64, i64) {
        jitter_offset(self.seed, position.octave.unwrap_or(0), position.step, self.jitter)
    }
}

/// Blur of the gradient: it grows from step to step, as in pytorch-deepdream.
#[derive(Clone, Copy)]
pub(crate) struct Blur {
    /// In pixels.
    pub(crate) smoothing: f64,
    /// Per octave.
    pub(crate) steps: usize,
}

/// The index of a step, from 0; shown from 1.
#[derive(Clone, Copy)]
pub(crate) struct Position {
    /// `None` for latents.
    pub(crate) octave: Option<usize>,
    pub(crate) step: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(octave) = self.octave {
            write!(f, "octave {}, ", octave + 1)?;
        }
        write!(f, "step {}", self.step + 1)
    }
}

/// One step of ascent: the new picture, and the objective's value before it.
///
/// `mask`, `[B or 1,H,W,1]`, scales the step.
///
/// # Errors
///
/// If the objective fails, or its value or gradient is not finite.
pub(crate) fn step(
    image: &Tensor,
    mask: Option<&Tensor>,
    objective: &Objective,
    stepper: &mut Stepper,
    rule: &Rule,
    position: Position,
) -> Result<(Tensor, f64)> {
    let offset = rule.offset(position);
    let (value, gradient) = rolled_gradient(image, objective, rule.tiling, offset, position)?;
    let gradient = match rule.blur {
        Some(Blur { smoothing, steps }) => {
            cascade_blur(&gradient, cascade_sigma(position.step, steps, smoothing))?
        }
        None => gradient,
    };
    let direction = stepper.direction(&gradient)?;
    drop(gradient);
    let direction = roll_back(&direction, offset)?;
    Ok((moved(image, &direction, mask, rule)?.detach(), value))
}

/// Rows that are updated at once, so that intermediate results are small even for a large picture.
const STRIP: usize = 256;

/// `image + rate * direction * mask`, slowed down and kept in 0..1 according to the rule.
fn moved(image: &Tensor, direction: &Tensor, mask: Option<&Tensor>, rule: &Rule) -> Result<Tensor> {
    let height = image.dim(1)?;
    let strip = |start: usize| -> Result<Tensor> {
        let rows = |x: &Tensor| x.narrow(1, start, STRIP.min(height - start))?.contiguous();
        let image = rows(image)?;
        let mask = mask.map(rows).transpose()?;
        let change = (masked(rows(direction)?, mask.as_ref())? * rule.rate)?;
        let slows = rule.clamp && rule.knee > 0.0;
        let change = if slows { slow_down(&image, &change, rule.knee)? } else { change };
        let moved = (image + change)?;
        Ok(if rule.clamp { moved.clamp(0f32, 1f32)? } else { moved })
    };
    let strips = (0..height).step_by(STRIP).map(strip).collect::<Result<Vec<_>>>()?;
    Ok(Tensor::cat(&strips, 1)?)
}

/// The objective of the picture rolled by `offset`, and its gradient, which is still rolled.
///
/// Rolling by a random offset keeps pixels from always having the same position relative to the grid of
/// pools.
///
/// # Errors
///
/// If the objective fails, or its value or gradient is not finite.
pub(crate) fn rolled_gradient(
    picture: &Tensor,
    objective: &Objective,
    tiling: Option<Tiling>,
    (down, right): (i64, i64),
    position: Position,
) -> Result<(f64, Tensor)> {
    let rolled = roll(picture, down, right)?.contiguous()?;
    let (value, gradient) = match tiling {
        Some(tiling) => tiling.value_and_gradient(objective, &rolled),
        None => objective.value_and_gradient(&rolled),
    }?;
    check_finite(value, &gradient, position, || objective.unsound_layer(&rolled))?;
    Ok((value, gradient))
}

/// Undoes a roll by `offset`.
pub(crate) fn roll_back(rolled: &Tensor, (down, right): (i64, i64)) -> Result<Tensor> {
    Ok(roll(rolled, -down, -right)?)
}

/// `x`, `[B,H,W,C]`, scaled by a mask `[B or 1,H,W,1]`.
pub(crate) fn masked(x: Tensor, mask: Option<&Tensor>) -> Result<Tensor> {
    match mask {
        Some(mask) => Ok(x.broadcast_mul(mask)?),
        None => Ok(x),
    }
}

/// Refuses a step with numbers that are not finite.
///
/// # Errors
///
/// If the value or a number of the gradient is NaN or infinite; names the first such `layer`, if known.
pub(crate) fn check_finite(
    value: f64,
    gradient: &Tensor,
    position: Position,
    layer: impl FnOnce() -> Option<String>,
) -> Result<()> {
    let size = f64::from(gradient.abs()?.mean_all()?.to_scalar::<f32>()?);
    if value.is_finite() && size.is_finite() {
        return Ok(());
    }
    let began = layer().map_or_else(String::new, |layer| format!(", starting at layer `{layer}`"));
    let message =
        format!("at {position} the objective is {value} and the mean size of its gradient is {size}{began}");
    let hint = match position.step {
        0 => "check whether the weights of the objective are too large",
        _ => "lower `rate`",
    };
    Err(Error::nonfinite(message).hint(hint))
}

/// Limits each value's change to `room * (1 - exp(-|change| / knee))`, where room is the distance to the end
/// of the range in its direction: a value approaches black or white without reaching it, so that highlights
/// keep their detail. If room is larger than `knee`, small changes are unchanged.
fn slow_down(image: &Tensor, change: &Tensor, knee: f64) -> Result<Tensor> {
    let rises = change.gt(0f32)?;
    let room = rises.where_cond(&image.affine(-1.0, 1.0)?, image)?.relu()?;
    let size = change.abs()?;
    let most = (room * size.affine(-1.0 / knee, 0.0)?.exp()?.affine(-1.0, 1.0)?)?;
    let size = size.minimum(&most)?;
    Ok(rises.where_cond(&size, &size.neg()?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_slow_down_only_on_their_way_out() {
        let image = Tensor::new(&[0.5f32, 0.95, 0.95, 0.05, 1.0, 0.0, 0.9], &Device::Cpu).unwrap();
        let change = Tensor::new(&[0.04f32, 0.04, -0.04, -0.04, 0.04, 0.04, 9.0], &Device::Cpu).unwrap();
        let slowed = slow_down(&image, &change, 0.1).unwrap().to_vec1::<f32>().unwrap();
        let half = 0.05 * (1.0 - (-0.4f32).exp());
        let expected = [0.04, half, -0.04, -half, 0.0, 0.04, 0.1];
        assert!(slowed.iter().zip(expected).all(|(a, b): (&f32, f32)| (a - b).abs() < 1e-6), "{slowed:?}");
    }
}
