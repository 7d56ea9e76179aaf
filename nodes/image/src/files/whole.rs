//! Is the file complete? Decoders accept a truncated file: the JPEG decoder silently paints the missing part
//! grey. An aborted download must not become a dream, so containers with an end mark are walked to it first,
//! the blocks of a JPEG are counted, and the rows of a BMP and the pixels of a QOI. No pixel is decoded here.

pub(crate) mod jpeg;

use image::ImageFormat;

/// False if the container ends before its end mark, or before its pixels do. TIFF, EXR and a BMP without compression
/// count as complete: their decoders read exactly what the header declares and fail otherwise.
pub(crate) fn is_whole(format: ImageFormat, bytes: &[u8]) -> bool {
    match format {
        ImageFormat::Jpeg => jpeg::extent(bytes) == jpeg::Extent::Complete,
        ImageFormat::Png => png(bytes).is_some(),
        ImageFormat::Gif => gif(bytes).is_some(),
        ImageFormat::WebP => webp(bytes).is_some(),
        ImageFormat::Bmp => bmp(bytes).is_some(),
        ImageFormat::Qoi => qoi(bytes).is_some(),
        _ => true,
    }
}

/// `N` bytes at `position`; `None` if they would lie beyond the end.
pub(crate) fn at<const N: usize>(bytes: &[u8], position: usize) -> Option<[u8; N]> {
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
    gif_blocks(bytes, |_| {})
}

/// Left, top, width and height of the first frame.
pub(crate) fn gif_frame(bytes: &[u8]) -> Option<[u16; 4]> {
    let mut first = None;
    gif_blocks(bytes, |frame| first = first.or(Some(frame)))?;
    first
}

fn gif_blocks(bytes: &[u8], mut seen: impl FnMut([u16; 4])) -> Option<()> {
    let table = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3usize << ((flags & 7) + 1) };
    let [screen] = at(bytes, 10)?;
    let mut position = 13 + table(screen);
    loop {
        let [block] = at(bytes, position)?;
        match block {
            0x3B => return Some(()),
            0x21 => position += 2,
            0x2C => {
                let [a, b, c, d, e, f, g, h, flags] = at(bytes, position + 1)?;
                seen([[a, b], [c, d], [e, f], [g, h]].map(u16::from_le_bytes));
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

/// To the last row, if rows are compressed by runs.
fn bmp(bytes: &[u8]) -> Option<()> {
    let [size, start, height] = [14, 10, 22].map(|place| at(bytes, place).map(u32::from_le_bytes));
    // Pixels of a byte.
    let packed = match at(bytes, 30).map(u32::from_le_bytes) {
        Some(1) => 1,
        Some(2) => 2,
        _ => return Some(()),
    };
    // The older header of 12 bytes has no compression.
    if size? < 40 {
        return Some(());
    }
    let height = u64::from((height? as i32).unsigned_abs());
    let mut position = start? as usize;
    let (mut x, mut rows) = (0u64, 0u64);
    while rows + u64::from(x > 0) < height {
        let [count, value] = at(bytes, position)?;
        position += 2;
        match (count, value) {
            (0, 0) => (x, rows) = (0, rows + 1),
            (0, 1) => return None,
            (0, 2) => {
                let [right, down] = at(bytes, position)?;
                position += 2;
                x += u64::from(right);
                rows += u64::from(down);
            }
            (0, count) => {
                // To an even number of bytes.
                position += usize::from(count).div_ceil(packed).next_multiple_of(2);
                x += u64::from(count);
            }
            (count, _) => x += u64::from(count),
        }
    }
    Some(())
}

/// To the end marker, behind all pixels.
fn qoi(bytes: &[u8]) -> Option<()> {
    let [width, height] = [at(bytes, 4)?, at(bytes, 8)?].map(u32::from_be_bytes);
    let mut left = u64::from(width) * u64::from(height);
    let mut position = 14;
    while left > 0 {
        let [code] = at(bytes, position)?;
        let (length, pixels) = match code {
            0xFE => (4, 1),
            0xFF => (5, 1),
            0x80..=0xBF => (2, 1),
            0xC0.. => (1, u64::from(code & 0x3F) + 1),
            _ => (1, 1),
        };
        position += length;
        left = left.saturating_sub(pixels);
    }
    (at(bytes, position)? == [0, 0, 0, 0, 0, 0, 0, 1]).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{DynamicImage, RgbImage};
    use std::io::Cursor;

    const ENDED: [ImageFormat; 5] =
        [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Gif, ImageFormat::WebP, ImageFormat::Qoi];

    fn encoded(format: ImageFormat) -> Vec<u8> {
        let picture =
            RgbImage::from_fn(13, 11, |x, y| image::Rgb([(x * 19) as u8, (y * 23) as u8, (x * y) as u8]));
        let mut out = Cursor::new(Vec::new());
        DynamicImage::ImageRgb8(picture).write_to(&mut out, format).expect("the test picture encodes");
        out.into_inner()
    }

    #[test]
    fn every_cut_is_seen() {
        for format in ENDED {
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
        for format in ENDED {
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
