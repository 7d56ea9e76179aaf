//! Is it worth reading a large file? What is no picture, or has far more bytes than its picture can have, is refused by
//! its beginning: a sparse file of gigabytes costs nothing.

use super::{check_size, recognise, title};
use crate::files::whole::at;
use crate::limits;
use ::tiff::decoder::Decoder;
use ::tiff::tags::Tag;
use dreamwire_sdk::memory::shown;
use dreamwire_sdk::prelude::*;
use image::ImageFormat;
use std::io::Cursor;

/// How many bytes of a file are looked at.
pub(super) const HEAD_BYTES: u64 = 64 << 10;
/// What any file may have: metadata, a video behind a photograph.
const ANYTHING: u64 = 256 << 20;
/// More than any encoder writes for a pixel: 4 samples of 16 bits, twice.
const MOST_PER_PIXEL: u64 = 16;

/// What the beginning of a picture file tells.
#[derive(Debug, PartialEq, Eq)]
enum Header {
    /// One picture of that size, and bytes for each of its pixels, at most.
    One(u32, u32, u64),
    /// Several pictures of that size.
    Several(u32, u32),
    /// Nothing yet.
    Unknown,
}

/// Refuses the file `name` of `length` bytes, of which `head` are the first, where the others cannot change that. The
/// memory for a large file must be there, too.
///
/// # Errors
/// As [`super::decode_watched`].
pub(super) fn check(name: &str, head: &[u8], length: u64) -> Result<()> {
    let format = recognise(name, head)?;
    if length <= ANYTHING {
        return Ok(());
    }
    let header = header(format, head, length).ok_or_else(|| {
        Error::content(format!("`{name}` is a damaged {}: its header makes no sense", title(format)))
            .hint("copy or download it again")
    })?;
    if let Header::One(width, height, _) | Header::Several(width, height) = header {
        check_size(name, format, width, height)?;
    }
    if let Header::One(width, height, most_per_pixel) = header {
        let most = (u64::from(width) * u64::from(height)).saturating_mul(most_per_pixel) + ANYTHING;
        if length > most {
            return Err(Error::content(format!(
                "`{name}` has {}, far more than a {} of {width}x{height} pixels can have",
                shown(length),
                title(format)
            ))
            .hint("copy or download it again"));
        }
    }
    limits::check_memory(&format!("reading `{name}`"), length)
}

/// Whether a JPEG has so many bytes for its pixels that decoding it before all of it was looked at risks little.
pub(super) fn is_dense(bytes: &[u8]) -> bool {
    const PIXELS_PER_BYTE: u64 = 64;
    let head = &bytes[..bytes.len().min(HEAD_BYTES as usize)];
    match jpeg(head) {
        Some(Header::One(width, height, _)) => {
            u64::from(width) * u64::from(height) <= PIXELS_PER_BYTE * bytes.len() as u64
        }
        _ => false,
    }
}

/// `None` for what no reader understands.
fn header(format: ImageFormat, head: &[u8], length: u64) -> Option<Header> {
    match format {
        ImageFormat::Png => png(head),
        ImageFormat::Jpeg => jpeg(head),
        ImageFormat::WebP => webp(head),
        ImageFormat::Gif => gif(head),
        ImageFormat::Bmp => bmp(head),
        ImageFormat::Qoi => {
            let [width, height] = [at(head, 4)?, at(head, 8)?].map(u32::from_be_bytes);
            Some(Header::One(width, height, MOST_PER_PIXEL))
        }
        ImageFormat::Tiff => tiff(head, length),
        // Version 2, and an attribute. Layers may be as many as they like.
        _ => {
            (head.get(4) == Some(&2) && head.get(8).is_some_and(|&byte| byte != 0)).then_some(Header::Unknown)
        }
    }
}

/// An animation says so before its first pixels.
fn png(head: &[u8]) -> Option<Header> {
    if at::<4>(head, 12)? != *b"IHDR" {
        return None;
    }
    let [width, height] = [at(head, 16)?, at(head, 20)?].map(u32::from_be_bytes);
    let mut position = 8usize;
    loop {
        match at::<8>(head, position) {
            Some([a, b, c, d, kind @ ..]) if kind != *b"IDAT" => {
                if kind == *b"acTL" {
                    return Some(Header::Several(width, height));
                }
                position =
                    position.checked_add(u32::from_be_bytes([a, b, c, d]) as usize)?.checked_add(12)?;
            }
            _ => return Some(Header::One(width, height, MOST_PER_PIXEL)),
        }
    }
}

/// Over the segments to the frame, which may lie behind what is known.
fn jpeg(head: &[u8]) -> Option<Header> {
    let mut position = 2;
    while let Some([first, marker]) = at(head, position) {
        match (first, marker) {
            (0xFF, 0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF) => {
                let Some([h1, h0, w1, w0]) = at(head, position + 5) else { break };
                let (width, height) = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
                // A height of 0 comes later (DNL).
                let known = Header::One(width.into(), height.into(), MOST_PER_PIXEL);
                return Some(if height == 0 { Header::Unknown } else { known });
            }
            (0xFF, 0x00 | 0xDA) | (0..=0xFE, _) => return None,
            (0xFF, 0x01 | 0xD0..=0xD9) => position += 2,
            (0xFF, 0xFF) => position += 1,
            _ => {
                let Some(length) = at(head, position + 2) else { break };
                position += 2 + usize::from(u16::from_be_bytes(length)).max(2);
            }
        }
    }
    Some(Header::Unknown)
}

fn webp(head: &[u8]) -> Option<Header> {
    let one = |width: u32, height: u32| Some(Header::One(width, height, MOST_PER_PIXEL));
    match &at::<4>(head, 12)? {
        b"VP8X" => {
            let [flags] = at(head, 20)?;
            let [w0, w1, w2, h0, h1, h2] = at(head, 24)?;
            let [width, height] = [[w0, w1, w2, 0], [h0, h1, h2, 0]].map(|n| u32::from_le_bytes(n) + 1);
            if flags & 2 == 0 { one(width, height) } else { Some(Header::Several(width, height)) }
        }
        b"VP8 " => {
            let [width, height] = [at(head, 26)?, at(head, 28)?].map(|n| u16::from_le_bytes(n) & 0x3FFF);
            one(width.into(), height.into())
        }
        b"VP8L" => {
            let sizes = u32::from_le_bytes(at(head, 21)?);
            one((sizes & 0x3FFF) + 1, (sizes >> 14 & 0x3FFF) + 1)
        }
        _ => None,
    }
}

/// The screen, behind which a block must begin.
fn gif(head: &[u8]) -> Option<Header> {
    let [w0, w1, h0, h1, flags] = at(head, 6)?;
    let table = if flags & 0x80 == 0 { 0 } else { 3usize << ((flags & 7) + 1) };
    let [block] = at(head, 13 + table)?;
    let [width, height] = [[w0, w1], [h0, h1]].map(u16::from_le_bytes);
    matches!(block, 0x21 | 0x2C | 0x3B).then_some(Header::Several(width.into(), height.into()))
}

fn bmp(head: &[u8]) -> Option<Header> {
    let (width, height) = match u32::from_le_bytes(at(head, 14)?) {
        // The older header has sizes of 16 bits.
        12 => {
            let [width, height] = [at(head, 18)?, at(head, 20)?].map(u16::from_le_bytes);
            (width.into(), height.into())
        }
        16.. => {
            let [width, height] = [at(head, 18)?, at(head, 22)?].map(i32::from_le_bytes);
            (width.unsigned_abs(), height.unsigned_abs())
        }
        _ => return None,
    };
    Some(Header::One(width, height, MOST_PER_PIXEL))
}

/// The first directory may lie anywhere in the file, but not outside.
fn tiff(head: &[u8], length: u64) -> Option<Header> {
    let is_little = head.starts_with(b"II");
    let is_big = at::<2>(head, 2)?.contains(&43);
    let directory = match (is_big, is_little) {
        (false, true) => u64::from(u32::from_le_bytes(at(head, 4)?)),
        (false, false) => u64::from(u32::from_be_bytes(at(head, 4)?)),
        (true, true) => u64::from_le_bytes(at(head, 8)?),
        (true, false) => u64::from_be_bytes(at(head, 8)?),
    };
    if !(8..length).contains(&directory) {
        return None;
    }
    Some(first_page(head).unwrap_or(Header::Unknown))
}

/// The only page of a TIFF whose directory is known, without smaller copies of it. `None` for any other.
fn first_page(head: &[u8]) -> Option<Header> {
    let mut decoder = Decoder::new(Cursor::new(head)).ok()?;
    let (width, height) = decoder.dimensions().ok()?;
    if decoder.more_images() || decoder.find_tag(Tag::SubIfd).ok()?.is_some() {
        return None;
    }
    // Of up to 64 bits.
    let samples = decoder.find_tag_unsigned::<u16>(Tag::SamplesPerPixel).ok()?.unwrap_or(1);
    Some(Header::One(width, height, 2 * 8 * u64::from(samples)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_sdk::abi;
    use image::{DynamicImage, RgbImage};

    const FORMATS: [ImageFormat; 8] = [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::WebP,
        ImageFormat::Tiff,
        ImageFormat::Gif,
        ImageFormat::Bmp,
        ImageFormat::Qoi,
        ImageFormat::OpenExr,
    ];

    fn picture(format: ImageFormat) -> Vec<u8> {
        let mut out = Cursor::new(Vec::new());
        let picture = RgbImage::from_fn(13, 11, |x, y| image::Rgb([(x * 19) as u8, y as u8, 7]));
        let picture = DynamicImage::ImageRgb8(picture);
        let picture = if format == ImageFormat::OpenExr { picture.to_rgb32f().into() } else { picture };
        picture.write_to(&mut out, format).expect("the test picture encodes");
        out.into_inner()
    }

    #[test]
    fn the_header_of_every_format_is_found() {
        for format in FORMATS {
            let bytes = picture(format);
            let found = header(format, &bytes, bytes.len() as u64).expect("a header");
            let expected = match format {
                ImageFormat::Gif => Header::Several(13, 11),
                ImageFormat::OpenExr => Header::Unknown,
                ImageFormat::Tiff => Header::One(13, 11, 48),
                _ => Header::One(13, 11, MOST_PER_PIXEL),
            };
            assert_eq!(found, expected, "{format:?}");
            assert!(check("a", &bytes, ANYTHING).is_ok(), "{format:?}");
        }
    }

    #[test]
    fn gigabytes_behind_a_small_picture_are_not_read() {
        for format in FORMATS {
            let bytes = picture(format);
            let result = check("a", &bytes, ANYTHING + (1 << 20));
            if matches!(format, ImageFormat::Gif | ImageFormat::OpenExr) {
                assert!(result.is_ok(), "{format:?} may have any number of frames or layers");
                continue;
            }
            let error = result.expect_err("refused");
            assert_eq!(error.status(), abi::E_INPUT);
            let text = error.to_string();
            assert!(text.starts_with("`a` has 257 MiB, far more than a "), "{text}");
            assert!(text.contains(" of 13x11 pixels can have"), "{text}");
        }
    }

    #[test]
    fn a_signature_before_nothing_is_not_enough() {
        for format in FORMATS {
            let signature = match format {
                ImageFormat::Png => 8,
                ImageFormat::WebP => 12,
                ImageFormat::Gif => 6,
                _ => 4,
            };
            let mut head = picture(format)[..signature].to_vec();
            head.resize(HEAD_BYTES as usize, 0);
            let error = check("a", &head, 3 << 30).expect_err("refused").to_string();
            let is_empty = format == ImageFormat::Qoi && error.contains("0x0 pixels");
            assert!(is_empty || error.contains("its header makes no sense"), "{format:?}: {error}");
        }
        let error = check("a", &[0; 64], 3 << 30).expect_err("refused").to_string();
        assert!(error.starts_with("`a` is not a recognised picture"), "{error}");
    }

    #[test]
    fn what_lies_behind_the_head_is_left_to_the_decoder() {
        let jpeg = picture(ImageFormat::Jpeg);
        // A segment that is longer than what is known.
        let mut long = [&jpeg[..2], b"\xFF\xE2\xFF\xFF".as_slice()].concat();
        long.resize(HEAD_BYTES as usize, 7);
        assert_eq!(header(ImageFormat::Jpeg, &long, 1 << 30), Some(Header::Unknown));
        let mut tiff = b"II*\0\0\0\x10\0".to_vec();
        tiff.resize(HEAD_BYTES as usize, 7);
        assert_eq!(header(ImageFormat::Tiff, &tiff, 1 << 30), Some(Header::Unknown));
        assert_eq!(header(ImageFormat::Tiff, &tiff, 1 << 20), None, "its directory lies outside");
    }

    #[test]
    fn a_header_that_promises_too_much_is_not_dense() {
        let mut jpeg = picture(ImageFormat::Jpeg);
        assert!(is_dense(&jpeg));
        let frame = jpeg.windows(2).position(|pair| pair == [0xFF, 0xC0]).expect("a frame");
        jpeg[frame + 5..frame + 9].copy_from_slice(&[0x20, 0, 0x20, 0]);
        assert!(!is_dense(&jpeg), "8192 x 8192 pixels in {} bytes", jpeg.len());
        assert!(!is_dense(b"\xFF\xD8\xFF") && !is_dense(&picture(ImageFormat::Png)));
    }

    #[test]
    fn an_animation_may_be_long() {
        let png = picture(ImageFormat::Png);
        let control = b"\0\0\0\x08acTL\0\0\0\x02\0\0\0\0\0\0\0\0";
        let animated = [&png[..33], control, &png[33..]].concat();
        assert_eq!(header(ImageFormat::Png, &animated, 1 << 30), Some(Header::Several(13, 11)));
        let mut webp = b"RIFF\0\0\0\0WEBPVP8X\x0A\0\0\0\x02\0\0\0".to_vec();
        webp.extend(b"\x0C\0\0\x0A\0\0");
        assert_eq!(header(ImageFormat::WebP, &webp, 1 << 30), Some(Header::Several(13, 11)));
        webp[20] = 0;
        assert_eq!(header(ImageFormat::WebP, &webp, 1 << 30), Some(Header::One(13, 11, MOST_PER_PIXEL)));
        // VP8, lossy.
        let mut lossy = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a".to_vec();
        lossy.extend(b"\x0D\0\x0B\0");
        assert_eq!(header(ImageFormat::WebP, &lossy, 1 << 30), Some(Header::One(13, 11, MOST_PER_PIXEL)));
    }
}
