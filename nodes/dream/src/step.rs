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
    /// How close to 0 or 1 a value must come to be slowed down, in the picture's units.
    pub(crate) knee: f64,
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
    let change = (direction * rule.rate)?;
    let change = if rule.clamp && rule.knee > 0.0 { slow_down(image, &change, rule.knee)? } else { change };
    let moved = (image + change)?;
    let moved = if rule.clamp { moved.clamp(0f32, 1f32)? } else { moved };
    Ok((moved.detach(), value))
}

/// Shortens each value's change to at most `room * (1 - exp(-|change| / knee))`, where room is how far the value is from the
/// end that it moves to: it comes ever closer to black or white without hitting it, so that highlights keep their detail.
/// With more room than `knee`, small changes are left as they are.
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
