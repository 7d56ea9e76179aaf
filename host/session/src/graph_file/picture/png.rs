//! The texts of a PNG.

use super::{Carried, Keyword, begins_like_a_graph, first_of, from_latin1, until_nul};
use dreamwire_graph::MAX_BYTES;
use miniz_oxide::inflate::{TINFLStatus, decompress_to_vec_zlib_with_limit};

pub(super) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

pub(super) fn carried(bytes: &[u8]) -> Carried {
    let mut rest = bytes.get(SIGNATURE.len()..).unwrap_or_default();
    let chunks = std::iter::from_fn(|| {
        let (kind, chunk, after) = chunk(rest)?;
        rest = after;
        Some((kind, chunk))
    });
    first_of(chunks.filter_map(|(kind, chunk)| {
        let (keyword, found) = text(kind, chunk.data)?;
        Some((keyword, if chunk.intact { found } else { Carried::Damaged("its checksum is wrong") }))
    }))
}

struct Chunk<'a> {
    data: &'a [u8],
    /// Whether the checksum fits.
    intact: bool,
}

/// The first chunk, its kind, and what follows. None at the end, and where the file is cut off.
fn chunk(bytes: &[u8]) -> Option<(&[u8], Chunk<'_>, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let length = u32::from_be_bytes(*length) as usize;
    let (checked, rest) = rest.split_at_checked(length.checked_add(4)?)?;
    let (sum, after) = rest.split_first_chunk::<4>()?;
    let (kind, data) = checked.split_at(4);
    // Of pixels the checksum is never needed.
    let intact = !kind.ends_with(b"Xt") || crc(checked) == u32::from_be_bytes(*sum);
    Some((kind, Chunk { data, intact }, after))
}

/// The text of a chunk, if its keyword is one of ours and a graph may begin there.
fn text(kind: &[u8], data: &[u8]) -> Option<(Keyword, Carried)> {
    let (keyword, rest) = until_nul(data)?;
    let keyword = Keyword::of(keyword)?;
    let text = match kind {
        b"tEXt" => from_latin1(rest),
        b"zTXt" => match rest.split_first()? {
            (0, packed) => unpack(packed),
            _ => Carried::Damaged("its compression is not known"),
        },
        b"iTXt" => {
            let ([packed, method], rest) = rest.split_first_chunk::<2>()?;
            let (_language, rest) = until_nul(rest)?;
            let (_translated, rest) = until_nul(rest)?;
            match (packed, method) {
                (0, _) => Carried::Graph(rest.to_vec()),
                (1, 0) => unpack(rest),
                _ => Carried::Damaged("its compression is not known"),
            }
        }
        _ => return None,
    };
    let text = match text {
        // Other programs keep words under this name: what a picture was asked to be.
        Carried::Graph(text) if !begins_like_a_graph(&text) => Carried::Nothing,
        Carried::Graph(text) if kind == b"zTXt" => from_latin1(&text),
        text => text,
    };
    Some((keyword, text))
}

/// Unpacks no more than a graph may have, so that a small file cannot take much memory.
fn unpack(packed: &[u8]) -> Carried {
    match decompress_to_vec_zlib_with_limit(packed, MAX_BYTES) {
        Ok(text) => Carried::Graph(text),
        Err(error) if error.status == TINFLStatus::HasMoreOutput => Carried::TooLarge,
        Err(_) => Carried::Damaged("it cannot be unpacked"),
    }
}

/// The checksum of a chunk's kind and data, bit by bit: only short texts are checked.
fn crc(bytes: &[u8]) -> u32 {
    let step = |sum: u32| if sum & 1 == 1 { 0xedb8_8320 ^ (sum >> 1) } else { sum >> 1 };
    !bytes.iter().fold(u32::MAX, |sum, &byte| (0..8).fold(sum ^ u32::from(byte), |sum, _| step(sum)))
}

#[cfg(test)]
mod tests;
