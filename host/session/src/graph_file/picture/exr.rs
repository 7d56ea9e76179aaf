//! The attributes `prompt` and `workflow` of an OpenEXR, of its first part.

use super::{Carried, Keyword, first_of, plain, until_nul};

pub(super) const SIGNATURE: &[u8] = b"\x76\x2f\x31\x01";

pub(super) fn carried(bytes: &[u8]) -> Carried {
    // After the version.
    let mut rest = bytes.get(8..).unwrap_or_default();
    let attributes = std::iter::from_fn(|| {
        let (attribute, after) = attribute(rest)?;
        rest = after;
        Some(attribute)
    });
    first_of(
        attributes
            .filter(|(_, kind, _)| *kind == b"string")
            .filter_map(|(name, _, value)| Some((Keyword::of(name)?, plain(value)))),
    )
}

/// The first attribute's name, type and value, and what follows. None after the last, and where the file is cut off.
fn attribute(bytes: &[u8]) -> Option<((&[u8], &[u8], &[u8]), &[u8])> {
    let (name, rest) = until_nul(bytes)?;
    if name.is_empty() {
        return None;
    }
    let (kind, rest) = until_nul(rest)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (value, after) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    Some(((name, kind, value), after))
}
