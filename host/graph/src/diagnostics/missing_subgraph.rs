//! A node of the editor's own form stands for a subgraph that the file does not define.
//!
//! ```json
//! { "nodes": [{ "id": 1, "type": "b1a7c0de-0000-4000-8000-000000000001" }] }
//! ```

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::source::Span;

const CODE: Code = Code::new("graph::missing_subgraph");

pub(crate) fn new(id: &str, span: Span) -> Diagnostic {
    Diagnostic::error(CODE, Class::Graph, format!("there is no subgraph `{id}`"))
        .label(span, "not among `definitions.subgraphs`")
        .hint("save the graph again with the editor that has this subgraph")
}

#[cfg(test)]
mod tests {
    use crate::testing::{codes, one};

    /// Faults: A23.
    #[test]
    fn an_id_without_a_definition() {
        let text = r#"{ "nodes": [{ "id": 1, "type": "b1a7c0de-0000-4000-8000-000000000001" }] }"#;
        let found = one(text, "graph::missing_subgraph");
        assert_eq!(found.message, "there is no subgraph `b1a7c0de-0000-4000-8000-000000000001`");
        assert_eq!(found.labelled, [r#""b1a7c0de-0000-4000-8000-000000000001""#]);
        assert!(codes(r#"{ "nodes": [{ "id": 1, "type": "Blurr" }] }"#).contains(&"graph::unknown_kind"));
    }
}
