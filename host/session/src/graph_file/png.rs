//! The graph that a PNG carries as text, written by SaveImage here or in ComfyUI. Pixels are not looked at.

use dreamwire_graph::MAX_BYTES;
use miniz_oxide::inflate::{TINFLStatus, decompress_to_vec_zlib_with_limit};

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// What a picture has for us.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Carried {
    /// The text of a graph. It may be any text that begins like one.
    Graph(Vec<u8>),
    /// No graph.
    Nothing,
    /// A graph that takes more than [`MAX_BYTES`] when unpacked.
    TooLarge,
    /// A graph that cannot be read; why.
    Damaged(&'static str),
}

pub(super) fn is_png(bytes: &[u8]) -> bool {
    bytes.starts_with(SIGNATURE)
}

/// The text `prompt` of a PNG; without one, the text `workflow`, which is the graph in the editor's own form and gets
/// the message for that. Whatever is wrong with other parts of the file does not matter.
pub(super) fn carried(bytes: &[u8]) -> Carried {
    let mut workflow = Carried::Nothing;
    let mut rest = &bytes[SIGNATURE.len()..];
    while let Some((kind, chunk, after)) = chunk(rest) {
        rest = after;
        let Some((keyword, text)) = text(kind, chunk.data) else { continue };
        let found = if chunk.intact { text } else { Carried::Damaged("its checksum is wrong") };
        match (keyword, found) {
            (_, Carried::Nothing) => {}
            (Keyword::Prompt, found) => return found,
            (Keyword::Workflow, found) => workflow = found,
        }
    }
    workflow
}

#[derive(Clone, Copy)]
enum Keyword {
    Prompt,
    Workflow,
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
    let keyword = match keyword {
        b"prompt" => Keyword::Prompt,
        b"workflow" => Keyword::Workflow,
        _ => return None,
    };
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

fn until_nul(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|&byte| byte == 0)?;
    Some((&bytes[..at], &bytes[at + 1..]))
}

fn begins_like_a_graph(text: &[u8]) -> bool {
    matches!(text.trim_ascii_start(), [b'{' | b'[', ..] | [b'/', b'/' | b'*', ..] | [0xef, 0xbb, 0xbf, ..])
}

/// The standard says Latin-1, but many programs write UTF-8, which hardly ever means anything as Latin-1.
fn from_latin1(text: &[u8]) -> Carried {
    Carried::Graph(match std::str::from_utf8(text) {
        Ok(_) => text.to_vec(),
        Err(_) => text.iter().map(|&byte| char::from(byte)).collect::<String>().into_bytes(),
    })
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
