//! Pictures of every kind, small: by the encoders of the image crate, by hand where they have none, and some of another
//! program (tests/ref/make/pictures.py).

use super::crc32;
use image::codecs::{gif::GifEncoder, jpeg::JpegEncoder, png::PngEncoder, webp::WebPEncoder};
use image::{DynamicImage, ExtendedColorType, Frame, ImageEncoder, ImageFormat, RgbImage};
use std::io::Cursor;

pub(in crate::files::decode) const WIDTH: usize = 24;
pub(in crate::files::decode) const HEIGHT: usize = 18;

/// The colour at (x, y); at (10, 10) it is (100, 140, 120).
pub(in crate::files::decode) fn colour(x: usize, y: usize) -> [u8; 3] {
    [x as u8 * 10, y as u8 * 14, (x + y) as u8 * 6]
}

/// Opaque on the left, 2/5 on the right.
pub(in crate::files::decode) fn alpha(x: usize) -> u8 {
    if x < WIDTH / 2 { 255 } else { 102 }
}

pub(in crate::files::decode) fn rgb() -> DynamicImage {
    DynamicImage::ImageRgb8(RgbImage::from_fn(WIDTH as u32, HEIGHT as u32, |x, y| {
        image::Rgb(colour(x as usize, y as usize))
    }))
}

pub(in crate::files::decode) fn rgba() -> DynamicImage {
    let mut picture = rgb().into_rgba8();
    picture.enumerate_pixels_mut().for_each(|(x, _, pixel)| pixel.0[3] = alpha(x as usize));
    DynamicImage::ImageRgba8(picture)
}

pub(in crate::files::decode) fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    picture.write_to(&mut out, format).expect("it is written");
    out.into_inner()
}

/// A picture with a profile that is not sRGB.
pub(in crate::files::decode) fn profiled(format: ImageFormat) -> Vec<u8> {
    let profile = moxcms::ColorProfile::new_display_p3().encode().expect("a profile");
    fn write(mut encoder: impl ImageEncoder, profile: Vec<u8>) {
        encoder.set_icc_profile(profile).expect("it takes a profile");
        let (w, h) = (WIDTH as u32, HEIGHT as u32);
        encoder.write_image(rgb().as_bytes(), w, h, ExtendedColorType::Rgb8).expect("it is written");
    }
    let mut out = Vec::new();
    match format {
        ImageFormat::Png => write(PngEncoder::new(&mut out), profile),
        ImageFormat::Jpeg => write(JpegEncoder::new_with_quality(&mut out, 95), profile),
        _ => write(WebPEncoder::new_lossless(&mut out), profile),
    }
    out
}

/// A GIF of two frames.
pub(in crate::files::decode) fn animated_gif() -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = GifEncoder::new(&mut out);
    let frames = [rgba(), rgba().fliph()].map(|picture| Frame::new(picture.into_rgba8()));
    encoder.encode_frames(frames).expect("it is written");
    drop(encoder);
    out
}

/// Bits of the samples of one pixel, the highest first, to whole bytes a row.
fn packed(samples: &[u16], bits: usize) -> Vec<u8> {
    let mut out = vec![0; (samples.len() * bits).div_ceil(8)];
    for (i, sample) in samples.iter().enumerate() {
        for bit in 0..bits {
            let at = i * bits + bit;
            out[at / 8] |= ((sample >> (bits - 1 - bit) & 1) as u8) << (7 - at % 8);
        }
    }
    out
}

/// The colours of a PNG, by number.
pub(in crate::files::decode) const GREY: u8 = 0;
pub(in crate::files::decode) const RGB: u8 = 2;
pub(in crate::files::decode) const PALETTE: u8 = 3;
pub(in crate::files::decode) const GREY_ALPHA: u8 = 4;
pub(in crate::files::decode) const RGBA: u8 = 6;

/// A PNG of any kind: the number of its colours, bits, interlaced, and chunks before the pixels. A palette's index is
/// the column, and its colours are those of row 10.
pub(in crate::files::decode) fn png(
    colours: u8,
    bits: usize,
    interlaced: bool,
    chunks: &[(&[u8; 4], &[u8])],
) -> Vec<u8> {
    let max = (1u32 << bits) - 1;
    let sample = |v: u8| (u32::from(v) * max).div_euclid(255) as u16;
    let pixel = |x: usize, y: usize| -> Vec<u16> {
        let [r, g, b] = colour(x, y).map(sample);
        match colours {
            GREY => vec![r],
            RGB => vec![r, g, b],
            PALETTE => vec![(x as u32 & max) as u16],
            GREY_ALPHA => vec![r, sample(alpha(x))],
            _ => vec![r, g, b, sample(alpha(x))],
        }
    };
    // Columns and rows: the first, and the step.
    let passes: &[[usize; 4]] = if interlaced {
        &[[0, 8, 0, 8], [4, 8, 0, 8], [0, 4, 4, 8], [2, 4, 0, 4], [0, 2, 2, 4], [1, 2, 0, 2], [0, 1, 1, 2]]
    } else {
        &[[0, 1, 0, 1]]
    };
    let mut rows = Vec::new();
    for &[left, across, top, down] in passes {
        for y in (top..HEIGHT).step_by(down) {
            let samples: Vec<u16> = (left..WIDTH).step_by(across).flat_map(|x| pixel(x, y)).collect();
            // No filter.
            rows.push(0);
            rows.extend(packed(&samples, bits));
        }
    }
    let mut header = [WIDTH as u32, HEIGHT as u32].map(u32::to_be_bytes).concat();
    header.extend([bits as u8, colours, 0, 0, u8::from(interlaced)]);
    let map: Vec<u8> = (0..=max.min(255) as usize).flat_map(|x| colour(x % WIDTH, 10)).collect();
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |kind: &[u8; 4], data: &[u8]| {
        let body = [kind.as_slice(), data].concat();
        out.extend((data.len() as u32).to_be_bytes());
        out.extend(&body);
        out.extend(crc32(&body).to_be_bytes());
    };
    chunk(b"IHDR", &header);
    if colours == PALETTE {
        chunk(b"PLTE", &map);
    }
    chunks.iter().for_each(|(kind, data)| chunk(kind, data));
    chunk(b"IDAT", &stored(&rows));
    chunk(b"IEND", &[]);
    out
}

/// A stream of zlib, of stored blocks.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let blocks: Vec<&[u8]> = bytes.chunks(60_000).collect();
    for (i, block) in blocks.iter().enumerate() {
        out.push(u8::from(i + 1 == blocks.len()));
        let length = block.len() as u16;
        out.extend([length.to_le_bytes(), (!length).to_le_bytes()].concat());
        out.extend(*block);
    }
    let (a, b) = bytes.iter().fold((1u32, 0u32), |(a, b), &byte| {
        let a = (a + u32::from(byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    out.extend((b << 16 | a).to_be_bytes());
    out
}

/// Writes the checksums of a PNG again.
pub(in crate::files::decode) fn mend_checksums(png: &mut [u8]) {
    let mut at = 8;
    while let Some(&[a, b, c, d]) = png.get(at..at + 4) {
        let Some(end) = (at + 8).checked_add(u32::from_be_bytes([a, b, c, d]) as usize) else { return };
        let Some(body) = png.get(at + 4..end) else { return };
        let sum = crc32(body).to_be_bytes();
        let Some(place) = png.get_mut(end..end + 4) else { return };
        place.copy_from_slice(&sum);
        at = end + 4;
    }
}

/// A BMP of 8 bits with a grey palette, of red, bottom row first; compressed by runs if asked.
pub(in crate::files::decode) fn bmp_grey(runs: bool) -> Vec<u8> {
    let mut data = Vec::new();
    for y in (0..HEIGHT).rev() {
        let row = (0..WIDTH).map(|x| colour(x, y)[0]);
        if runs {
            data.extend(row.flat_map(|v| [1, v]).chain([0, 0]));
        } else {
            data.extend(row);
        }
    }
    if runs {
        data.extend([0, 1]);
    }
    let start = 14 + 40 + 1024;
    let mut out = b"BM".to_vec();
    out.extend([(start + data.len()) as u32, 0, start as u32].map(u32::to_le_bytes).concat());
    out.extend([40, WIDTH as u32, HEIGHT as u32].map(u32::to_le_bytes).concat());
    out.extend([1u16, 8].map(u16::to_le_bytes).concat());
    out.extend([u32::from(runs), data.len() as u32, 2835, 2835, 256, 0].map(u32::to_le_bytes).concat());
    out.extend((0..=255).flat_map(|v| [v, v, v, 0]));
    out.extend(data);
    out
}

macro_rules! of_another_program {
    ($name:literal) => {
        include_bytes!(concat!("../../../../../../tests/ref/pictures/", $name)).to_vec()
    };
}

pub(in crate::files::decode) fn progressive_jpeg() -> Vec<u8> {
    of_another_program!("progressive.jpg")
}

pub(in crate::files::decode) fn subsampled_jpeg() -> Vec<u8> {
    of_another_program!("subsampled.jpg")
}

pub(in crate::files::decode) fn grey_jpeg() -> Vec<u8> {
    of_another_program!("grey.jpg")
}

pub(in crate::files::decode) fn cmyk_jpeg() -> Vec<u8> {
    of_another_program!("cmyk.jpg")
}

pub(in crate::files::decode) fn lossy_webp() -> Vec<u8> {
    of_another_program!("lossy.webp")
}

pub(in crate::files::decode) fn lossy_webp_alpha() -> Vec<u8> {
    of_another_program!("lossy_alpha.webp")
}

pub(in crate::files::decode) fn animated_webp() -> Vec<u8> {
    of_another_program!("animated.webp")
}

pub(in crate::files::decode) fn interlaced_gif() -> Vec<u8> {
    of_another_program!("interlaced.gif")
}
