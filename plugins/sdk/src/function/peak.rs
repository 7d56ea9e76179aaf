//! The memory that an evaluation of a function needs.

use dreamwire_abi as abi;

/// How much memory an evaluation needs at most, in bytes: something fixed, and the rest for every pixel of the first
/// input if that is `[B,H,W,C]`, otherwise for every entry of its first axis.
///
/// It includes the function's own copies of inputs, outputs and gradients; who evaluates it has others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Peak {
    /// Whatever the size of the input.
    pub fixed: u64,
    /// Of all outputs together, per pixel or entry.
    pub outputs: u64,
    /// Of an evaluation without a gradient, per pixel or entry.
    pub value: u64,
    /// Of one with a gradient, per pixel or entry.
    pub gradient: u64,
}

impl Peak {
    /// For evaluating a first input of the shape `dims`.
    pub fn of_value(&self, dims: &[usize]) -> u64 {
        self.fixed.saturating_add(self.value.saturating_mul(units(dims)))
    }

    /// For evaluating a first input of the shape `dims`, and the gradient.
    pub fn of_gradient(&self, dims: &[usize]) -> u64 {
        self.fixed.saturating_add(self.gradient.saturating_mul(units(dims)))
    }

    /// The outputs for a first input of the shape `dims`.
    pub fn of_outputs(&self, dims: &[usize]) -> u64 {
        self.outputs.saturating_mul(units(dims))
    }

    /// In the ABI's form.
    pub(crate) fn to_abi(self) -> abi::Peak {
        let Self { fixed, outputs, value, gradient } = self;
        abi::Peak { size: size_of::<abi::Peak>() as u32, reserved: 0, fixed, outputs, value, gradient }
    }

    /// What another plugin says.
    pub(crate) fn from_abi(peak: abi::Peak) -> Self {
        let abi::Peak { fixed, outputs, value, gradient, .. } = peak;
        Self { fixed, outputs, value, gradient }
    }
}

/// Pixels of a picture, or entries of the first axis of anything else.
fn units(dims: &[usize]) -> u64 {
    let counted = if dims.len() == 4 { &dims[..3] } else { dims.get(..1).unwrap_or_default() };
    counted.iter().fold(1, |units: u64, size| units.saturating_mul(*size as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_count_by_pixels_and_latents_by_rows() {
        let peak = Peak { fixed: 7, outputs: 2, value: 10, gradient: 100 };
        assert_eq!(peak.of_value(&[2, 3, 4, 5]), 7 + 24 * 10);
        assert_eq!(peak.of_gradient(&[2, 3, 4, 5]), 7 + 24 * 100);
        assert_eq!(peak.of_outputs(&[2, 3, 4, 5]), 48);
        assert_eq!(peak.of_gradient(&[3, 18, 512]), 307);
        assert_eq!(peak.of_value(&[]), 17);
        assert_eq!(peak.of_value(&[usize::MAX, usize::MAX, 2, 3]), u64::MAX);
    }

    #[test]
    fn it_crosses_unchanged() {
        let peak = Peak { fixed: 1, outputs: 2, value: 3, gradient: 4 };
        assert_eq!(Peak::from_abi(peak.to_abi()), peak);
    }
}
