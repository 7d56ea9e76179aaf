//! Headers that claim more rows than the file has. (JPEG: whole/jpeg/tests.rs.)

use super::pictures::{self, HEIGHT, encoded, rgb, rgba};
use super::*;

/// Doubles the number of `length` bytes at a place.
fn doubled(file: &[u8], at: usize, length: usize, is_little: bool) -> Vec<u8> {
    let mut file = file.to_vec();
    let part = &mut file[at..at + length];
    if !is_little {
        part.reverse();
    }
    let number = part.iter().rev().fold(0u64, |sum, &byte| sum << 8 | u64::from(byte));
    assert_eq!(number, HEIGHT as u64, "it is the height");
    part.copy_from_slice(&(2 * number).to_le_bytes()[..length]);
    if !is_little {
        part.reverse();
    }
    file
}

#[track_caller]
fn check(name: &str, file: &[u8], words: &str) {
    let error = refused(name, file);
    assert_eq!(error.status(), dreamwire_sdk::abi::E_INPUT, "{error}");
    assert!(error.to_string().contains(words), "{error}");
}

#[test]
fn png() {
    for interlaced in [false, true] {
        for (colours, bits) in
            [(pictures::RGB, 8), (pictures::GREY, 1), (pictures::PALETTE, 8), (pictures::RGBA, 16)]
        {
            let mut file = doubled(&pictures::png(colours, bits, interlaced, &[]), 20, 4, false);
            pictures::mend_checksums(&mut file);
            check("a.png", &file, "cannot be read as PNG");
        }
    }
    let mut file = doubled(&encoded(&rgb(), ImageFormat::Png), 20, 4, false);
    pictures::mend_checksums(&mut file);
    check("a.png", &file, "cannot be read as PNG");
}

#[test]
fn webp() {
    // Lossless: 14 bits of width - 1, then 14 bits of height - 1.
    for picture in [rgb(), rgba()] {
        let mut file = encoded(&picture, ImageFormat::WebP);
        let place = file.windows(4).position(|part| part == b"VP8L").expect("lossless") + 9;
        let size = u32::from_le_bytes(file[place..place + 4].try_into().expect("4 bytes"));
        assert_eq!(size >> 14 & 0x3FFF, HEIGHT as u32 - 1);
        let taller = size + ((HEIGHT as u32) << 14);
        file[place..place + 4].copy_from_slice(&taller.to_le_bytes());
        check("a.webp", &file, "cannot be read as WebP");
    }
    for file in [pictures::lossy_webp(), pictures::lossy_webp_alpha()] {
        let place = file.windows(3).position(|part| part == b"\x9D\x01\x2A").expect("lossy");
        check("a.webp", &doubled(&file, place + 5, 2, true), "WebP");
    }
}

#[test]
fn tiff() {
    for picture in [rgb(), rgba(), DynamicImage::ImageRgb32F(rgb().into_rgb32f())] {
        let file = encoded(&picture, ImageFormat::Tiff);
        let place = file.windows(4).position(|part| part == [1, 1, 4, 0]).expect("the tag of the height");
        check("a.tif", &doubled(&file, place + 8, 4, true), "a.tif");
    }
}

#[test]
fn gif() {
    for file in [encoded(&rgb(), ImageFormat::Gif), pictures::interlaced_gif()] {
        let [_, _, _, height] = whole::gif_frame(&file).expect("a frame");
        assert_eq!(usize::from(height), HEIGHT);
        let sizes = file.windows(4).enumerate().filter(|(_, part)| part == &[24, 0, 18, 0]);
        let [screen, frame]: [usize; 2] =
            sizes.map(|(at, _)| at + 2).collect::<Vec<_>>().try_into().expect("two sizes");
        let taller = doubled(&file, frame, 2, true);
        check("a.gif", &doubled(&taller, screen, 2, true), "cannot be read as GIF");

        // A frame that is smaller than the picture is part of the format.
        let found = decode("a.gif", &doubled(&file, screen, 2, true), "").expect("a GIF");
        assert_eq!((found.width, found.height), (24, 36));
        assert_eq!((found.mask[0], found.mask[24 * 18]), (0.0, 1.0));
        assert_eq!(
            found.warnings,
            ["`a.gif`: its first frame covers only part of the picture, the rest is transparent"]
        );
    }
}

#[test]
fn bmp() {
    for file in [
        encoded(&rgb(), ImageFormat::Bmp),
        encoded(&rgba(), ImageFormat::Bmp),
        pictures::bmp_grey(false),
        pictures::bmp_grey(true),
    ] {
        check("a.bmp", &doubled(&file, 22, 4, true), "BMP");
    }
}

#[test]
fn qoi() {
    for picture in [rgb(), rgba()] {
        check(
            "a.qoi",
            &doubled(&encoded(&picture, ImageFormat::Qoi), 8, 4, false),
            "do not hold all its pixels",
        );
    }
    // Even if the end marker would do for the pixels that lack.
    let one = encoded(&DynamicImage::ImageRgb8(RgbImage::new(4, 2)), ImageFormat::Qoi);
    let mut taller = one.clone();
    taller[11] = 4;
    assert!(decode("a.qoi", &one, "").is_ok());
    check("a.qoi", &taller, "do not hold all its pixels");
}

#[test]
fn exr() {
    let file = encoded(&DynamicImage::ImageRgb32F(rgb().into_rgb32f()), ImageFormat::OpenExr);
    let window = |name: &[u8]| {
        let place = file.windows(name.len()).position(|part| part == name).expect("a window");
        // The name, the type, the length, and the last of four numbers.
        place + name.len() + 1 + 6 + 4 + 12
    };
    let set = |file: &mut Vec<u8>, at: usize| {
        assert_eq!(file[at..at + 4], (HEIGHT as u32 - 1).to_le_bytes());
        file[at..at + 4].copy_from_slice(&(2 * HEIGHT as u32 - 1).to_le_bytes());
    };
    let mut taller = file.clone();
    set(&mut taller, window(b"displayWindow"));
    // Data that are smaller than the picture are part of the format.
    let found = decode("a.exr", &taller, "").expect("an EXR");
    assert_eq!((found.width, found.height), (24, 36));
    assert!(found.warnings[0].contains("cover only part of the picture"), "{:?}", found.warnings);
    set(&mut taller, window(b"dataWindow"));
    check("a.exr", &taller, "a.exr");
}
