//! Pictures are made here with the image crate's encoders, so that every byte of a test is in the repository.

mod formats;
mod heights;
pub(super) mod pictures;
mod profiles;

use super::*;
use image::DynamicImage;
use image::codecs::{jpeg::JpegEncoder, png::PngEncoder};
use image::{ExtendedColorType, ImageEncoder, RgbImage, RgbaImage};
use std::io::Cursor;

const FORMATS: [(ImageFormat, &str); 8] = [
    (ImageFormat::Png, "png"),
    (ImageFormat::Jpeg, "jpg"),
    (ImageFormat::WebP, "webp"),
    (ImageFormat::Tiff, "tif"),
    (ImageFormat::Gif, "gif"),
    (ImageFormat::Bmp, "bmp"),
    (ImageFormat::Qoi, "qoi"),
    (ImageFormat::OpenExr, "exr"),
];

/// Left half red, right half blue: survives palettes and lossy coding.
fn red_blue(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, _| image::Rgb(if x < width / 2 { [255, 0, 0] } else { [0, 0, 255] }))
}

/// Noise, so that no compressor can make the tail of the file unimportant.
fn noise(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let h = ((u64::from(x) << 32) | u64::from(y)).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        image::Rgb([(h >> 24) as u8, (h >> 40) as u8, (h >> 56) as u8])
    })
}

fn encode(picture: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let picture = DynamicImage::ImageRgb8(picture.clone());
    let picture =
        if format == ImageFormat::OpenExr { DynamicImage::ImageRgb32F(picture.to_rgb32f()) } else { picture };
    let mut out = Cursor::new(Vec::new());
    picture.write_to(&mut out, format).expect("the test picture encodes");
    out.into_inner()
}

#[track_caller]
fn refused(name: &str, bytes: &[u8]) -> Error {
    match decode(name, bytes, "") {
        Ok(picture) => panic!("`{name}` accepted as {}x{}", picture.width, picture.height),
        Err(error) => error,
    }
}

#[test]
fn every_format_is_read() {
    for (format, extension) in FORMATS {
        let name = format!("a.{extension}");
        let picture = decode(&name, &encode(&red_blue(64, 32), format), "").expect(extension);
        assert_eq!((picture.width, picture.height), (64, 32), "{extension}");
        assert_eq!(picture.mask, vec![0.0; 64 * 32], "{extension}");
        for (left, right) in [(0, 2), (2, 0)] {
            // One sample well inside each half, row 16; lossy coding may be off by a little.
            let (a, b) = (picture.rgb[(16 * 64 + 8) * 3 + left], picture.rgb[(16 * 64 + 56) * 3 + right]);
            let wanted = if left == 0 { 1.0 } else { 0.0 };
            assert!((a - wanted).abs() < 0.05 && (b - wanted).abs() < 0.05, "{extension}: {a} {b}");
        }
        assert_eq!((picture.notes.len(), picture.warnings.len()), (0, 0), "{extension}");
    }
}

/// Faults: D2.
#[test]
fn a_cut_file_is_refused_wherever_it_is_cut() {
    for (format, extension) in FORMATS {
        let name = format!("a.{extension}");
        let bytes = encode(&noise(61, 47), format);
        assert!(decode(&name, &bytes, "").is_ok(), "{extension}");
        for percent in (0..100).step_by(5) {
            let error = refused(&name, &bytes[..bytes.len() * percent / 100]).to_string();
            assert!(error.contains(&name), "{extension} at {percent} %: {error}");
        }
    }
}

/// Faults: D2.
#[test]
fn a_flipped_byte_in_a_png_is_refused() {
    let mut bytes = encode(&noise(61, 47), ImageFormat::Png);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    let error = refused("a.png", &bytes).to_string();
    assert!(error.starts_with("`a.png` cannot be read as PNG: "), "{error}");
}

/// Faults: D2, D4.
#[test]
fn empty_and_other_files_are_named() {
    assert_eq!(refused("a.png", b"").to_string(), "`a.png` is empty (0 bytes)");
    let error = refused("a.png", b"version https://git-lfs.github.com/spec/v1\n").to_string();
    assert!(error.contains("Git LFS pointer") && error.contains(signature::READABLE), "{error}");
    let error = refused("a.jpg", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic").to_string();
    assert!(error.contains("HEIC") && error.contains(signature::READABLE), "{error}");
    assert!(refused("a.dat", b"hello").to_string().contains("not a recognised picture"));
}

/// Faults: D3.
#[test]
fn the_content_decides_and_a_lying_name_is_noted() {
    let picture = decode("a.png", &encode(&red_blue(4, 4), ImageFormat::Jpeg), "").expect("a JPEG");
    assert_eq!(picture.notes, ["`a.png` is a JPEG, despite its name"]);
    let picture = decode("no-extension", &encode(&red_blue(4, 4), ImageFormat::Jpeg), "").expect("a JPEG");
    assert!(picture.notes.is_empty());
}

/// A PNG that claims `width` x `height` and holds nothing: a few dozen bytes.
fn bomb(width: u32, height: u32) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([8, 2, 0, 0, 0]);
    let chunks: [(&[u8; 4], &[u8]); 3] = [(b"IHDR", &header), (b"IDAT", &[0x78, 0x9C]), (b"IEND", &[])];
    for (kind, data) in chunks {
        png.extend((data.len() as u32).to_be_bytes());
        let body = [kind.as_slice(), data].concat();
        png.extend(&body);
        png.extend(crc32(&body).to_be_bytes());
    }
    png
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |c, _| if c & 1 == 1 { (c >> 1) ^ 0xEDB8_8320 } else { c >> 1 })
    })
}

#[test]
fn a_bomb_is_refused_by_its_header() {
    for (width, height, wanted) in
        [(60_000, 60_000, "60000x60000"), (16_384, 16_384, "16384x16384"), (1, 2_000_000_000, "1x2000000000")]
    {
        let error = refused("a.png", &bomb(width, height));
        assert_eq!(error.status(), dreamwire_sdk::abi::E_LIMIT);
        assert!(error.to_string().contains(wanted), "{error}");
    }
}

/// Faults: D5.
#[test]
fn a_bomb_beside_the_pixels_is_not_unpacked() {
    let mut packed = Vec::new();
    let mut encoder = PngEncoder::new(&mut packed);
    encoder.set_icc_profile(vec![0; 80 << 20]).expect("PNG takes a profile");
    encoder.write_image(&[51], 1, 1, ExtendedColorType::L8).expect("encodes");
    assert!(packed.len() < 1 << 20, "it is a bomb: {} bytes", packed.len());
    let picture = decode("a.png", &packed, "").expect("the picture itself is fine");
    assert!((picture.rgb[0] - 0.2).abs() < 1e-6);
    // Unpacked, it would have been said to be broken.
    assert!(picture.warnings.is_empty(), "{:?}", picture.warnings);

    let mut long = Vec::new();
    let mut encoder = png::Encoder::new(&mut long, 1, 1);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.add_text_chunk("a".to_owned(), "x".repeat(70 << 20)).expect("PNG takes text");
    let mut writer = encoder.write_header().expect("encodes");
    writer.write_image_data(&[0]).expect("encodes");
    writer.finish().expect("encodes");
    let error = refused("a.png", &long);
    assert_eq!(error.status(), dreamwire_sdk::abi::E_LIMIT);
    assert!(error.to_string().contains("the metadata of the PNG"), "{error}");
}

/// Faults: D8.
#[test]
fn alpha_becomes_the_inverted_mask() {
    let picture = RgbaImage::from_fn(3, 1, |x, _| image::Rgba([10, 20, 30, [0, 51, 255][x as usize]]));
    let mut out = Cursor::new(Vec::new());
    picture.write_to(&mut out, ImageFormat::Png).expect("encodes");
    let picture = decode("a.png", out.get_ref(), "").expect("a PNG");
    for (found, wanted) in picture.mask.iter().zip([1.0, 0.8, 0.0]) {
        assert!((found - wanted).abs() < 1e-6, "{:?}", picture.mask);
    }
    // The colour under a transparent pixel is kept: alpha is straight.
    assert!((picture.rgb[0] - 10.0 / 255.0).abs() < 1e-6);
}

/// Faults: D8.
#[test]
fn sixteen_bits_are_kept() {
    let mut out = Vec::new();
    let samples: Vec<u8> = [1u16, 32_768, 65_535].iter().flat_map(|v| v.to_ne_bytes()).collect();
    PngEncoder::new(&mut out).write_image(&samples, 3, 1, ExtendedColorType::L16).expect("encodes");
    let picture = decode("a.png", &out, "").expect("a PNG");
    for (found, wanted) in picture.rgb.iter().step_by(3).zip([1.0 / 65_535.0, 32_768.0 / 65_535.0, 1.0]) {
        assert!((found - wanted).abs() < 1e-7, "{found} {wanted}");
    }
}

/// Faults: D9.
#[test]
fn orientation_is_applied_once() {
    // TIFF header, one entry: tag 0x0112 (orientation), SHORT, one value: 6, turn by 90 degrees clockwise.
    let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
    let mut out = Vec::new();
    let mut encoder = PngEncoder::new(&mut out);
    encoder.set_exif_metadata(exif).expect("PNG takes EXIF");
    encoder.write_image(&[255, 0, 0, 0, 0, 255], 2, 1, ExtendedColorType::Rgb8).expect("encodes");
    let picture = decode("a.png", &out, "").expect("a PNG");
    assert_eq!((picture.width, picture.height), (1, 2));
    assert_eq!(picture.rgb, [1.0, 0.0, 0.0, 0.0, 0.0, 1.0], "the left pixel comes out on top");
}

/// Faults: D10.
#[test]
fn a_profile_is_converted_and_a_broken_one_only_warned_about() {
    let with_profile = |profile: Vec<u8>| {
        let mut out = Vec::new();
        let mut encoder = JpegEncoder::new_with_quality(&mut out, 100);
        encoder.set_icc_profile(profile).expect("JPEG takes a profile");
        encoder.write_image(&[204, 102, 102].repeat(64), 8, 8, ExtendedColorType::Rgb8).expect("encodes");
        decode("a.jpg", &out, "").expect("a JPEG")
    };
    let converted = with_profile(moxcms::ColorProfile::new_display_p3().encode().expect("a profile"));
    assert!(converted.rgb[0] > 0.82 && converted.rgb[1] < 0.39, "{:?}", &converted.rgb[..3]);
    assert_eq!(converted.notes.len(), 1, "{:?}", converted.notes);
    let broken = with_profile(b"this is not a profile at all".to_vec());
    assert!((broken.rgb[0] - 0.8).abs() < 0.02, "{:?}", &broken.rgb[..3]);
    assert_eq!(broken.warnings.len(), 1, "{:?}", broken.warnings);
}

/// Faults: D10, D11.
#[test]
fn exr_is_linear_clamped_and_premultiplied() {
    let pixels = vec![0.214_041, 2.0, f32::NAN, 1.0, 0.107_020_5, 0.0, 0.0, 0.5];
    let picture = image::Rgba32FImage::from_raw(2, 1, pixels).expect("two pixels");
    let mut out = Cursor::new(Vec::new());
    picture.write_to(&mut out, ImageFormat::OpenExr).expect("encodes");
    let picture = decode("a.exr", out.get_ref(), "").expect("an EXR");
    let wanted = [0.5, 1.0, 0.0, 0.5, 0.0, 0.0];
    for (found, wanted) in picture.rgb.iter().zip(wanted) {
        assert!((found - wanted).abs() < 1e-3, "{:?}", picture.rgb);
    }
    assert_eq!(picture.mask, [0.0, 0.5]);
    assert!(picture.warnings[0].contains("2 samples"), "{:?}", picture.warnings);
}
