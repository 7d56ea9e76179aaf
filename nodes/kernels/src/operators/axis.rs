//! Windows along one axis of a map.

use candle_core::{Result, Tensor};

use super::attach::attach1;
use super::edges::{interleaved, resized, resized_with};
use crate::windows::Windows;

/// `count` windows along axis `dim`, which has `size` numbers. What lies outside of the map is padding.
#[derive(Clone, Copy)]
pub(super) struct Axis {
    pub(super) dim: usize,
    pub(super) windows: Windows,
    pub(super) size: usize,
    pub(super) count: usize,
}

impl Axis {
    /// `x` from the first number of the first window to the last of the last, with `fill` as padding.
    pub(super) fn padded(self, x: &Tensor, fill: f32) -> Result<Tensor> {
        let Windows { kernel, stride, padding } = self.windows;
        let extent = (self.count - 1) * stride + kernel;
        let after = extent as isize - (padding + self.size) as isize;
        resized_with(x, self.dim, [padding as isize, after], fill)
    }

    /// A new last axis with the numbers of each window of a map that is [`Self::padded`], without a copy. Its gradient
    /// would be wrong (candle takes it for a reshaped map), so `padded` must have no graph.
    pub(super) fn unfolded(self, padded: &Tensor) -> Result<Tensor> {
        padded.unfold(self.dim, self.windows.kernel, self.windows.stride)
    }

    /// The adjoint of [`Self::padded`] and [`Self::unfolded`]: part `v` goes to number `v` of every window, and what
    /// falls on the same number is added.
    pub(super) fn spread(self, parts: &[Tensor]) -> Result<Tensor> {
        let Windows { kernel, stride, padding } = self.windows;
        let reach = (kernel - 1) / stride;
        // Numbers whose positions have the same remainder by `stride` are neighbours in the parts that reach them.
        let of_remainder = |remainder: usize| {
            let mut sum: Option<Tensor> = None;
            for (shift, part) in parts.iter().skip(remainder).step_by(stride).enumerate() {
                let part = resized(part, self.dim, shift as isize, (reach - shift) as isize)?;
                sum = Some(match sum {
                    Some(sum) => (sum + part)?,
                    None => part,
                });
            }
            match sum {
                Some(sum) => Ok(sum),
                None => resized(&parts[0], self.dim, 0, reach as isize)?.zeros_like(),
            }
        };
        let map = interleaved(&(0..stride).map(of_remainder).collect::<Result<Vec<_>>>()?, self.dim)?;
        let after = (padding + self.size) as isize - map.dim(self.dim)? as isize;
        resized(&map, self.dim, -(padding as isize), after)?.contiguous()
    }
}

/// The sum of every window; padding counts as zeros.
pub(super) fn summed(x: &Tensor, axis: Axis) -> Result<Tensor> {
    let value = |x: &Tensor| {
        let windows = axis.unfolded(&axis.padded(x, 0.0)?)?;
        let numbers = windows.rank() - 1;
        let part = |number: usize| windows.narrow(numbers, number, 1)?.squeeze(numbers)?.contiguous();
        (1..axis.windows.kernel).try_fold(part(0)?, |sum, number| sum + part(number)?)
    };
    attach1("window-sum", x, value, move |_, gradient| repeated(gradient, axis))
}

/// The adjoint of [`summed`]: every number of a window is the window's one, and windows that overlap are added.
pub(super) fn repeated(x: &Tensor, axis: Axis) -> Result<Tensor> {
    let value = |x: &Tensor| axis.spread(&vec![x.clone(); axis.windows.kernel]);
    attach1("window-repeat", x, value, move |_, gradient| summed(gradient, axis))
}
