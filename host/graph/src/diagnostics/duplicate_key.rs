//! A name occurs twice in one object; most programs would silently keep one of the two.
//!
//! ```json
//! { "a": { "class_type": "X" }, "a": { "class_type": "Y" } }
//! ```

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::source::Span;

const CODE: Code = Code::new("graph::duplicate_key");

pub(crate) fn node(name: &str, first: Span, second: Span) -> Diagnostic {
    Diagnostic::error(CODE, Class::Graph, format!("there are two nodes `{name}`"))
        .label(second, "second time")
        .label(first, "first time")
        .hint("give one of them another name")
}

pub(crate) fn key(name: &str, first: Span, second: Span) -> Diagnostic {
    Diagnostic::error(CODE, Class::Graph, format!("`{name}` is there twice"))
        .label(second, "second time")
        .label(first, "first time")
        .hint("remove one of them")
}

#[cfg(test)]
mod tests {
    use crate::testing::one;

    /// Faults: A9.
    #[test]
    fn nodes_and_inputs() {
        let found = one(r#"{ "a": {}, "a": {} }"#, "graph::duplicate_key");
        assert_eq!(found.message, "there are two nodes `a`");
        assert_eq!(found.labelled, [r#""a""#, r#""a""#]);
        let found = one(r#"{ "a": { "inputs": { "b": 1, "\u0062": 2 } } }"#, "graph::duplicate_key");
        assert_eq!(found.message, "`b` is there twice");
        assert_eq!(found.labelled, [r#""\u0062""#, r#""b""#]);
    }
}
