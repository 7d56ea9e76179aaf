//! The bytes are not UTF-8, a string holds a NUL or half of a surrogate pair, or a name is not printable.
//!
//! ```json
//! { "save\ud800": {} }
//! ```

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::source::Span;

const CODE: Code = Code::new("graph::encoding");

/// `offset` is in bytes from the start of the file; `line` counts from 1.
pub(crate) fn not_utf8(span: Span, offset: usize, line: usize, bytes: &[u8]) -> Diagnostic {
    let utf16 = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    let hint = if utf16 { "this looks like UTF-16: save it as UTF-8" } else { "save the file as UTF-8" };
    Diagnostic::error(CODE, Class::Graph, format!("graph file is not UTF-8 at byte {offset}, line {line}"))
        .label(span, "not UTF-8")
        .hint(hint)
}

pub(crate) fn nul(span: Span) -> Diagnostic {
    Diagnostic::error(CODE, Class::Graph, "a text cannot contain a NUL").label(span, "a NUL")
}

/// A name holds a control character or a bidirectional control.
pub(crate) fn unprintable(span: Span, c: char) -> Diagnostic {
    let code = u32::from(c);
    Diagnostic::error(CODE, Class::Graph, format!("a name cannot contain the character U+{code:04X}"))
        .label(span, "not printable")
        .hint("names are printable text on one line")
}

pub(crate) fn surrogate(span: Span) -> Diagnostic {
    Diagnostic::error(CODE, Class::Graph, "an escape is half of a surrogate pair")
        .label(span, "the other half is missing")
        .hint("write the character itself")
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
        assert_eq!(found.message, "a text cannot contain a NUL");
        assert_eq!(found.labelled, ["\0"]);
        let found = one(r#"{ "a\u0000": {} }"#, "graph::encoding");
        assert_eq!(found.labelled, [r#""a\u0000""#]);
        for (text, code) in [
            (r#"{ "a\u009b31m": {} }"#, "U+009B"),
            (r#"{ "a\r": {} }"#, "U+000D"),
            (r#"{ "a\nerror: x": {} }"#, "U+000A"),
            ("{ \"a\u{202e}\": {} }", "U+202E"),
            (r#"{ "a": { "class_type": "X\u2028" } }"#, "U+2028"),
            (r#"{ "a": { "class_type": "X", "inputs": { "b\t": 1 } } }"#, "U+0009"),
            (r#"{ "a": { "class_type": "X", "inputs": { "b": ["c\u001b", 0] } } }"#, "U+001B"),
        ] {
            let found = one(text, "graph::encoding");
            assert_eq!(found.message, format!("a name cannot contain the character {code}"), "{text}");
        }
        let found = one(r#"{ "a\ud800": {} }"#, "graph::encoding");
        assert_eq!(found.message, "an escape is half of a surrogate pair");
    }
}
