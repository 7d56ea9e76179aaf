//! The texts in the first directory of a TIFF, which is also the form of EXIF: `prompt:{...}` in ImageDescription, Make,
//! Model or any other text, as ComfyUI and SaveImage write it.

use super::{Carried, Keyword, begins_like_a_graph, plain, until_nul};
use dreamwire_graph::MAX_BYTES;

/// So many entries are looked at. Directories have a few dozen; a hostile one could name the same long text in each.
const MAX_ENTRIES: usize = 256;
/// Bytes of an entry of a directory.
const ENTRY: usize = 12;
/// The type of texts.
const ASCII: u16 = 2;

pub(super) fn is_tiff(bytes: &[u8]) -> bool {
    order(bytes).is_some()
}

pub(super) fn carried(block: &[u8]) -> Carried {
    let texts = || texts(block).filter_map(worded).filter(|(_, text)| begins_like_a_graph(text));
    let prompt = texts().find(|(keyword, _)| matches!(keyword, Keyword::Prompt));
    match prompt.or_else(|| texts().next()) {
        Some((_, text)) => plain(until_nul(text).map_or(text, |(text, _)| text)),
        None => Carried::Nothing,
    }
}

/// How numbers are written.
#[derive(Clone, Copy)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        })
    }

    fn usize(self, bytes: &[u8], at: usize) -> Option<usize> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        usize::try_from(match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        })
        .ok()
    }
}

fn order(block: &[u8]) -> Option<Order> {
    match block.get(..4)? {
        b"II*\0" => Some(Order::Little),
        b"MM\0*" => Some(Order::Big),
        _ => None,
    }
}

/// Every text of the first directory, as far as it lies in the block.
fn texts(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    let directory = order(block).and_then(|order| {
        let at = order.usize(block, 4)?;
        let count = order.u16(block, at)?;
        Some((order, at.checked_add(2)?, usize::from(count).min(MAX_ENTRIES)))
    });
    directory.into_iter().flat_map(move |(order, first, count)| {
        (0..count).filter_map(move |entry| {
            let at = first.checked_add(entry * ENTRY)?;
            if order.u16(block, at + 2)? != ASCII {
                return None;
            }
            let length = order.usize(block, at + 4)?;
            // What has no more than four bytes stands in the entry, and is no graph.
            let place = order.usize(block, at + 8)?;
            let text = block.get(place..place.checked_add(length)?)?;
            // Enough to see that it is too long, with the word in front.
            Some(text.get(..MAX_BYTES + 64).unwrap_or(text))
        })
    })
}

/// A text with one of our words before it: the word, and what follows.
fn worded(text: &[u8]) -> Option<(Keyword, &[u8])> {
    let colon = text.iter().take(16).position(|&byte| byte == b':')?;
    // Some nodes write the word with a capital.
    let keyword = Keyword::of(&text[..colon].to_ascii_lowercase())?;
    Some((keyword, &text[colon + 1..]))
}
