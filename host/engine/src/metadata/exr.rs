//! The header of an OpenEXR, which is followed by the places of the chunks of pixels.

use super::{MOST, Text, hash_part, in_ascii, until_nul};
use blake3::Hasher;

pub(super) const SIGNATURE: &[u8] = b"\x76\x2f\x31\x01";

/// Flags of the version: tiles, deep pixels, several parts.
const OTHERS: u32 = 0x200 | 0x800 | 0x1000;
/// The longest name that every reader knows.
const MAX_NAME: usize = 31;

struct Attribute<'a> {
    name: &'a [u8],
    kind: &'a [u8],
    value: &'a [u8],
}

struct Header<'a> {
    attributes: Vec<Attribute<'a>>,
    /// Where its last byte is, a zero.
    end: usize,
}

/// The header of a file of one part in scan lines.
fn header(picture: &[u8]) -> Option<Header<'_>> {
    let version = u32::from_le_bytes(*picture.get(4..)?.first_chunk()?);
    if version & OTHERS != 0 {
        return None;
    }
    let mut rest = picture.get(8..)?;
    let mut attributes = Vec::new();
    loop {
        let (name, after) = until_nul(rest)?;
        if name.is_empty() {
            return Some(Header { attributes, end: picture.len() - rest.len() });
        }
        let (kind, after) = until_nul(after)?;
        let (length, after) = after.split_first_chunk::<4>()?;
        let (value, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        attributes.push(Attribute { name, kind, value });
        rest = after;
    }
}

/// Where the chunks of pixels lie: the first begins where this table ends.
fn places(picture: &[u8], header: &Header<'_>) -> Option<Vec<u64>> {
    let table = picture.get(header.end + 1..)?;
    let place = |bytes: &[u8]| Some(u64::from_le_bytes(*bytes.first_chunk()?));
    let bytes = usize::try_from(place(table)?).ok()?.checked_sub(header.end + 1)?;
    let places = table.get(..bytes)?.chunks_exact(8).map(|bytes| place(bytes).unwrap_or(0));
    let places: Vec<u64> = places.collect();
    (bytes.is_multiple_of(8) && places.iter().min() == places.first()).then_some(places)
}

pub(super) fn text<'a>(picture: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let is_it =
        |it: &&Attribute<'_>| it.name == name.as_bytes() && it.kind == b"string" && it.value.len() <= MOST;
    let header = header(picture)?;
    header.attributes.iter().find(is_it).map(|it| it.value)
}

pub(super) fn add<'a>(picture: &[u8], texts: &[Text<'a>], left_out: &mut Vec<&'a str>) -> Option<Vec<u8>> {
    let header = header(picture)?;
    let places = places(picture, &header)?;
    let mut attributes = Vec::new();
    for &(name, text) in texts {
        let (true, Some(text)) = (name.len() <= MAX_NAME, in_ascii(text)) else {
            left_out.push(name);
            continue;
        };
        let length = i32::try_from(text.len()).ok()?.to_le_bytes();
        attributes.extend([name.as_bytes(), b"\0string\0", &length, text.as_bytes()].concat());
    }
    let mut out = [&picture[..header.end], &attributes, b"\0"].concat();
    places.iter().for_each(|place| out.extend((place + attributes.len() as u64).to_le_bytes()));
    out.extend(picture.get(header.end + 1 + places.len() * 8..)?);
    Some(out)
}

pub(super) fn content(picture: &[u8], hasher: &mut Hasher) -> Option<()> {
    let header = header(picture)?;
    for attribute in header.attributes.iter().filter(|attribute| attribute.kind != b"string") {
        hash_part(hasher, attribute.name);
        hash_part(hasher, attribute.value);
    }
    let places = places(picture, &header)?;
    hash_part(hasher, picture.get(header.end + 1 + places.len() * 8..)?);
    Some(())
}
