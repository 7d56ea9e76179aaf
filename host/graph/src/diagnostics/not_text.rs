//! A node without a `class_type`, or with one that is not a string.
//!
//! ```json
//! { "photo": { "inputs": {} } }
//! ```

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::source::Span;

const CODE: Code = Code::new("graph::not_text");

pub(crate) fn no_kind(id: &str, span: Span) -> Diagnostic {
    Diagnostic::error(CODE, Class::Graph, format!("node `{id}` has no `class_type`"))
        .label(span, "of which kind is it?")
        .hint("add \"class_type\": \"...\"; `dreamwire nodes` lists the kinds")
}

pub(crate) fn kind(id: &str, span: Span) -> Diagnostic {
    Diagnostic::error(CODE, Class::Graph, format!("`class_type` of `{id}` must be a string"))
        .label(span, "not a string")
}

#[cfg(test)]
mod tests {
    use crate::testing::one;

    #[test]
    fn none_and_not_a_string() {
        let found = one(r#"{ "photo": { "inputs": {} } }"#, "graph::not_text");
        assert_eq!(found.message, "node `photo` has no `class_type`");
        assert_eq!(found.labelled, [r#""photo""#]);
        let found = one(r#"{ "photo": { "class_type": 7 } }"#, "graph::not_text");
        assert_eq!(found.message, "`class_type` of `photo` must be a string");
        assert_eq!(found.labelled, ["7"]);
    }
}
