use serde::{Deserialize, Serialize};

use crate::diagnostic::Diagnostic;
use crate::diagnostics::{binary, encoding, too_large};

/// The largest graph file that is read, in bytes.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;

/// A range of bytes in the text of a [`Source`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The bytes `start..end`.
    pub fn new(start: usize, end: usize) -> Self {
        Span { start, end }
    }
}

/// The text of a graph file and its name for messages.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// What messages call it: a path, or `-` for standard input.
    pub name: String,
    /// The text, without a byte order mark.
    pub text: String,
}

impl Source {
    /// A source from text. A byte order mark is dropped.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        let text: String = text.into();
        let text = match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_owned(),
            None => text,
        };
        Source { name: name.into(), text }
    }

    /// A source from the bytes of a file. A byte order mark is dropped. If there are diagnostics the text
    /// only serves to show their places (it is lossy, and empty if the file exceeds the size limit): do not
    /// parse it.
    pub fn from_bytes(name: impl Into<String>, bytes: &[u8]) -> (Self, Vec<Diagnostic>) {
        let name = name.into();
        if let Some(problem) = binary::new(bytes) {
            return (Source { name, text: String::new() }, vec![problem]);
        }
        if bytes.len() > MAX_BYTES {
            return (Source { name, text: String::new() }, vec![too_large::bytes(bytes.len())]);
        }
        let body = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        match std::str::from_utf8(body) {
            Ok(text) => (Source { name, text: text.to_owned() }, Vec::new()),
            Err(error) => {
                let source = Source { name, text: String::from_utf8_lossy(body).into_owned() };
                // Everything before the error is the same in the lossy text, so the place can be shown there.
                let at = error.valid_up_to();
                let (line, _) = source.position(at);
                let offset = at + (bytes.len() - body.len());
                let problem = encoding::not_utf8(source.char_at(at), offset, line, bytes);
                (source, vec![problem])
            }
        }
    }

    /// Line and column of a byte offset, both from 1; the column counts characters.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let mut end = offset.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let before = &self.text[..end];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        (line, before[line_start..].chars().count() + 1)
    }

    /// The text of a span; empty where the span is not in the text.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start..span.end).unwrap_or("")
    }

    fn char_at(&self, offset: usize) -> Span {
        let length = self.text.get(offset..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        Span::new(offset, offset + length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_from_one_in_characters() {
        let source = Source::new("a.json", "ä\r\n  ö!");
        assert_eq!(source.position(0), (1, 1));
        assert_eq!(source.position(2), (1, 2));
        assert_eq!(source.position(4), (2, 1));
        assert_eq!(source.position(8), (2, 4));
        assert_eq!(source.position(999), (2, 5));
    }

    /// Faults: A5.
    #[test]
    fn a_byte_order_mark_is_dropped() {
        let (source, problems) = Source::from_bytes("a.json", b"\xef\xbb\xbf{}");
        assert!(problems.is_empty());
        assert_eq!(source.text, "{}");
        assert_eq!(Source::new("a.json", "\u{feff}{}").text, "{}");
    }
}
