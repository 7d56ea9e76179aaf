//! The EXIF of a WebP.

use super::{Carried, exif};

pub(super) fn is_webp(bytes: &[u8]) -> bool {
    bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP")
}

pub(super) fn carried(bytes: &[u8]) -> Carried {
    let mut rest = bytes.get(12..).unwrap_or_default();
    while let Some((kind, data, after)) = chunk(rest) {
        rest = after;
        if kind == b"EXIF" {
            // Some programs keep what a JPEG has in front of it.
            return exif::carried(data.strip_prefix(b"Exif\0\0").unwrap_or(data));
        }
    }
    Carried::Nothing
}

/// The first chunk's kind and data, and what follows. None at the end, and where the file is cut off.
fn chunk(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (head, rest) = bytes.split_at_checked(8)?;
    let (kind, length) = head.split_at(4);
    let length = usize::try_from(u32::from_le_bytes(*length.first_chunk()?)).ok()?;
    let (data, after) = rest.split_at_checked(length)?;
    // Chunks begin at even places.
    Some((kind, data, after.get(length % 2..).unwrap_or_default()))
}
