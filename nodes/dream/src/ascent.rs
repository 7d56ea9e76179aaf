use dreamwire_nets::optim::{Stepper, zoom};
use dreamwire_sdk::prelude::*;
use serde::Serialize;

use crate::objective::Objective;
use crate::report::Report;
use crate::step::{Position, Rule, step};

/// What goes from one octave to the next: what the steps changed, enlarged and added to the next octave's own
/// pixels, so that the photograph stays sharp (`Detail`); or the picture so far, enlarged (`Image`).
#[derive(Clone, Copy, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Carry {
    Detail,
    Image,
}

/// A whole dream.
pub(crate) struct Ascent {
    pub(crate) objective: Objective,
    /// `[B or 1,H,W,1]` of any size.
    pub(crate) mask: Option<Tensor>,
    pub(crate) rule: Rule,
    /// The state before an octave's first step.
    pub(crate) stepper: Stepper,
    pub(crate) carry: Carry,
    /// Per octave.
    pub(crate) steps: usize,
}

impl Ascent {
    /// Ascends through the octaves, smallest first.
    ///
    /// # Errors
    ///
    /// If the host cancels, the objective fails, or something is not finite.
    pub(crate) fn run(&self, call: &Call, octaves: &[Tensor]) -> Result<Tensor> {
        let mut report = Report::new(call, octaves.len() * self.steps);
        let mut result: Option<(Tensor, &Tensor)> = None;
        for (octave, base) in octaves.iter().enumerate() {
            let (_, height, width, _) = base.dims4()?;
            let mut image = match &result {
                None => base.clone(),
                Some((previous, _)) if self.carry == Carry::Image => zoom(previous, height, width)?,
                Some((previous, previous_base)) => {
                    (base + zoom(&(previous - *previous_base)?, height, width)?)?
                }
            };
            let mask = self.mask_of_size(height, width)?;
            // What an octave hands on is enlarged, so it reaches over the edge of the mask.
            image = kept(mask.as_ref(), image, base)?;
            let mut stepper = self.stepper.clone();
            let stage = format!("octave {}/{}", octave + 1, octaves.len());
            for number in 0..self.steps {
                let position = Position { octave: Some(octave), step: number };
                let (moved, value) =
                    step(&image, mask.as_ref(), &self.objective, &mut stepper, &self.rule, position)?;
                image = moved;
                report.step(&stage, value, &image)?;
            }
            // Steps also clamp what they do not move.
            result = Some((kept(mask.as_ref(), image, base)?, base));
        }
        result.map(|(image, _)| image).ok_or_else(|| Error::failed("there are no octaves"))
    }

    /// The mask for pictures of `height` by `width`.
    pub(crate) fn mask_of_size(&self, height: usize, width: usize) -> Result<Option<Tensor>> {
        Ok(self.mask.as_ref().map(|mask| zoom(mask, height, width)).transpose()?)
    }
}

/// `image`, but `base` where the mask is 0: there the picture is the one that was given, whatever the octaves did.
fn kept(mask: Option<&Tensor>, image: Tensor, base: &Tensor) -> Result<Tensor> {
    let Some(mask) = mask else { return Ok(image) };
    let outside = mask.eq(0f32)?.broadcast_as(image.dims())?.contiguous()?;
    Ok(outside.where_cond(&base.contiguous()?, &image.contiguous()?)?)
}
