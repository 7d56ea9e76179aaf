//! The chunks of a PNG.

use super::{MOST, Text, hash_part, in_ascii, until_nul};
use blake3::Hasher;

pub(super) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Chunks that say nothing of the pixels.
const CARRIED: [&[u8]; 5] = [b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME"];

struct Chunk<'a> {
    kind: &'a [u8],
    data: &'a [u8],
    /// Where it begins in the file.
    at: usize,
    /// Where it ends.
    end: usize,
}

/// All chunks, as far as they are whole.
fn chunks(picture: &[u8]) -> impl Iterator<Item = Chunk<'_>> {
    let mut at = SIGNATURE.len();
    std::iter::from_fn(move || {
        let (head, rest) = picture.get(at..)?.split_at_checked(8)?;
        let (length, kind) = head.split_first_chunk::<4>()?;
        let data = rest.get(..u32::from_be_bytes(*length) as usize)?;
        rest.get(data.len()..data.len() + 4)?;
        let chunk = Chunk { kind, data, at, end: at + 12 + data.len() };
        at = chunk.end;
        Some(chunk)
    })
}

pub(super) fn text(picture: &[u8], name: &str) -> Option<Vec<u8>> {
    chunks(picture).find_map(|chunk| {
        let (keyword, rest) = until_nul(chunk.data)?;
        if keyword != name.as_bytes() || rest.len() > MOST {
            return None;
        }
        match chunk.kind {
            b"tEXt" => Some(rest.to_vec()),
            b"iTXt" => {
                let ([0, _], rest) = rest.split_first_chunk::<2>()? else { return None };
                let (_language, rest) = until_nul(rest)?;
                Some(until_nul(rest)?.1.to_vec())
            }
            _ => None,
        }
    })
}

/// With the texts before the pixels, where readers find them without reading the whole file.
pub(super) fn add(picture: &[u8], texts: &[Text<'_>]) -> Option<Vec<u8>> {
    // The first frame of an animation begins with its `fcTL`, and some readers allow nothing between that and its pixels.
    let pixels = chunks(picture).find(|chunk| matches!(chunk.kind, b"IDAT" | b"fcTL"))?;
    let mut out =
        Vec::with_capacity(picture.len() + texts.iter().map(|(_, text)| text.len() + 128).sum::<usize>());
    out.extend(&picture[..pixels.at]);
    for (name, text) in texts {
        match in_ascii(text) {
            Some(text) => chunk(&mut out, b"tEXt", &[name.as_bytes(), b"\0", text.as_bytes()].concat())?,
            // Not compressed, without language and translated keyword.
            None => chunk(&mut out, b"iTXt", &[name.as_bytes(), b"\0\0\0\0\0", text.as_bytes()].concat())?,
        }
    }
    out.extend(&picture[pixels.at..]);
    Some(out)
}

fn chunk(out: &mut Vec<u8>, kind: &[u8], data: &[u8]) -> Option<()> {
    // The standard allows no more.
    let length = i32::try_from(data.len()).ok()?;
    let mut sum = crc32fast::Hasher::new();
    sum.update(kind);
    sum.update(data);
    out.extend(length.to_be_bytes());
    out.extend(kind);
    out.extend(data);
    out.extend(sum.finalize().to_be_bytes());
    Some(())
}

pub(super) fn content(picture: &[u8], hasher: &mut Hasher) -> Option<()> {
    let mut end = 0;
    for chunk in chunks(picture) {
        end = chunk.end;
        if !CARRIED.contains(&chunk.kind) {
            hasher.update(chunk.kind);
            hash_part(hasher, chunk.data);
        }
    }
    // A file that is cut off is another picture.
    hash_part(hasher, picture.get(end..)?);
    Some(())
}
