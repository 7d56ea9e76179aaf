//! Damaged pictures: whatever the bytes are, they are decoded or refused, in less than 1 GiB. `PROPTEST_CASES=20000 cargo
//! test -p dreamwire-image fuzz` tries so many of each format.

use super::tests::pictures::{self, GREY, GREY_ALPHA, PALETTE, RGB, RGBA, encoded, rgb, rgba};
use super::{decode_watched, raster};
use dreamwire_sdk::memory::kibibytes;
use dreamwire_sdk::prelude::{Error, Result};
use image::{DynamicImage, ImageFormat};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

/// One thing that is done to a file. Places are scaled to its length.
#[derive(Clone, Debug)]
enum Damage {
    Set(f64, u8),
    Flip(f64, u8),
    Cut(f64),
    /// Some bytes, over others.
    Copy(f64, f64, usize),
    /// Some bytes, taken out or put in again.
    Remove(f64, usize),
    Repeat(f64, usize),
    /// A number of 2 or 4 bytes, at an even place.
    Number(f64, u32, bool, bool),
}

fn damage() -> impl Strategy<Value = Damage> {
    // Headers decide, so half of it is done to the first bytes.
    let place = || prop_oneof![0.0..1.0f64, (0.0..1.0f64).prop_map(|place| place * place * place)];
    let number = prop_oneof![
        Just(0),
        Just(1),
        Just(0x7FFF),
        Just(0xFFFF),
        Just(0x8000_0000),
        Just(0x7FFF_FFFF),
        Just(u32::MAX),
        0..70_000u32,
        any::<u32>()
    ];
    prop_oneof![
        4 => (place(), any::<u8>()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        4 => (place(), 0..8u8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        1 => (0.0..1.0f64).prop_map(Damage::Cut),
        1 => (place(), place(), 1..40usize).prop_map(|(from, to, length)| Damage::Copy(from, to, length)),
        1 => (place(), 1..20usize).prop_map(|(at, length)| Damage::Remove(at, length)),
        1 => (place(), 1..20usize).prop_map(|(at, length)| Damage::Repeat(at, length)),
        3 => (place(), number, any::<bool>(), any::<bool>())
            .prop_map(|(at, number, is_long, is_little)| Damage::Number(at, number, is_long, is_little)),
    ]
}

impl Damage {
    fn done_to(&self, bytes: &mut Vec<u8>) {
        let size = bytes.len();
        let at = |place: f64| ((place * size as f64) as usize).min(size.saturating_sub(1));
        let to = |start: usize, length: usize| (start + length).min(size);
        if size == 0 {
            return;
        }
        match *self {
            Self::Set(place, byte) => bytes[at(place)] = byte,
            Self::Flip(place, bit) => bytes[at(place)] ^= 1 << bit,
            Self::Cut(place) => bytes.truncate(at(place)),
            Self::Copy(from, place, length) => {
                let part = bytes[at(from)..to(at(from), length)].to_vec();
                let end = to(at(place), part.len());
                bytes[at(place)..end].copy_from_slice(&part[..end - at(place)]);
            }
            Self::Remove(place, length) => drop(bytes.drain(at(place)..to(at(place), length))),
            Self::Repeat(place, length) => {
                let part = bytes[at(place)..to(at(place), length)].to_vec();
                drop(bytes.splice(at(place)..at(place), part));
            }
            Self::Number(place, number, is_long, is_little) => {
                let (start, skipped) = (at(place) & !1, if is_long { 0 } else { 2 });
                let number = number.to_be_bytes();
                let mut number = number[skipped..].to_vec();
                if is_little {
                    number.reverse();
                }
                let end = to(start, number.len());
                bytes[start..end].copy_from_slice(&number[..end - start]);
            }
        }
    }
}

/// The most memory that this process has had.
fn peak() -> Option<u64> {
    kibibytes(&std::fs::read_to_string("/proc/self/status").ok()?, "VmHWM:")
}

/// A picture may be large, and then a damaged one too: what is larger than 16 megapixels is left where its samples would
/// become floats.
fn small_ones(_: u64, total: u64, note: &str) -> Result<()> {
    if note != "decoding" && total > 64 { Err(Error::cancelled()) } else { Ok(()) }
}

fn survives(seeds: &[Vec<u8>], mend: fn(&mut [u8])) {
    for seed in seeds {
        let whole = decode_watched("a.picture", seed, "", &small_ones);
        assert!(whole.is_ok(), "{:?}", whole.err().map(|error| error.to_string()));
    }
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    let damages = (any::<prop::sample::Index>(), prop::collection::vec(damage(), 1..6), any::<bool>());
    let tried = TestRunner::new(config).run(&damages, |(seed, damages, mended)| {
        let mut bytes = seed.get(seeds).clone();
        damages.iter().for_each(|damage| damage.done_to(&mut bytes));
        if mended {
            mend(&mut bytes);
        }
        if let Ok(picture) = decode_watched("a.picture", &bytes, "", &small_ones) {
            let pixels = picture.width * picture.height;
            prop_assert_eq!((picture.rgb.len(), picture.mask.len()), (3 * pixels, pixels));
            prop_assert_eq!(raster::clamp(&mut picture.rgb.clone()), 0);
            prop_assert_eq!(raster::clamp(&mut picture.mask.clone()), 0);
        }
        Ok(())
    });
    tried.unwrap_or_else(|error| panic!("{error}"));
    assert!(peak().is_none_or(|bytes| bytes < 1 << 30), "{:?} bytes", peak());
}

fn as_it_is(_: &mut [u8]) {}

/// Faults: D2.
#[test]
fn damaged_png() {
    let mut seeds = Vec::new();
    for (colours, depths) in [
        (GREY, &[1, 2, 4, 8, 16][..]),
        (RGB, &[8, 16]),
        (PALETTE, &[1, 2, 4, 8]),
        (GREY_ALPHA, &[8, 16]),
        (RGBA, &[8, 16]),
    ] {
        for &bits in depths {
            seeds.extend([false, true].map(|interlaced| pictures::png(colours, bits, interlaced, &[])));
        }
    }
    seeds.push(pictures::png(PALETTE, 4, false, &[(b"tRNS", &[0, 51, 255])]));
    seeds.push(pictures::png(RGB, 8, false, &[(b"tRNS", &[0, 0, 0, 0, 0, 0])]));
    seeds.push(encoded(&rgba(), ImageFormat::Png));
    seeds.push(pictures::profiled(ImageFormat::Png));
    survives(&seeds, pictures::mend_checksums);
}

/// Faults: D2.
#[test]
fn damaged_jpeg() {
    let seeds = [
        encoded(&rgb(), ImageFormat::Jpeg),
        pictures::profiled(ImageFormat::Jpeg),
        pictures::progressive_jpeg(),
        pictures::subsampled_jpeg(),
        pictures::grey_jpeg(),
        pictures::cmyk_jpeg(),
    ];
    survives(&seeds, as_it_is);
}

/// Faults: D2.
#[test]
fn damaged_webp() {
    let seeds = [
        encoded(&rgb(), ImageFormat::WebP),
        encoded(&rgba(), ImageFormat::WebP),
        pictures::profiled(ImageFormat::WebP),
        pictures::lossy_webp(),
        pictures::lossy_webp_alpha(),
        pictures::animated_webp(),
    ];
    survives(&seeds, as_it_is);
}

/// Faults: D2.
#[test]
fn damaged_tiff() {
    macro_rules! reported {
        ($name:literal) => {
            include_bytes!(concat!("../../../../../tests/ref/reports/", $name)).to_vec()
        };
    }
    let seeds = [
        encoded(&rgb(), ImageFormat::Tiff),
        encoded(&DynamicImage::ImageRgba16(rgba().into_rgba16()), ImageFormat::Tiff),
        encoded(&DynamicImage::ImageRgb32F(rgb().into_rgb32f()), ImageFormat::Tiff),
        reported!("palette.tif"),
        reported!("bigtiff.tif"),
        reported!("assoc_alpha.tif"),
        reported!("grey_f32.tif"),
        reported!("icc_adobe_small.tif"),
    ];
    survives(&seeds, as_it_is);
}

/// Faults: D2.
#[test]
fn damaged_gif() {
    let seeds = [
        encoded(&rgb(), ImageFormat::Gif),
        encoded(&rgba(), ImageFormat::Gif),
        pictures::animated_gif(),
        pictures::interlaced_gif(),
    ];
    survives(&seeds, as_it_is);
}

/// Faults: D2.
#[test]
fn damaged_bmp() {
    let seeds = [
        encoded(&rgb(), ImageFormat::Bmp),
        encoded(&rgba(), ImageFormat::Bmp),
        pictures::bmp_grey(false),
        pictures::bmp_grey(true),
    ];
    survives(&seeds, as_it_is);
}

/// Faults: D2.
#[test]
fn damaged_qoi() {
    survives(&[encoded(&rgb(), ImageFormat::Qoi), encoded(&rgba(), ImageFormat::Qoi)], as_it_is);
}

/// Faults: D2.
#[test]
fn damaged_exr() {
    let seeds = [
        encoded(&DynamicImage::ImageRgb32F(rgb().into_rgb32f()), ImageFormat::OpenExr),
        encoded(&DynamicImage::ImageRgba32F(rgba().into_rgba32f()), ImageFormat::OpenExr),
        include_bytes!("../../../../../tests/ref/reports/Y.exr").to_vec(),
        include_bytes!("../../../../../tests/ref/reports/R_only.exr").to_vec(),
    ];
    survives(&seeds, as_it_is);
}
