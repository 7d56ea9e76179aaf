//! The graph as EXIF, for JPEG, WebP and TIFF, which is where ComfyUI looks for it: a text of the first directory that
//! begins with `prompt:`. We use ImageDescription.

use super::failed;
use dreamwire_sdk::prelude::*;
use std::fmt::Write;

/// ImageDescription.
const DESCRIPTION: u16 = 0x010E;
/// The header, a directory of one entry, and the place of the next directory.
const TEXT_AT: u32 = 8 + 2 + 12 + 4;

/// JSON that means the same in ASCII, which is all that these texts may have. Other characters can only stand in
/// strings, where JSON has an escape for each.
pub(crate) fn ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() {
            text.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(text, "\\u{unit:04x}");
            }
        }
    }
    text
}

/// The text that carries the graph.
pub(super) fn description(prompt: &str) -> String {
    format!("prompt:{}", ascii(prompt))
}

/// The block, without what a JPEG has in front of it.
///
/// # Errors
/// If the graph has more than 4 GiB.
pub(super) fn block(prompt: &str) -> Result<Vec<u8>> {
    let text = description(prompt);
    let count = u32::try_from(text.len() + 1).map_err(failed)?;
    let mut block = b"II*\0\x08\0\0\0\x01\0".to_vec();
    block.extend(DESCRIPTION.to_le_bytes());
    // Type 2 is text with a zero at its end.
    block.extend(2u16.to_le_bytes());
    block.extend(count.to_le_bytes());
    block.extend(TEXT_AT.to_le_bytes());
    block.extend([0; 4]);
    block.extend(text.as_bytes());
    block.push(0);
    Ok(block)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_characters_are_escaped_as_json_does() {
        assert_eq!(ascii(r#"{"ö": "\u0000 🦀"}"#), r#"{"\u00f6": "\u0000 \ud83e\udd80"}"#);
    }

    #[test]
    fn the_text_lies_where_its_entry_says() {
        let block = block("{}").expect("a block");
        assert_eq!(&block[TEXT_AT as usize..], b"prompt:{}\0");
        assert_eq!(block[14..18], 10u32.to_le_bytes());
    }
}
