use candle_core::{DType, Device, Result, Tensor};

use super::Axis;
use crate::operators::constant::constant;

/// The longest axis that is one block.
const LONGEST: usize = 128;

/// About as many inputs or outputs has a block of a longer one: more would multiply more zeros, fewer would
/// read more inputs twice.
const BLOCK: usize = 32;

/// A resampled axis as blocks of outputs, each the product of one matrix with a window of the inputs. Windows
/// overlap.
pub(super) struct Blocks {
    count: usize,
    /// Inputs from one window to the next.
    step: usize,
    /// Outputs of a block; those beyond the last of the axis mean nothing.
    outputs: usize,
    /// The first input of the first window: negative where it begins with zeros.
    first: isize,
    /// Inputs of a window: a step and at most one more.
    window: usize,
}

impl Blocks {
    /// For a filter of `len` taps.
    pub(super) fn new(axis: Axis, len: usize) -> Self {
        let Axis { inputs, outputs, up, down, before } = axis;
        let whole = Self { count: 1, step: inputs, outputs, first: 0, window: inputs };
        if inputs.max(outputs) <= LONGEST {
            return whole;
        }
        let divisor = divisor(up, down);
        // After this many inputs and outputs the filter has the same phase again.
        let period = [down / divisor, up / divisor];
        // A window reads at most this far beyond its step.
        let overlap = len.div_ceil(up) + 1;
        let periods = BLOCK.div_ceil(period[0].max(period[1])).max(overlap.div_ceil(period[0]));
        let [step, block] = period.map(|period| period * periods);
        let first = -before.div_euclid(up as isize);
        // Inputs up to the last that this many outputs read, from the first one.
        let read = |outputs: usize| {
            let end = (outputs * down + len) as isize - down as isize - before;
            (end - 1).div_euclid(up as isize) + 1 - first
        };
        let count = outputs.div_ceil(block).max(read(outputs).max(0).unsigned_abs().div_ceil(step));
        let window = read(block).max(0).unsigned_abs().max(step);
        let blocks = Self { count, step, outputs: block, first, window };
        let [start, end] = blocks.kept(inputs);
        if count < 3 || start >= end { whole } else { blocks }
    }

    /// The first input of all steps, and the one behind their last, of so many.
    fn kept(&self, inputs: usize) -> [isize; 2] {
        let end = self.first + (self.count * self.step) as isize;
        [self.first.max(0), end.min(inputs as isize)]
    }

    /// What every window is multiplied by, `[outputs, window]`.
    pub(super) fn matrix(&self, axis: Axis, taps: &[f64], dtype: DType, device: &Device) -> Result<Tensor> {
        let Axis { up, down, before, .. } = axis;
        let mut numbers = Vec::with_capacity(self.outputs * self.window);
        for output in 0..self.outputs {
            for input in 0..self.window {
                let place = (input as isize + self.first) * up as isize - (output * down) as isize + before;
                // The filter is flipped.
                let tap = usize::try_from(place).ok().and_then(|place| taps.iter().rev().nth(place));
                numbers.push(tap.copied().unwrap_or(0.0));
            }
        }
        constant(numbers, (self.outputs, self.window), dtype, device)
    }

    /// All windows of `x`, `[outer, inputs, inner]`: `[outer count, window, inner]`.
    pub(super) fn windows(&self, x: &Tensor) -> Result<Tensor> {
        if self.count == 1 {
            return Ok(x.clone());
        }
        let (outer, inputs, inner) = x.dims3()?;
        let [start, end] = self.kept(inputs);
        let before = self.first.min(0).unsigned_abs();
        let after = self.count * self.step - before - (end - start).unsigned_abs();
        let kept = x.narrow(1, start.unsigned_abs(), (end - start).unsigned_abs())?;
        let padded = kept.pad_with_zeros(1, before, after)?.contiguous()?;
        let steps = padded.reshape((outer * self.count, self.step, inner))?;
        let overlap = self.window - self.step;
        if overlap == 0 {
            return Ok(steps);
        }
        // The beginning of the next step. No output that is kept reads that of the last one of an axis.
        let next = steps.narrow(0, 1, outer * self.count - 1)?.narrow(1, 0, overlap)?;
        Tensor::cat(&[&steps, &next.pad_with_zeros(0, 0, 1)?], 1)
    }
}

/// The greatest common divisor.
fn divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { divisor(b, a % b) }
}
