use std::time::{Duration, Instant};

use dreamwire_nets::optim::{Stepper, zoom};
use dreamwire_sdk::prelude::*;

use crate::objective::Objective;
use crate::step::{Position, Rule, step};

/// What goes from one octave to the next.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Carry {
    /// What the steps changed, enlarged and added to the next octave's own pixels: the photograph
    /// stays sharp.
    Detail,
    /// The picture so far, enlarged.
    Image,
}

/// A whole dream.
pub(crate) struct Ascent<'a> {
    pub(crate) objective: &'a Objective,
    /// `[B or 1,H,W,1]` of any size.
    pub(crate) mask: Option<&'a Tensor>,
    pub(crate) rule: Rule,
    /// As it is before an octave's first step.
    pub(crate) stepper: Stepper,
    pub(crate) carry: Carry,
    /// Per octave.
    pub(crate) steps: usize,
}

impl Ascent<'_> {
    /// Ascends through the octaves, smallest first.
    ///
    /// # Errors
    ///
    /// If the host cancels, the objective fails, or something is not finite.
    pub(crate) fn run(&self, call: &Call, octaves: &[Tensor]) -> Result<Tensor> {
        let total = (octaves.len() * self.steps) as u64;
        let mut previews = Previews::default();
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
            let mask = self.mask.map(|mask| zoom(mask, height, width)).transpose()?;
            let mut stepper = self.stepper.clone();
            for number in 0..self.steps {
                let position = Position { octave, step: number };
                let (moved, value) =
                    step(&image, mask.as_ref(), self.objective, &mut stepper, &self.rule, position)?;
                image = moved;
                let note = format!("octave {}/{} objective {}", octave + 1, octaves.len(), short(value));
                call.progress((octave * self.steps + number + 1) as u64, total, &note)?;
                previews.show(call, &image);
            }
            result = Some((image, base));
        }
        result.map(|(image, _)| image).ok_or_else(|| Error::failed("there is no octave to dream in"))
    }
}

/// About five digits, whatever the size.
fn short(value: f64) -> String {
    let before_point = value.abs().max(1e-9).log10().floor() as i32;
    format!("{value:.*}", (4 - before_point).clamp(0, 9) as usize)
}

/// Shows pictures to the host, five a second at most.
#[derive(Default)]
struct Previews {
    last: Option<Instant>,
}

impl Previews {
    const PAUSE: Duration = Duration::from_millis(200);

    fn show(&mut self, call: &Call, image: &Tensor) {
        if self.last.is_none_or(|last| last.elapsed() >= Self::PAUSE) {
            call.preview(image);
            self.last = Some(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_five_digits() {
        let found = [12.3, 124_576.39, 0.000_012_345_6, -7.0, 0.0].map(short);
        assert_eq!(found, ["12.300", "124576", "0.000012346", "-7.0000", "0.000000000"]);
    }
}
