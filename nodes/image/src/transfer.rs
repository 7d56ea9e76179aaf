//! The sRGB transfer function (IEC 61966-2-1), per sample.

/// Linear light 0..1 to display-referred sRGB 0..1.
pub(crate) fn from_linear(linear: f32) -> f32 {
    if linear <= 0.003_130_8 { linear * 12.92 } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 }
}

/// Display-referred sRGB 0..1 to linear light 0..1.
pub(crate) fn to_linear(srgb: f32) -> f32 {
    if srgb <= 0.040_45 { srgb / 12.92 } else { ((srgb + 0.055) / 1.055).powf(2.4) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        // Middle grey: 18 % of the light is about 46 % of the signal.
        assert!((from_linear(0.18) - 0.461_356).abs() < 1e-5);
        assert!((to_linear(0.5) - 0.214_041).abs() < 1e-5);
        assert_eq!(from_linear(0.0), 0.0);
        assert!((from_linear(1.0) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn they_undo_each_other() {
        for step in 0..=1000u16 {
            let srgb = f32::from(step) / 1000.0;
            assert!((from_linear(to_linear(srgb)) - srgb).abs() < 1e-5, "{srgb}");
        }
    }
}
