//! The bytes are not UTF-8, or a text holds a NUL or half of a surrogate pair.
//!
//! ```json
//! { "save\ud800": {} }
//! ```

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::source::Span;

const CODE: Code = Code::new("graph::encoding");

/// `offset` counts bytes of the file, `line` lines from 1.
pub(crate) fn not_utf8(span: Span, offset: usize, line: usize, bytes: &[u8]) -> Diagnostic {
    let utf16 = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    let help = if utf16 { "this looks like UTF-16: save it as UTF-8" } else { "save the file as UTF-8" };
    Diagnostic::error(CODE, Class::Graph, format!("graph file is not UTF-8 at byte {offset}, line {line}"))
        .label(span, "not UTF-8")
        .help(help)
}

pub(crate) fn nul(span: Span) -> Diagnostic {
    Diagnostic::error(CODE, Class::Graph, "a text cannot hold a NUL").label(span, "a NUL")
}

pub(crate) fn surrogate(span: Span) -> Diagnostic {
    Diagnostic::error(CODE, Class::Graph, "an escape is half of a surrogate pair")
        .label(span, "the other half is missing")
        .help("write the character itself")
}

#[cfg(test)]
mod tests {
    use crate::testing::one;

    #[test]
    fn bytes_that_are_not_utf8() {
        let (source, problems) = crate::Source::from_bytes("a.json", b"\xef\xbb\xbf{\n \"a\xff\": 1 }");
        assert_eq!(problems[0].message, "graph file is not UTF-8 at byte 8, line 2");
        assert_eq!(source.slice(problems[0].labels[0].span), "\u{fffd}");
    }

    #[test]
    fn nul_and_surrogates() {
        let found = one("{ \"a\0\": {} }", "graph::encoding");
        assert_eq!(found.message, "a text cannot hold a NUL");
        assert_eq!(found.labelled, ["\0"]);
        let found = one(r#"{ "a\u0000": {} }"#, "graph::encoding");
        assert_eq!(found.labelled, [r#""a\u0000""#]);
        let found = one(r#"{ "a\ud800": {} }"#, "graph::encoding");
        assert_eq!(found.message, "an escape is half of a surrogate pair");
    }
}
