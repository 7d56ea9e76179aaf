use candle_core::WithDType;

/// The number types a stack computes in: `f32` for work, `f64` for finite differences.
pub(crate) trait Element: WithDType {
    const ZERO: Self;
}

impl Element for f32 {
    const ZERO: Self = 0.0;
}

impl Element for f64 {
    const ZERO: Self = 0.0;
}
