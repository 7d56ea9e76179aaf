//! Damaged pictures: whatever the bytes are, they are decoded or refused. `PROPTEST_CASES=100000 cargo test -p
//! dreamwire-image fuzz` looks longer.

use super::decode;
use image::{DynamicImage, ImageFormat, RgbImage};
use proptest::prelude::*;
use std::io::Cursor;

/// A small picture in every format that is read.
fn seeds() -> Vec<Vec<u8>> {
    let picture = RgbImage::from_fn(13, 9, |x, y| image::Rgb([x as u8 * 19, y as u8 * 27, (x * y) as u8]));
    let picture = DynamicImage::ImageRgb8(picture);
    let encode = |picture: &DynamicImage, format| {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).expect("it is written");
        bytes.into_inner()
    };
    let eight = [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::Gif,
        ImageFormat::Bmp,
        ImageFormat::Qoi,
        ImageFormat::WebP,
        ImageFormat::Tiff,
    ];
    let mut seeds: Vec<Vec<u8>> = eight.iter().map(|&format| encode(&picture, format)).collect();
    seeds.push(encode(&DynamicImage::ImageRgb32F(picture.to_rgb32f()), ImageFormat::OpenExr));
    seeds.push(encode(&DynamicImage::ImageRgba16(picture.to_rgba16()), ImageFormat::Png));
    seeds.push(encode(&DynamicImage::ImageLumaA8(picture.to_luma_alpha8()), ImageFormat::Png));
    seeds.push(encode(&DynamicImage::ImageRgba16(picture.to_rgba16()), ImageFormat::Tiff));
    // A TIFF with a palette, a BigTIFF, and an OpenEXR of one channel.
    seeds.push(include_bytes!("../../../../tests/ref/reports/palette.tif").to_vec());
    seeds.push(include_bytes!("../../../../tests/ref/reports/bigtiff.tif").to_vec());
    seeds.push(include_bytes!("../../../../tests/ref/reports/Y.exr").to_vec());
    seeds
}

/// Bytes that are set, and where the rest is cut off, at places that are scaled to the length.
fn damage() -> impl Strategy<Value = (Vec<(f64, u8)>, f64)> {
    let cut = prop_oneof![3 => Just(1.0), 1 => 0.0..1.0f64];
    (prop::collection::vec((0.0..1.0f64, any::<u8>()), 0..10), cut)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Faults: D2.
    #[test]
    fn a_damaged_picture_is_decoded_or_refused(seed in any::<prop::sample::Index>(), damage in damage()) {
        thread_local!(static SEEDS: Vec<Vec<u8>> = seeds());
        let mut bytes = SEEDS.with(|seeds| seed.get(seeds).clone());
        let (edits, cut) = damage;
        for (place, byte) in edits {
            let at = (place * bytes.len() as f64) as usize;
            bytes[at] = byte;
        }
        bytes.truncate((cut * bytes.len() as f64) as usize);
        if let Ok(picture) = decode("a.picture", &bytes, "") {
            prop_assert_eq!(picture.rgb.len(), 3 * picture.width * picture.height);
            prop_assert!(picture.mask.is_empty() || picture.mask.len() == picture.width * picture.height);
        }
    }
}
