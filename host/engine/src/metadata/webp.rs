//! The chunks of a WebP.

use super::{Text, exif, hash_part};
use blake3::Hasher;

/// Chunks that say nothing of the pixels. The first has flags, one of which is whether there is EXIF, and a size that the
/// pixels have too.
const CARRIED: [&[u8]; 3] = [b"VP8X", b"EXIF", b"XMP "];

pub(super) fn is_webp(bytes: &[u8]) -> bool {
    bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP")
}

struct Chunk<'a> {
    kind: &'a [u8],
    data: &'a [u8],
    at: usize,
    end: usize,
}

fn chunks(picture: &[u8]) -> impl Iterator<Item = Chunk<'_>> {
    let mut at = 12;
    std::iter::from_fn(move || {
        let (head, rest) = picture.get(at..)?.split_at_checked(8)?;
        let (kind, length) = head.split_at(4);
        let data = rest.get(..u32::from_le_bytes(*length.first_chunk()?) as usize)?;
        // Chunks begin at even places.
        let chunk = Chunk { kind, data, at, end: at + 8 + data.len().next_multiple_of(2) };
        at = chunk.end;
        Some(chunk)
    })
}

/// What some programs keep is what a JPEG has in front of it.
fn block<'a>(chunk: &Chunk<'a>) -> &'a [u8] {
    chunk.data.strip_prefix(b"Exif\0\0").unwrap_or(chunk.data)
}

pub(super) fn exif(picture: &[u8]) -> Option<&[u8]> {
    chunks(picture).find(|chunk| chunk.kind == b"EXIF").map(|chunk| block(&chunk))
}

pub(super) fn add<'a>(picture: &[u8], texts: &[Text<'a>], left_out: &mut Vec<&'a str>) -> Option<Vec<u8>> {
    let chunk = chunks(picture).find(|chunk| chunk.kind == b"EXIF")?;
    let mut block = exif::add(block(&chunk), texts, left_out)?;
    let length = u32::try_from(block.len()).ok()?;
    block.resize(block.len().next_multiple_of(2), 0);
    let after = picture.get(chunk.end..).unwrap_or_default();
    let mut out = [&picture[..chunk.at], b"EXIF", &length.to_le_bytes(), &block, after].concat();
    let whole = u32::try_from(out.len() - 8).ok()?;
    out[4..8].copy_from_slice(&whole.to_le_bytes());
    Some(out)
}

pub(super) fn content(picture: &[u8], hasher: &mut Hasher) -> Option<()> {
    let mut end = 12;
    for chunk in chunks(picture) {
        end = chunk.end;
        if !CARRIED.contains(&chunk.kind) {
            hasher.update(chunk.kind);
            hash_part(hasher, chunk.data);
        }
    }
    hash_part(hasher, picture.get(end..).unwrap_or_default());
    Some(())
}
