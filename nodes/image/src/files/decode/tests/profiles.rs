//! Profiles that are for other pictures, in every format that carries one.

use super::*;

/// A grey or RGB picture with a profile, in every format that takes one.
fn with_profile(is_grey: bool, profile: &[u8]) -> [(&'static str, Vec<u8>); 3] {
    fn write(mut encoder: impl ImageEncoder, is_grey: bool, profile: &[u8]) {
        encoder.set_icc_profile(profile.to_vec()).expect("it takes a profile");
        let (colour, pixel): (_, &[u8]) =
            if is_grey { (ExtendedColorType::L8, &[80]) } else { (ExtendedColorType::Rgb8, &[80, 160, 120]) };
        encoder.write_image(&pixel.repeat(64), 8, 8, colour).expect("encodes");
    }
    let (mut png, mut jpeg, mut webp) = (Vec::new(), Vec::new(), Vec::new());
    write(PngEncoder::new(&mut png), is_grey, profile);
    write(JpegEncoder::new_with_quality(&mut jpeg, 100), is_grey, profile);
    write(image::codecs::webp::WebPEncoder::new_lossless(&mut webp), is_grey, profile);
    [("a.png", png), ("a.jpg", jpeg), ("a.webp", webp)]
}

#[test]
fn a_profile_for_other_pictures_is_ignored_with_a_warning() {
    let grey = moxcms::ColorProfile::new_gray_with_gamma(1.0).encode().expect("a profile");
    let rgb = moxcms::ColorProfile::new_display_p3().encode().expect("a profile");
    let changed = |at: usize, name: &[u8; 4]| {
        let mut profile = rgb.clone();
        profile[at..at + 4].copy_from_slice(name);
        profile
    };
    let cases = [
        (false, grey, "it is for grey, the picture is RGB"),
        (true, rgb.clone(), "it is for RGB, the picture is grey"),
        (false, changed(16, b"CMYK"), "it is for CMYK, the picture is RGB"),
        (false, changed(16, b"Lab "), "it is for CIE L*a*b*, the picture is RGB"),
        (false, changed(12, b"link"), "it links two devices"),
        (false, rgb[..200].to_vec(), ""),
    ];
    for (is_grey, profile, why) in cases {
        for (name, bytes) in with_profile(is_grey, &profile) {
            // WebP has no grey: there it is written as RGB.
            if is_grey && name == "a.webp" {
                continue;
            }
            let picture = decode(name, &bytes, "").expect(name);
            let expected = if is_grey { [80.0; 3] } else { [80.0, 160.0, 120.0] };
            for (found, expected) in picture.rgb.iter().zip(expected) {
                assert!((found * 255.0 - expected).abs() < 2.5, "{name}: {found} {expected}");
            }
            let [warning] = picture.warnings.as_slice() else { panic!("{name}: {:?}", picture.warnings) };
            assert!(warning.contains("profile is ignored") && warning.contains(why), "{name}: {warning}");
        }
    }
    let picture =
        decode("a.png", include_bytes!("../../../../../../tests/ref/reports/rgb_gray_profile.png"), "");
    let picture = picture.expect("a PNG");
    assert!(picture.warnings[0].contains("it is for grey, the picture is RGB"), "{:?}", picture.warnings);
    let at = 3 * (20 * picture.width + 10);
    assert!((picture.rgb[at + 1] * 255.0 - 160.0).abs() < 0.1, "{:?}", &picture.rgb[at..at + 3]);
}

#[test]
fn the_same_profile_gives_the_same_colours_in_png_and_tiff() {
    let png = decode("a.png", include_bytes!("../../../../../../tests/ref/reports/icc_adobe_same.png"), "");
    let tiff = decode("a.tif", include_bytes!("../../../../../../tests/ref/reports/icc_adobe_small.tif"), "");
    assert_eq!(png.expect("a PNG").rgb, tiff.expect("a TIFF").rgb);
}
