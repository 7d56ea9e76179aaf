//! Projection: the search for the latent whose picture is nearest to a given one (Karras et al., arXiv:1912.04958,
//! appendix D), with the numbers of stylegan2-ada-pytorch's `projector.py` as defaults.
//!
//! [`Projector`] holds the state of a search and makes its steps. Whoever searches draws the random numbers, makes the
//! pictures and measures their distance, so that it can be any function.

use candle_core::{Result, Tensor};

use crate::optim::{Adam, Stepper};

mod noise_penalty;
mod schedule;
mod spread;

pub use noise_penalty::noise_penalty;
pub use schedule::Schedule;
pub use spread::{average_and_spread, normal_latents};

/// Where the latents of a search lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Space {
    /// One w for all layers: less like the target, but a typical picture that can be edited.
    W,
    /// A w for each layer (Abdal et al., arXiv:1904.03189, "W+"): closer to the target.
    WPlus,
}

/// A search for latents, each of its own: those of a batch do not influence each other.
pub struct Projector {
    schedule: Schedule,
    space: Space,
    /// Of the styles around their average.
    spread: f64,
    /// Of the penalty of noise planes.
    regularisation: f64,
    latent: Tensor,
    latent_stepper: Stepper,
    planes: Vec<Tensor>,
    plane_steppers: Vec<Stepper>,
    step: usize,
}

impl Projector {
    /// A search from `start`, `[B, layers, w]`. In [`Space::W`] all layers move alike, so that a start with different
    /// layers keeps their differences.
    ///
    /// `spread` is the second result of [`average_and_spread`]: random steps are relative to it. `planes`, `[B, 1, r, r]`
    /// each, are noise planes to find along with the latent, kept free of structure by [`noise_penalty`] times
    /// `regularisation`; there may be none.
    pub fn new(
        schedule: Schedule,
        space: Space,
        start: Tensor,
        spread: f64,
        planes: Vec<Tensor>,
        regularisation: f64,
    ) -> Self {
        let stepper = || Stepper::Adam(Adam::default());
        Self {
            plane_steppers: planes.iter().map(|_| stepper()).collect(),
            latent_stepper: stepper(),
            latent: start,
            schedule,
            space,
            spread,
            planes,
            regularisation,
            step: 0,
        }
    }

    /// The latents so far, `[B, layers, w]`.
    pub fn latent(&self) -> &Tensor {
        &self.latent
    }

    /// The noise planes so far.
    pub fn planes(&self) -> &[Tensor] {
        &self.planes
    }

    /// The latents whose pictures the next step is to compare, `[B, layers, w]`: those so far, moved at random by what
    /// the schedule says. `draws` are standard normal numbers, `[1 or B, 1, w]`, in W+ `[1 or B, layers, w]`.
    ///
    /// # Errors
    ///
    /// If the draws have another shape or type.
    pub fn perturbed(&self, draws: &Tensor) -> Result<Tensor> {
        let length = self.spread * self.schedule.noise(self.step);
        self.latent.broadcast_add(&(draws * length)?)
    }

    /// Makes a step of Adam down the distance, whose gradients are given: with respect to [`Projector::perturbed`], and
    /// to each plane, `None` for zero. Planes get a mean of 0 and a mean square of 1 after it.
    ///
    /// Returns the penalty of the planes before the step, the mean over the batch.
    ///
    /// # Errors
    ///
    /// If a gradient has another shape or type, or there are not as many of them as planes.
    pub fn advance(&mut self, latent: &Tensor, planes: &[Option<Tensor>]) -> Result<f64> {
        if planes.len() != self.planes.len() {
            let (planes, found) = (self.planes.len(), planes.len());
            candle_core::bail!("expected {planes} gradients, one per noise plane, found {found}")
        }
        let rate = self.schedule.rate(self.step);
        let latent = match self.space {
            Space::W => latent.sum_keepdim(1)?,
            Space::WPlus => latent.clone(),
        };
        let direction = self.latent_stepper.direction(&latent)?;
        self.latent = self.latent.broadcast_sub(&(direction * rate)?)?;

        let mut total = 0.0;
        for ((plane, stepper), gradient) in self.planes.iter_mut().zip(&mut self.plane_steppers).zip(planes) {
            let (penalties, of_penalty) = noise_penalty(plane)?;
            total += penalties.iter().sum::<f64>() / penalties.len().max(1) as f64;
            let of_penalty = (of_penalty * self.regularisation)?;
            let gradient = match gradient {
                Some(gradient) => (gradient + of_penalty)?,
                None => of_penalty,
            };
            let moved = (&*plane - (stepper.direction(&gradient)? * rate)?)?;
            *plane = normalised(&moved)?;
        }
        self.step += 1;
        Ok(total)
    }
}

/// Each plane of `[B, 1, r, r]` with a mean of 0 and a mean square of 1. An even plane becomes 0.
fn normalised(planes: &Tensor) -> Result<Tensor> {
    let flat = planes.flatten_from(1)?;
    let centred = flat.broadcast_sub(&flat.mean_keepdim(1)?)?;
    // Far below the mean square of any noise.
    let power = (centred.sqr()?.mean_keepdim(1)? + 1e-20)?;
    centred.broadcast_div(&power.sqrt()?)?.reshape(planes.shape())
}

#[cfg(test)]
mod tests;
