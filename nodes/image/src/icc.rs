use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

/// A profile that changes no colour by more than this is sRGB under another name: half an 8-bit level.
const SAME: f32 = 0.5 / 255.0;

/// Converts `rgb` (interleaved R, G, B in 0..1, as the embedded `profile` defines them) to sRGB, clamped to
/// 0..1. Colours outside sRGB's gamut are clipped.
///
/// Returns false, and changes nothing, if the profile is sRGB anyway: converting would only add rounding.
///
/// # Errors
/// If the profile is broken or not for RGB or grey pictures; then `rgb` is unchanged.
pub(crate) fn to_srgb(profile: &[u8], rgb: &mut [f32]) -> Result<bool, String> {
    let profile = ColorProfile::new_from_slice(profile).map_err(|e| e.to_string())?;
    let (layout, probe) = match profile.color_space {
        DataColorSpace::Rgb => (Layout::Rgb, rgb_probe()),
        DataColorSpace::Gray => (Layout::Gray, gray_probe()),
        other => return Err(format!("it is for {other:?} data")),
    };
    let transform = profile
        .create_transform_f32(layout, &ColorProfile::new_srgb(), Layout::Rgb, TransformOptions::default())
        .map_err(|e| e.to_string())?;
    let convert = |rgb: &[f32]| -> Result<Vec<f32>, String> {
        // A grey picture arrives as three equal channels; a grey profile takes one of them.
        let gray: Vec<f32>;
        let source = if layout == Layout::Gray {
            gray = rgb.iter().step_by(3).copied().collect();
            gray.as_slice()
        } else {
            rgb
        };
        let mut out = vec![0.0; rgb.len()];
        transform.transform(source, &mut out).map_err(|e| e.to_string())?;
        out.iter_mut().for_each(|v| *v = v.clamp(0.0, 1.0));
        Ok(out)
    };
    let moved = convert(&probe)?.iter().zip(&probe).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    if moved <= SAME {
        return Ok(false);
    }
    rgb.copy_from_slice(&convert(rgb)?);
    Ok(true)
}

/// 6 x 6 x 6 colours over the whole cube.
fn rgb_probe() -> Vec<f32> {
    let level = |i: u8| f32::from(i) / 5.0;
    (0..216u8).flat_map(|i| [level(i % 6), level(i / 6 % 6), level(i / 36)]).collect()
}

/// 256 greys.
fn gray_probe() -> Vec<f32> {
    (0..=255u8).flat_map(|i| [f32::from(i) / 255.0; 3]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(profile: &ColorProfile) -> Vec<u8> {
        profile.encode().expect("a built-in profile can be written")
    }

    #[test]
    fn srgb_is_left_alone() {
        let mut rgb = vec![0.1, 0.2, 0.3];
        assert_eq!(to_srgb(&bytes(&ColorProfile::new_srgb()), &mut rgb), Ok(false));
        assert_eq!(rgb, [0.1, 0.2, 0.3]);
    }

    /// Faults: D10.
    #[test]
    fn display_p3_becomes_more_saturated_numbers() {
        let mut rgb = vec![0.5, 0.5, 0.5, 0.8, 0.4, 0.4];
        assert_eq!(to_srgb(&bytes(&ColorProfile::new_display_p3()), &mut rgb), Ok(true));
        for grey in &rgb[..3] {
            assert!((grey - 0.5).abs() < 2e-3, "grey stays grey: {rgb:?}");
        }
        // P3 primaries are stronger: the same colour needs more red and less of the others in sRGB.
        assert!(rgb[3] > 0.81 && rgb[4] < 0.39 && rgb[5] < 0.4, "{rgb:?}");
    }

    #[test]
    fn linear_grey_is_brightened() {
        let mut rgb = vec![0.214, 0.214, 0.214];
        assert_eq!(to_srgb(&bytes(&ColorProfile::new_gray_with_gamma(1.0)), &mut rgb), Ok(true));
        assert!(rgb.iter().all(|v| (v - 0.5).abs() < 5e-3), "{rgb:?}");
    }

    #[test]
    fn rubbish_is_an_error_and_changes_nothing() {
        let mut rgb = vec![0.1, 0.2, 0.3];
        assert!(to_srgb(b"not a profile", &mut rgb).is_err());
        assert_eq!(rgb, [0.1, 0.2, 0.3]);
    }
}
