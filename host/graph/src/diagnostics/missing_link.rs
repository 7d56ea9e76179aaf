//! An input of the editor's own form names a link that the file does not have.
//!
//! ```json
//! { "nodes": [{ "id": 1, "type": "Blur", "inputs": [{ "name": "image", "link": 7 }] }], "links": [] }
//! ```

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::source::Span;

const CODE: Code = Code::new("graph::missing_link");

pub(crate) fn new(id: &str, span: Span) -> Diagnostic {
    Diagnostic::error(CODE, Class::Graph, format!("there is no link `{id}`"))
        .label(span, "not among `links`")
        .hint("connect the input again in the editor, or write null for an input without a link")
}

/// A link inside of a subgraph comes from an input that the subgraph does not have.
pub(crate) fn input(subgraph: &str, index: u64, span: Span) -> Diagnostic {
    Diagnostic::error(CODE, Class::Graph, format!("the subgraph `{subgraph}` has no input {index}"))
        .label(span, "no such input")
        .hint("open the subgraph in the editor and connect its inputs again")
}

#[cfg(test)]
mod tests {
    use crate::testing::one;

    /// Faults: A23.
    #[test]
    fn of_an_input_and_into_a_subgraph() {
        let text =
            r#"{ "nodes": [{ "id": 1, "type": "Blur", "inputs": [{ "name": "image", "link": 7 }] }] }"#;
        let found = one(text, "graph::missing_link");
        assert_eq!(found.message, "there is no link `7`");
        assert_eq!(found.labelled, ["7"]);
        let text = r#"{ "nodes": [{ "id": 1, "type": "s" }], "definitions": { "subgraphs": [{
            "id": "s", "name": "Soft", "inputs": [],
            "nodes": [{ "id": 2, "type": "Blur", "inputs": [{ "name": "image", "link": 7 }] }],
            "links": [{ "id": 7, "origin_id": -10, "origin_slot": 3, "target_id": 2, "target_slot": 0 }] }] } }"#;
        let found = one(text, "graph::missing_link");
        assert_eq!(found.message, "the subgraph `Soft` has no input 3");
        assert_eq!(found.labelled, ["3"]);
    }
}
