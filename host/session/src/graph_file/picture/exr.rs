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
            .filter(|attribute| attribute.kind == b"string")
            .filter_map(|attribute| Some((Keyword::of(attribute.name)?, plain(attribute.value)))),
    )
}

struct Attribute<'a> {
    name: &'a [u8],
    kind: &'a [u8],
    value: &'a [u8],
}

/// The first attribute, and what follows. None after the last, and where the file is cut off.
fn attribute(bytes: &[u8]) -> Option<(Attribute<'_>, &[u8])> {
    let (name, rest) = until_nul(bytes)?;
    if name.is_empty() {
        return None;
    }
    let (kind, rest) = until_nul(rest)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (value, after) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    Some((Attribute { name, kind, value }, after))
}
