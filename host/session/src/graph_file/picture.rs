//! The graph that a picture carries, written by SaveImage here or in ComfyUI. Pixels are not looked at.

mod exif;
mod exr;
mod jpeg;
mod png;
#[cfg(test)]
mod tests;
mod webp;

use dreamwire_graph::MAX_BYTES;

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

/// What a picture carries: the text `prompt`; without one, the text `workflow`, which is the graph in the editor's own
/// form. None for a file that is no picture of a format that carries graphs. Whatever is
/// wrong with other parts of the file does not matter.
pub(super) fn carried(bytes: &[u8]) -> Option<Carried> {
    if bytes.starts_with(png::SIGNATURE) {
        Some(png::carried(bytes))
    } else if bytes.starts_with(jpeg::SIGNATURE) {
        Some(jpeg::carried(bytes))
    } else if webp::is_webp(bytes) {
        Some(webp::carried(bytes))
    } else if exif::is_tiff(bytes) {
        Some(exif::carried(bytes))
    } else if bytes.starts_with(exr::SIGNATURE) {
        Some(exr::carried(bytes))
    } else {
        None
    }
}

#[derive(Clone, Copy)]
enum Keyword {
    Prompt,
    Workflow,
}

impl Keyword {
    fn of(name: &[u8]) -> Option<Self> {
        match name {
            b"prompt" => Some(Self::Prompt),
            b"workflow" => Some(Self::Workflow),
            _ => None,
        }
    }
}

/// The first prompt of what was found, else the last workflow.
fn first_of(found: impl Iterator<Item = (Keyword, Carried)>) -> Carried {
    let mut workflow = Carried::Nothing;
    for (keyword, found) in found {
        match (keyword, found) {
            (_, Carried::Nothing) => {}
            (Keyword::Prompt, found) => return found,
            (Keyword::Workflow, found) => workflow = found,
        }
    }
    workflow
}

/// Text that is in the file as it is, if a graph may begin there.
fn plain(text: &[u8]) -> Carried {
    match text {
        // Other programs keep words under this name: what a picture was asked to be.
        text if !begins_like_a_graph(text) => Carried::Nothing,
        text if text.len() > MAX_BYTES => Carried::TooLarge,
        text => from_latin1(text),
    }
}

fn until_nul(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|&byte| byte == 0)?;
    Some((&bytes[..at], &bytes[at + 1..]))
}

fn begins_like_a_graph(text: &[u8]) -> bool {
    matches!(text.trim_ascii_start(), [b'{' | b'[', ..] | [b'/', b'/' | b'*', ..] | [0xef, 0xbb, 0xbf, ..])
}

/// The standards say Latin-1 or ASCII, but many programs write UTF-8, which hardly ever means anything as Latin-1.
fn from_latin1(text: &[u8]) -> Carried {
    Carried::Graph(match std::str::from_utf8(text) {
        Ok(_) => text.to_vec(),
        Err(_) => text.iter().map(|&byte| char::from(byte)).collect::<String>().into_bytes(),
    })
}
