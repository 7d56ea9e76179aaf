use candle_core::{Result, bail};

/// `clamp(gain * leaky_relu(x, slope), -clamp, clamp)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rectifier {
    /// Of the negative side, positive; 1 is the identity.
    pub slope: f64,
    /// Positive.
    pub gain: f64,
    /// Largest absolute value of an output, positive; where it applies the derivative is 0. NaN stays NaN.
    pub clamp: Option<f64>,
}

impl Rectifier {
    /// The identity.
    pub(crate) const NONE: Self = Self { slope: 1.0, gain: 1.0, clamp: None };

    /// Refuses numbers that are not positive: an output must have the sign of its input.
    pub(crate) fn check(self) -> Result<()> {
        let Self { slope, gain, clamp } = self;
        if [slope, gain, clamp.unwrap_or(1.0)].iter().any(|number| number.is_nan() || *number <= 0.0) {
            bail!("slope, gain and clamp of a rectifier must be above 0, found {self:?}")
        }
        Ok(())
    }
}
