use candle_core::{Result, bail};

/// `clamp(gain * leaky_relu(x, slope), -clamp, clamp)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rectifier {
    /// Of the negative side, above 0; 1 is no rectifier at all.
    pub slope: f64,
    /// Above 0.
    pub gain: f64,
    /// Largest absolute value of an output, above 0; where it holds the derivative is 0. NaN stays NaN.
    pub clamp: Option<f64>,
}

impl Rectifier {
    /// Every value stays as it is.
    pub(crate) const NONE: Self = Self { slope: 1.0, gain: 1.0, clamp: None };

    /// Refuses numbers that are not above 0: the sign of an output has to be that of its input.
    pub(crate) fn check(self) -> Result<()> {
        let Self { slope, gain, clamp } = self;
        if [slope, gain, clamp.unwrap_or(1.0)].iter().any(|number| number.is_nan() || *number <= 0.0) {
            bail!("slope, gain and clamp of a rectifier should be above 0, found {self:?}")
        }
        Ok(())
    }
}
