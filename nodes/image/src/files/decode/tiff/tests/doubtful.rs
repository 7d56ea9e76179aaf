//! What is refused, and what is read with a warning.

use super::*;

#[test]
fn samples_without_a_meaning_are_dropped_with_a_warning() {
    for (extra, count, mask, said) in [
        (Some(0), 4, 0.0, "one more sample"),
        (Some(0), 2, 0.0, "one more sample"),
        (None, 4, 0.5, "does not say what its last sample is"),
    ] {
        let found = read(&picture(LITTLE, 1, 8, count, extra));
        let expected = if count == 2 { [80.0; 3] } else { [80.0, 160.0, 120.0] };
        check("extra", &found, expected, mask, 0.1);
        assert!(found.warnings.len() == 1 && found.warnings[0].contains(said), "{:?}", found.warnings);
    }
    // Red, green, blue, something, alpha.
    let rows = (0..32).map(|y| (0..32).flat_map(|x| [colour(x, y).as_slice(), &[7, 128]].concat()).collect());
    let mut five = Tiff::new(LITTLE, 32, 32, rows.collect());
    five.set(258, 3, vec![8; 5]).set(262, 3, vec![2]).set(277, 3, vec![5]).set(338, 3, vec![0, 2]);
    for compression in [1, 5, 8] {
        five.compression = compression;
        five.predict(if compression == 5 { 5 } else { 0 });
        let found = read(&five);
        check("five", &found, [80.0, 160.0, 120.0], 0.5, 0.1);
        assert!(found.warnings.len() == 1, "{:?}", found.warnings);
    }
}

#[test]
fn what_is_not_supported_is_refused_by_name() {
    let with = |tag, value: u64| {
        let mut file = picture(LITTLE, 1, 8, 3, None);
        file.set(tag, 3, vec![value]);
        refused(&file)
    };
    for (number, name) in [
        (2, "CCITT Huffman"),
        (3, "CCITT Group 3"),
        (4, "CCITT Group 4 with more than one bit"),
        (6, "JPEG (old style)"),
        (7, "JPEG"),
        (34_712, "JPEG 2000"),
        (34_887, "LERC"),
        (34_925, "LZMA"),
        (50_000, "Zstandard"),
        (50_001, "WebP"),
        (12_345, "number 12345"),
    ] {
        let error = with(259, number);
        let supported = "supported are none, LZW, Deflate, PackBits, and CCITT Group 4";
        assert_eq!(error, format!("`a.tif` uses the compression {name}; {supported}"));
    }
    for (number, name) in [
        (6, "the colour model YCbCr"),
        (8, "the colour model CIE L*a*b*"),
        (9, "the colour model CIE L*a*b*"),
        (10, "the colour model CIE L*a*b*"),
        (4, "a transparency mask"),
        (32_803, "colour model"),
        (32_845, "colour model"),
        (77, "colour model"),
    ] {
        let error = with(262, number);
        assert!(error.contains(name) && error.contains("supported are grey, RGB"), "{error}");
    }
    let mut mixed = picture(LITTLE, 1, 8, 3, None);
    mixed.set(258, 3, vec![5, 6, 5]);
    assert!(refused(&mixed).contains("samples of 5, 6, 5 bits"), "{}", refused(&mixed));
    for (format, bits) in [(1, 24), (2, 12), (3, 24), (5, 32), (6, 64)] {
        let mut file = picture(LITTLE, 1, 8, 3, None);
        file.set(258, 3, vec![bits; 3]).set(339, 3, vec![format; 3]);
        let error = refused(&file);
        assert!(error.contains(&format!("of {bits} bits; supported are integers of 1 to 16")), "{error}");
    }
    assert!(with(266, 2).contains("FillOrder"), "{}", with(266, 2));
    let mut tiled = picture(LITTLE, 1, 12, 1, None);
    tiled.tile(16, 24);
    assert!(refused(&tiled).contains("tiles of 12 bits"), "{}", refused(&tiled));
}

#[test]
fn values_outside_the_range_are_clamped_with_a_warning() {
    for (format, bits) in [(3, 16), (3, 32), (3, 64)] {
        let rows = vec![[2.0, -1.0, f64::NAN].iter().flat_map(|&v| LITTLE.sample(format, bits, v)).collect()];
        let mut file = Tiff::new(LITTLE, 3, 1, rows);
        file.set(258, 3, vec![bits.into()]).set(262, 3, vec![1]).set(339, 3, vec![format.into()]);
        let found = read(&file);
        assert_eq!(found.rgb, [1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert!(found.warnings[0].contains("9 samples outside"), "{:?}", found.warnings);
    }
}

#[test]
fn data_that_are_declared_too_short_are_not_silent() {
    let mut file = picture(LITTLE, 1, 8, 3, None);
    file.set(279, 4, vec![100]);
    assert!(read(&file).warnings[0].contains("declares less data"));
    for compression in [5, 8, 32_773] {
        let mut file = picture(LITTLE, 1, 8, 3, None);
        file.compression = compression;
        file.chunks.truncate(20);
        file.rows_per_strip = 32;
        let error = refused(&file);
        assert!(error.starts_with("`a.tif`"), "{error}");
    }
}

#[test]
fn a_profile_of_any_size_is_applied_and_one_for_other_pictures_ignored() {
    let p3 = moxcms::ColorProfile::new_display_p3().encode().expect("a profile");
    for (size, count, notes, warnings) in
        [(0, 3, 1, 0), (3 << 20, 3, 1, 0), (0, 1, 0, 1), (65 << 20, 3, 0, 1)]
    {
        let mut profile = p3.clone();
        profile.resize(p3.len().max(size), 0);
        let length = profile.len() as u32;
        profile[..4].copy_from_slice(&length.to_be_bytes());
        let mut file = picture(LITTLE, 1, 8, count, None);
        file.set(34_675, 7, profile.into_iter().map(u64::from).collect());
        let found = read(&file);
        assert_eq!(
            (found.notes.len(), found.warnings.len()),
            (notes, warnings),
            "{size} {count}: {:?}",
            found.warnings
        );
        if notes == 1 {
            assert!(pixel(&found).0[0] < 70.0, "{:?}", pixel(&found));
        }
    }
}
