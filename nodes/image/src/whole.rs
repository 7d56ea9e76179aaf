//! Is the file complete? Decoders accept a truncated file: the JPEG decoder silently paints the missing part
//! grey. An aborted download must not become a dream, so containers with an end mark are walked to it first,
//! and the blocks of a JPEG are counted. No pixel is decoded here.

pub(crate) mod jpeg;

use image::ImageFormat;

/// False if the container ends before its end mark. Formats without one (TIFF, BMP, QOI, EXR) count as
/// complete: their decoders read exactly what the header declares and fail otherwise.
pub(crate) fn is_whole(format: ImageFormat, bytes: &[u8]) -> bool {
    match format {
        ImageFormat::Jpeg => jpeg::extent(bytes) == jpeg::Extent::Complete,
        ImageFormat::Png => png(bytes).is_some(),
        ImageFormat::Gif => gif(bytes).is_some(),
        ImageFormat::WebP => webp(bytes).is_some(),
        _ => true,
    }
}

/// `N` bytes at `position`; `None` if they would lie beyond the end.
fn at<const N: usize>(bytes: &[u8], position: usize) -> Option<[u8; N]> {
    bytes.get(position..position.checked_add(N)?)?.try_into().ok()
}

/// To the end of the IEND chunk.
fn png(bytes: &[u8]) -> Option<()> {
    let mut position = 8usize;
    loop {
        let length = u32::from_be_bytes(at(bytes, position)?) as usize;
        let kind: [u8; 4] = at(bytes, position + 4)?;
        // Length, type and checksum are four bytes each.
        position = position.checked_add(length)?.checked_add(12)?;
        if position > bytes.len() {
            return None;
        }
        if &kind == b"IEND" {
            return Some(());
        }
    }
}

/// To the trailer (3B), over extensions (21) and images (2C).
fn gif(bytes: &[u8]) -> Option<()> {
    let table = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3usize << ((flags & 7) + 1) };
    let [screen] = at(bytes, 10)?;
    let mut position = 13 + table(screen);
    loop {
        let [block] = at(bytes, position)?;
        match block {
            0x3B => return Some(()),
            0x21 => position += 2,
            0x2C => {
                let [flags] = at(bytes, position + 9)?;
                // The descriptor, its colour table, and the byte with the initial width of LZW codes.
                position += 10 + table(flags) + 1;
            }
            _ => return None,
        }
        loop {
            let [length] = at(bytes, position)?;
            position += 1 + usize::from(length);
            if length == 0 {
                break;
            }
        }
    }
}

/// As long as RIFF declares.
fn webp(bytes: &[u8]) -> Option<()> {
    let length = u32::from_le_bytes(at(bytes, 4)?) as usize;
    (length.checked_add(8)? <= bytes.len()).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{DynamicImage, RgbImage};
    use std::io::Cursor;

    fn encoded(format: ImageFormat) -> Vec<u8> {
        let picture =
            RgbImage::from_fn(13, 11, |x, y| image::Rgb([(x * 19) as u8, (y * 23) as u8, (x * y) as u8]));
        let mut out = Cursor::new(Vec::new());
        DynamicImage::ImageRgb8(picture).write_to(&mut out, format).expect("the test picture encodes");
        out.into_inner()
    }

    #[test]
    fn every_cut_is_seen() {
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Gif, ImageFormat::WebP] {
            let bytes = encoded(format);
            assert!(is_whole(format, &bytes), "{format:?}");
            // Without its two last bytes a JPEG lacks nothing but its end marker.
            for length in 0..bytes.len() {
                assert!(!is_whole(format, &bytes[..length]), "{format:?} cut at {length} of {}", bytes.len());
            }
        }
    }

    #[test]
    fn bytes_behind_the_end_do_not_matter() {
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Gif, ImageFormat::WebP] {
            let mut bytes = encoded(format);
            bytes.extend_from_slice(b"appended by a phone");
            assert!(is_whole(format, &bytes), "{format:?}");
        }
    }

    #[test]
    fn the_end_of_a_thumbnail_is_not_the_end() {
        // SOI, APP1 of 6 bytes that holds FF D9, then nothing.
        let bytes = [0xFF, 0xD8, 0xFF, 0xE1, 0x00, 0x06, 0xFF, 0xD9, 0x00, 0x00];
        assert!(!is_whole(ImageFormat::Jpeg, &bytes));
    }
}
