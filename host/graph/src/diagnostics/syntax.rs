//! The text is not JSON (with comments and trailing commas).
//!
//! ```json
//! { "save": { "class_type": "SaveImage" "inputs": {} } }
//! ```

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::source::Span;

const CODE: Code = Code::new("graph::syntax");

pub(crate) fn new(span: Span, message: &str, label: &str, hint: &str) -> Diagnostic {
    Diagnostic::error(CODE, Class::Graph, message).label(span, label).hint(hint)
}

#[cfg(test)]
mod tests {
    use crate::testing::one;

    #[test]
    fn a_missing_comma() {
        let found = one(r#"{ "save": { "class_type": 1 "inputs": {} } }"#, "graph::syntax");
        assert_eq!(found.message, "a comma is missing");
        assert_eq!(found.labelled, [""]);
    }
}
