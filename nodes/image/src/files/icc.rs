use crate::files::decode::Space;
use moxcms::{ColorProfile, DataColorSpace, Layout, ProfileClass, TransformF32Executor, TransformOptions};
use std::sync::Arc;

/// A profile that changes no colour by more than this is sRGB under another name: half an 8-bit level.
const SAME: f32 = 0.5 / 255.0;

/// A conversion of colours to sRGB, clamped to 0..1. Colours outside sRGB's gamut are clipped.
pub(crate) struct Conversion {
    transform: Arc<TransformF32Executor>,
    is_grey: bool,
}

impl Conversion {
    /// Converts interleaved R, G, B in 0..1. A grey picture arrives as three equal channels.
    pub(crate) fn convert(&self, rgb: &mut [f32]) -> Result<(), String> {
        let mut out = vec![0.0; rgb.len()];
        // A grey profile takes one of the channels.
        let grey: Vec<f32>;
        let source = if self.is_grey {
            grey = rgb.iter().step_by(3).copied().collect();
            grey.as_slice()
        } else {
            &*rgb
        };
        self.transform.transform(source, &mut out).map_err(|e| e.to_string())?;
        for (to, from) in rgb.iter_mut().zip(out) {
            *to = from.clamp(0.0, 1.0);
        }
        Ok(())
    }
}

/// The conversion from the colours that an embedded `profile` defines. `space` is what the picture has in its file.
/// `None` if the profile is sRGB anyway: converting would only add rounding.
///
/// # Errors
/// If the profile is broken, is not for such pictures, or does not describe colours.
pub(crate) fn to_srgb(profile: &[u8], space: Space) -> Result<Option<Conversion>, String> {
    let profile = ColorProfile::new_from_slice(profile).map_err(|e| e.to_string())?;
    let (layout, probe) = match (profile.color_space, space) {
        (DataColorSpace::Rgb, Space::Rgb) => (Layout::Rgb, rgb_probe()),
        (DataColorSpace::Gray, Space::Grey) => (Layout::Gray, gray_probe()),
        (DataColorSpace::Cmyk, Space::Cmyk) => {
            return Err("profiles of CMYK are not supported, so CMYK is converted plainly".to_owned());
        }
        (other, space) => return Err(format!("it is for {}, the picture is {space}", title(other))),
    };
    match profile.profile_class {
        ProfileClass::InputDevice
        | ProfileClass::DisplayDevice
        | ProfileClass::OutputDevice
        | ProfileClass::ColorSpace => {}
        ProfileClass::DeviceLink => return Err("it links two devices and describes no colours".to_owned()),
        ProfileClass::Abstract | ProfileClass::Named => {
            return Err(format!(
                "it is of the class {:?}, which describes no pictures",
                profile.profile_class
            ));
        }
    }
    if !matches!(profile.pcs, DataColorSpace::Xyz | DataColorSpace::Lab) {
        return Err(format!("it leads to {} instead of CIE XYZ or L*a*b*", title(profile.pcs)));
    }
    let transform = profile
        .create_transform_f32(layout, &ColorProfile::new_srgb(), Layout::Rgb, TransformOptions::default())
        .map_err(|e| e.to_string())?;
    let conversion = Conversion { transform, is_grey: layout == Layout::Gray };
    let mut probed = probe.clone();
    conversion.convert(&mut probed)?;
    let green = |i: usize| probed[3 * i + 1];
    // A damaged profile can make everything black; of a sound one, white is much lighter than black.
    if !probed.iter().all(|v| v.is_finite()) || green(probed.len() / 3 - 1) - green(0) < 0.5 {
        return Err("it is damaged: white would not be lighter than black".to_owned());
    }
    let moved = probed.iter().zip(&probe).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    Ok((moved > SAME).then_some(conversion))
}

/// A colour space in words.
fn title(space: DataColorSpace) -> String {
    match space {
        DataColorSpace::Rgb => "RGB".to_owned(),
        DataColorSpace::Gray => "grey".to_owned(),
        DataColorSpace::Cmyk => "CMYK".to_owned(),
        DataColorSpace::Lab => "CIE L*a*b*".to_owned(),
        DataColorSpace::Xyz => "CIE XYZ".to_owned(),
        other => format!("{other:?}"),
    }
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
    use super::{ColorProfile, Space};

    /// Converts `rgb` as a picture's colours are; false if nothing is to be done.
    fn to_srgb(profile: &[u8], space: Space, rgb: &mut [f32]) -> Result<bool, String> {
        let Some(conversion) = super::to_srgb(profile, space)? else { return Ok(false) };
        conversion.convert(rgb).map(|()| true)
    }

    fn bytes(profile: &ColorProfile) -> Vec<u8> {
        profile.encode().expect("a built-in profile can be written")
    }

    #[test]
    fn srgb_is_left_alone() {
        let mut rgb = vec![0.1, 0.2, 0.3];
        assert_eq!(to_srgb(&bytes(&ColorProfile::new_srgb()), Space::Rgb, &mut rgb), Ok(false));
        assert_eq!(rgb, [0.1, 0.2, 0.3]);
    }

    /// Faults: D10.
    #[test]
    fn display_p3_becomes_more_saturated_numbers() {
        let mut rgb = vec![0.5, 0.5, 0.5, 0.8, 0.4, 0.4];
        assert_eq!(to_srgb(&bytes(&ColorProfile::new_display_p3()), Space::Rgb, &mut rgb), Ok(true));
        for grey in &rgb[..3] {
            assert!((grey - 0.5).abs() < 2e-3, "grey stays grey: {rgb:?}");
        }
        // P3 primaries are stronger: the same colour needs more red and less of the others in sRGB.
        assert!(rgb[3] > 0.81 && rgb[4] < 0.39 && rgb[5] < 0.4, "{rgb:?}");
    }

    #[test]
    fn linear_grey_is_brightened() {
        let mut rgb = vec![0.214, 0.214, 0.214];
        assert_eq!(to_srgb(&bytes(&ColorProfile::new_gray_with_gamma(1.0)), Space::Grey, &mut rgb), Ok(true));
        assert!(rgb.iter().all(|v| (v - 0.5).abs() < 5e-3), "{rgb:?}");
    }

    #[test]
    fn rubbish_is_an_error_and_changes_nothing() {
        let mut rgb = vec![0.1, 0.2, 0.3];
        assert!(to_srgb(b"not a profile", Space::Rgb, &mut rgb).is_err());
        assert_eq!(rgb, [0.1, 0.2, 0.3]);
    }

    #[test]
    fn a_profile_for_other_pictures_is_refused_and_both_are_named() {
        let mut rgb = vec![0.1, 0.2, 0.3];
        let grey = bytes(&ColorProfile::new_gray_with_gamma(2.2));
        let why = to_srgb(&grey, Space::Rgb, &mut rgb).unwrap_err();
        assert_eq!(why, "it is for grey, the picture is RGB");
        let p3 = bytes(&ColorProfile::new_display_p3());
        let why = to_srgb(&p3, Space::Grey, &mut rgb).unwrap_err();
        assert_eq!(why, "it is for RGB, the picture is grey");
        for (at, name, expected) in [
            (16, b"CMYK", "it is for CMYK, the picture is RGB"),
            (16, b"Lab ", "it is for CIE L*a*b*, the picture is RGB"),
            (12, b"link", "it links two devices"),
            (12, b"abst", "it is of the class Abstract"),
            (20, b"RGB ", "it leads to RGB instead of"),
        ] {
            let mut changed = p3.clone();
            changed[at..at + 4].copy_from_slice(name);
            let why = to_srgb(&changed, Space::Rgb, &mut rgb).unwrap_err();
            assert!(why.starts_with(expected), "{why}");
        }
        assert_eq!(rgb, [0.1, 0.2, 0.3]);
    }

    #[test]
    fn a_damaged_profile_is_an_error_or_harmless() {
        let p3 = bytes(&ColorProfile::new_display_p3());
        for length in (0..p3.len()).step_by(7) {
            let mut rgb = vec![0.1, 0.2, 0.3];
            let mut zeroed = p3.clone();
            zeroed[length..].fill(0);
            for damaged in [&p3[..length], &zeroed] {
                if to_srgb(damaged, Space::Rgb, &mut rgb).is_err() {
                    assert_eq!(rgb, [0.1, 0.2, 0.3], "{length}");
                }
                assert!(rgb.iter().all(|v| (0.0..=1.0).contains(v)), "{length}: {rgb:?}");
            }
        }
    }
}
