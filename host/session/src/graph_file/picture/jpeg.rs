//! The EXIF of a JPEG.

use super::{Carried, exif};

pub(super) const SIGNATURE: &[u8] = b"\xff\xd8\xff";

/// The first bytes of a segment with EXIF.
const EXIF: &[u8] = b"Exif\0\0";

/// The marker of a segment APP1, and of the first that is followed by pixels.
const APP1: u8 = 0xe1;
const START_OF_SCAN: u8 = 0xda;

pub(super) fn carried(bytes: &[u8]) -> Carried {
    // After the marker SOI.
    let mut rest = bytes.get(2..).unwrap_or_default();
    while let Some((marker, data, after)) = segment(rest) {
        rest = after;
        if marker == START_OF_SCAN {
            break;
        }
        if let (APP1, Some(block)) = (marker, data.strip_prefix(EXIF)) {
            return exif::carried(block);
        }
    }
    Carried::Nothing
}

/// The first segment's marker and data, and what follows. None where there is none, or the file is cut off.
fn segment(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let rest = bytes.strip_prefix(b"\xff")?;
    // Any number of these may stand before the marker.
    let fill = rest.iter().take_while(|&&byte| byte == 0xff).count();
    let (marker, rest) = rest.get(fill..)?.split_first()?;
    let length = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
    let (segment, after) = rest.split_at_checked(length)?;
    Some((*marker, segment.get(2..)?, after))
}
