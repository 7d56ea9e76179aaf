//! An input is given an object other than `{"__value__": ...}`.
//!
//! ```json
//! { "a": { "class_type": "X", "inputs": { "size": { "width": 1 } } } }
//! ```

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::source::Span;

const CODE: Code = Code::new("graph::object_value");

pub(crate) fn new(span: Span) -> Diagnostic {
    Diagnostic::error(CODE, Class::Graph, "an object is not a value")
        .label(span, "an object")
        .hint("inputs take texts, numbers, `true`, `false`, links, and lists as {\"__value__\": [...]}")
}

#[cfg(test)]
mod tests {
    use crate::testing::one;

    #[test]
    fn an_object() {
        let found =
            one(r#"{ "a": { "class_type": "X", "inputs": { "b": {"c": 1} } } }"#, "graph::object_value");
        assert_eq!(found.message, "an object is not a value");
        assert_eq!(found.labelled, [r#"{"c": 1}"#]);
    }
}
