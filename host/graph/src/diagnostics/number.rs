//! A number that cannot be represented exactly: an integer beyond 64 bits, or a number that is not finite.
//!
//! ```json
//! { "n": { "class_type": "Integer", "inputs": { "value": 18446744073709551616 } } }
//! ```

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::source::Span;

const CODE: Code = Code::new("graph::number");

pub(crate) fn new(span: Span, text: &str) -> Diagnostic {
    let short: String = text.chars().take(24).collect();
    let dots = if short.len() < text.len() { "..." } else { "" };
    Diagnostic::error(CODE, Class::Graph, format!("number {short}{dots} is too large"))
        .label(span, "too large")
        .hint("integers go from -2^63 to 2^64 - 1, other numbers to 1.8e308")
}

#[cfg(test)]
mod tests {
    use crate::testing::one;

    #[test]
    fn integers_and_floats() {
        let text = r#"{ "n": { "class_type": "Integer", "inputs": { "value": 18446744073709551616 } } }"#;
        let found = one(text, "graph::number");
        assert_eq!(found.message, "number 18446744073709551616 is too large");
        assert_eq!(found.labelled, ["18446744073709551616"]);
        let text = r#"{ "n": { "class_type": "Integer", "inputs": { "value": 1e999 } } }"#;
        assert_eq!(one(text, "graph::number").labelled, ["1e999"]);
    }
}
