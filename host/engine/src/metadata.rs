//! The texts that pictures carry, by name: reading one, adding some, and what is left of a picture without them.
//!
//! | format | where a text is | added are |
//! |---|---|---|
//! | PNG | a chunk tEXt or iTXt that is not compressed | all, before the pixels: JSON as tEXt in ASCII, what cannot be ASCII as iTXt |
//! | OpenEXR | an attribute of type string; a file of one part in scan lines | those of up to 31 characters |
//! | JPEG, WebP | EXIF: a text of the first directory, `name:text` | `workflow` (in Make), `dreamwire` (in Software) |
//! | TIFF | the same in its own first directory | the same |
//!
//! A JPEG has 64 KiB for all of them. Only a picture that carries a graph (the text `prompt`) gets more texts: one that
//! was saved without its graph is to say nothing.
//!
//! What is read may be any file: nothing in it is trusted.

mod exif;
mod exr;
mod jpeg;
mod png;
mod webp;

use blake3::{Hash, Hasher};
use std::borrow::Cow;

/// The name of the text that is the graph.
pub const GRAPH: &str = "prompt";
/// The name of the text that says what a picture was made of: a [`Record`](crate::Record) as JSON.
pub const RECORD: &str = "dreamwire";

/// Longer texts are not read, in bytes.
const MOST: usize = 16 << 20;

/// A name and a text. JSON is written in ASCII.
pub(crate) type Text<'a> = (&'a str, &'a str);

/// A picture with more texts.
pub(crate) struct Added<'p, 't> {
    pub(crate) picture: Cow<'p, [u8]>,
    /// The names of the texts for which it has no room.
    pub(crate) left_out: Vec<&'t str>,
}

#[derive(Clone, Copy)]
enum Format {
    Png,
    Jpeg,
    Webp,
    Tiff,
    Exr,
}

fn format(picture: &[u8]) -> Option<Format> {
    if picture.starts_with(png::SIGNATURE) {
        Some(Format::Png)
    } else if picture.starts_with(jpeg::SIGNATURE) {
        Some(Format::Jpeg)
    } else if webp::is_webp(picture) {
        Some(Format::Webp)
    } else if exif::is_tiff(picture) {
        Some(Format::Tiff)
    } else if picture.starts_with(exr::SIGNATURE) {
        Some(Format::Exr)
    } else {
        None
    }
}

/// The text of that name. `None` if the file is no picture of these formats or has none.
pub fn text(picture: &[u8], name: &str) -> Option<String> {
    let text = match format(picture)? {
        Format::Png => png::text(picture, name)?,
        Format::Jpeg => exif::text(jpeg::exif(picture)?, name)?.to_vec(),
        Format::Webp => exif::text(webp::exif(picture)?, name)?.to_vec(),
        Format::Tiff => exif::text(picture, name)?.to_vec(),
        Format::Exr => exr::text(picture, name)?.to_vec(),
    };
    String::from_utf8(text).ok()
}

/// Whether a picture carries a graph.
pub(crate) fn carries_a_graph(picture: &[u8]) -> bool {
    text(picture, GRAPH).is_some()
}

/// Adds texts to a picture that carries a graph, in this order as far as there is room; it may not have such texts yet.
/// Any other file is given back as it is.
pub(crate) fn add<'p, 't>(picture: &'p [u8], texts: &[Text<'t>]) -> Added<'p, 't> {
    let unchanged = |left_out| Added { picture: Cow::Borrowed(picture), left_out };
    let Some(format) = format(picture) else { return unchanged(Vec::new()) };
    let (mut kept, mut left_out): (Vec<Text<'_>>, Vec<&str>) = (Vec::new(), Vec::new());
    for &(name, text) in texts.iter().filter(|(name, _)| *name != GRAPH) {
        if is_name(name) { kept.push((name, text)) } else { left_out.push(name) }
    }
    if kept.is_empty() {
        return unchanged(left_out);
    }
    let added = match format {
        Format::Png => png::add(picture, &kept),
        Format::Exr => exr::add(picture, &kept, &mut left_out),
        Format::Tiff => exif::add(picture, &kept, &mut left_out),
        Format::Webp => webp::add(picture, &kept, &mut left_out),
        Format::Jpeg => jpeg::add(picture, &kept, &mut left_out),
    };
    match added {
        Some(picture) => Added { picture: Cow::Owned(picture), left_out },
        None => unchanged(texts.iter().map(|(name, _)| *name).filter(|name| *name != GRAPH).collect()),
    }
}

/// What a file is without what it carries: the hash of its pixels as they are stored, and of what they mean, such as size
/// and colour space. It is the same for the same picture with other texts. `None` if it is no picture of these formats.
pub fn content(picture: &[u8]) -> Option<Hash> {
    let mut hasher = Hasher::new_derive_key("dreamwire picture content 1");
    match format(picture)? {
        Format::Png => png::content(picture, &mut hasher),
        Format::Jpeg => jpeg::content(picture, &mut hasher),
        Format::Webp => webp::content(picture, &mut hasher),
        Format::Tiff => exif::content(picture, &mut hasher),
        Format::Exr => exr::content(picture, &mut hasher),
    }?;
    Some(hasher.finalize())
}

/// Whether two files are one picture that one step has made of one graph: only their other texts may differ.
pub(crate) fn is_of_the_same_step(one: &[u8], other: &[u8]) -> bool {
    let same =
        |name| text(one, name).is_some_and(|found| text(other, name).is_some_and(|text| text == found));
    same(GRAPH) && same(RECORD) && content(one).is_some_and(|found| content(other) == Some(found))
}

/// Hashes a part of a picture after its length, so that no two sequences of parts are the same.
fn hash_part(hasher: &mut Hasher, part: &[u8]) {
    hasher.update(&(part.len() as u64).to_le_bytes());
    hasher.update(part);
}

/// Whether all formats can have a text of that name: a keyword of PNG.
fn is_name(name: &str) -> bool {
    (1..80).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':')
}

/// The text in ASCII, which every reader understands: JSON with escapes. `None` for a text that is not JSON and has other
/// characters.
fn in_ascii(text: &str) -> Option<Cow<'_, str>> {
    if text.is_ascii() {
        return Some(Cow::Borrowed(text));
    }
    // Other characters than ASCII can only stand in strings of JSON.
    serde_json::from_str::<serde::de::IgnoredAny>(text).ok()?;
    let mut escaped = String::with_capacity(text.len() + 64);
    for c in text.chars() {
        if c.is_ascii() {
            escaped.push(c);
        } else {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| escaped += &format!("\\u{unit:04x}"));
        }
    }
    Some(Cow::Owned(escaped))
}

fn until_nul(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|&byte| byte == 0)?;
    Some((&bytes[..at], &bytes[at + 1..]))
}

#[cfg(test)]
mod tests;
