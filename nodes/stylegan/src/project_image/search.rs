use std::time::{Duration, Instant};

use dreamwire_nets::random::CounterRng;
use dreamwire_nets::stylegan::{Projector, Space};
use dreamwire_sdk::prelude::*;

use super::goal::Goal;

/// Time between two previews.
const PAUSE: Duration = Duration::from_millis(200);

/// Everything that a search needs besides its state.
pub(super) struct Search<'a> {
    pub(super) call: &'a Call,
    pub(super) generator: &'a Function,
    pub(super) goal: Goal,
    /// OBJECTIVE of latents.
    pub(super) prior: Option<Function>,
    pub(super) seed: u64,
    pub(super) steps: usize,
    pub(super) space: Space,
}

impl Search<'_> {
    /// Makes all steps. Returns the last latents.
    ///
    /// # Errors
    ///
    /// If the host cancels, a function fails, or something is not finite.
    pub(super) fn run(&self, mut projector: Projector) -> Result<Tensor> {
        let mut shown: Option<Instant> = None;
        for step in 0..self.steps {
            let w = projector.perturbed(&self.draws(step, projector.latent())?)?;
            let x: Vec<&Tensor> = std::iter::once(&w).chain(projector.planes()).collect();
            let wrt = u64::MAX >> (64 - x.len().min(64));
            let (pictures, tape) = self.generator.linearise(&x, wrt)?;
            let pictures = pictures.into_iter().next();
            let pictures =
                pictures.ok_or_else(|| Error::port("generator", "`generator` returned no picture"))?;
            let (mut distance, gradient) = self.goal.distance(&pictures)?;
            let mut gradients = tape.vjp(&[Some(&gradient)])?.into_iter();
            drop(tape);
            // `None` is exactly zero.
            let mut of_latent = gradients.next().flatten().map_or_else(|| w.zeros_like(), Ok)?;
            if let Some(prior) = &self.prior {
                let (value, gradient) = prior.value_and_grad(projector.latent())?;
                distance -= value;
                of_latent = (of_latent - gradient)?;
            }
            check_finite(step, distance, &of_latent)?;
            let mut of_planes: Vec<Option<Tensor>> = gradients.collect();
            of_planes.resize(projector.planes().len(), None);
            projector.advance(&of_latent, &of_planes)?;

            let mean = distance / w.dim(0)? as f64;
            let (number, steps) = (step + 1, self.steps);
            self.call.progress(
                number as u64,
                steps as u64,
                &format!("step {number}/{steps} distance {mean:.5}"),
            )?;
            if shown.is_none_or(|shown| shown.elapsed() >= PAUSE) {
                self.call.preview(&pictures.clamp(0f32, 1f32)?);
                shown = Some(Instant::now());
            }
        }
        Ok(projector.latent().clone())
    }

    /// The random move of a step, the same for every latent of a batch: `[1,1,w]`, in W+ `[1,layers,w]`.
    fn draws(&self, step: usize, latent: &Tensor) -> Result<Tensor> {
        let (_, layers, width) = latent.dims3()?;
        let rows = match self.space {
            Space::W => 1,
            Space::WPlus => layers,
        };
        let rng = CounterRng::mixed(self.seed).stream(step as u64);
        let numbers: Vec<f32> =
            (0..(rows * width) as u64).map(|position| rng.normal(position) as f32).collect();
        Ok(Tensor::from_vec(numbers, (1, rows, width), latent.device())?)
    }
}

/// Refuses a step with numbers that are not finite.
fn check_finite(step: usize, distance: f64, gradient: &Tensor) -> Result<()> {
    let size = f64::from(gradient.abs()?.mean_all()?.to_scalar::<f32>()?);
    if distance.is_finite() && size.is_finite() {
        return Ok(());
    }
    let number = step + 1;
    let message =
        format!("at step {number} the distance is {distance} and the mean size of its gradient is {size}");
    let hint = match step {
        0 => {
            "check whether `image` has values that are not finite, or the weights of `features` are too large"
        }
        _ => "lower `rate`",
    };
    Err(Error::nonfinite(message).hint(hint))
}
