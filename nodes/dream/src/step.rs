use dreamwire_nets::optim::{Stepper, jitter_offset, roll};
use dreamwire_sdk::prelude::*;

use crate::objective::Objective;

/// What one step does to a picture, besides asking the objective.
pub(crate) struct Rule {
    /// Length of a step in the picture's units; negative to minimise.
    pub(crate) rate: f64,
    /// Pixels that the picture is rolled by at most.
    pub(crate) jitter: usize,
    pub(crate) seed: u64,
    /// Keep the picture in 0..1.
    pub(crate) clamp: bool,
}

/// Which step it is.
#[derive(Clone, Copy)]
pub(crate) struct Position {
    pub(crate) octave: usize,
    pub(crate) step: usize,
}

/// One step of ascent: the new picture, and the objective's value before it.
///
/// The picture is rolled by a random offset, so that no pixel is always at the same place of the
/// network's grid of pools, and the gradient is rolled back. `mask`, `[B or 1,H,W,1]`, scales the step.
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
    let (down, right) = jitter_offset(rule.seed, position.octave, position.step, rule.jitter);
    let (value, gradient) = objective.value_and_gradient(&roll(image, down, right)?.contiguous()?)?;
    let size = f64::from(gradient.abs()?.mean_all()?.to_scalar::<f32>()?);
    if !value.is_finite() || !size.is_finite() {
        let Position { octave, step } = position;
        let (octave, step) = (octave + 1, step + 1);
        return Err(Error::nonfinite(format!(
            "at octave {octave}, step {step} the objective is {value} and its mean gradient {size}"
        ))
        .hint("lower `rate`"));
    }
    let direction = roll(&stepper.direction(&gradient)?, -down, -right)?;
    let direction = match mask {
        Some(mask) => direction.broadcast_mul(mask)?,
        None => direction,
    };
    let moved = (image + (direction * rule.rate)?)?;
    let moved = if rule.clamp { moved.clamp(0f32, 1f32)? } else { moved };
    Ok((moved.detach(), value))
}
