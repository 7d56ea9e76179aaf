use dreamwire_sdk::prelude::*;

use crate::ascent::Ascent;
use crate::generator::Generator;
use crate::prior::Prior;
use crate::report::Report;
use crate::step::{Position, check_finite, masked, roll_back, rolled_gradient};

impl Ascent {
    /// Ascends latents `[B,layers,w]`, each independently, under an objective of the pictures that
    /// `generator` makes of them: `w += rate * direction(J^T gradient)`, J being the generator's Jacobian at
    /// w and the gradient that of the objective with respect to the picture. That of `prior` is added to it, with a sign
    /// that moves w up the prior, whether the objective is maximised or minimised.
    ///
    /// Returns the last latents, and their pictures in 0..1.
    ///
    /// # Errors
    ///
    /// If the host cancels, the generator or the objective fails, or something is not finite.
    pub(crate) fn climb(
        &self,
        call: &Call,
        generator: &Generator,
        prior: Option<&Prior>,
        start: Tensor,
    ) -> Result<(Tensor, Tensor)> {
        let mut report = Report::new(call, self.steps);
        let mut stepper = self.stepper.clone();
        let mut latent = start;
        for number in 0..self.steps {
            let position = Position { octave: None, step: number };
            let (picture, tape) = generator.linearise(&latent)?;
            let (mut value, wanted) = self.wanted(&picture, position)?;
            let mut gradient = match tape.vjp(&[Some(&wanted)])?.into_iter().next().flatten() {
                Some(gradient) => gradient,
                // `None` is exactly zero.
                None => latent.zeros_like()?,
            };
            if let Some(prior) = prior {
                let sign = self.rule.rate.signum();
                let (of_prior, up) = prior.value_and_gradient(&latent)?;
                value += sign * of_prior;
                gradient = (gradient + (up * sign)?)?;
            }
            check_finite(value, &gradient, position, || None)?;
            latent = (&latent + (stepper.direction(&gradient)? * self.rule.rate)?)?;
            let stage = format!("step {}/{}", number + 1, self.steps);
            report.step(&stage, value, &picture.clamp(0f32, 1f32)?)?;
        }
        let picture = generator.pictures(&latent)?.clamp(0f32, 1f32)?;
        Ok((latent, picture))
    }

    /// The objective of a picture, and the gradient with respect to its pixels, times the mask.
    ///
    /// With `clamp` the objective sees the clamped picture, and a saturated pixel is not pushed any further:
    /// otherwise the easiest way up is a picture a thousand times too bright.
    fn wanted(&self, picture: &Tensor, position: Position) -> Result<(f64, Tensor)> {
        let (_, height, width, _) = picture.dims4()?;
        let offset = self.rule.offset(position);
        let shown = if self.rule.clamp { &picture.clamp(0f32, 1f32)? } else { picture };
        let (value, gradient) = rolled_gradient(shown, &self.objective, None, offset, position)?;
        let mask = self.mask_of_size(height, width)?;
        let wanted = masked(roll_back(&gradient, offset)?, mask.as_ref())?;
        let wanted = if self.rule.clamp { self.kept_inside(picture, &wanted)? } else { wanted };
        Ok((value, wanted))
    }

    /// The gradient without the components that lead out of 0..1.
    fn kept_inside(&self, picture: &Tensor, wanted: &Tensor) -> Result<Tensor> {
        let brighter = (wanted * self.rule.rate)?.gt(0f32)?;
        let out = brighter.where_cond(&picture.ge(1f32)?, &picture.le(0f32)?)?;
        Ok(out.where_cond(&wanted.zeros_like()?, wanted)?)
    }
}

#[cfg(test)]
mod tests;
