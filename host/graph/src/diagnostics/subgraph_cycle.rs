//! A subgraph has a node that stands for the subgraph itself, directly or inside of another.
//!
//! ```json
//! { "nodes": [{ "id": 1, "type": "a" }],
//!   "definitions": { "subgraphs": [{ "id": "a", "name": "A", "nodes": [{ "id": 2, "type": "a" }] }] } }
//! ```

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::source::Span;

const CODE: Code = Code::new("graph::subgraph_cycle");

/// `names` from the subgraph to the one that has it inside; `span` is the kind of that node.
pub(crate) fn new(names: &[&str], span: Span) -> Diagnostic {
    let path = names.join(" -> ");
    let first = names.first().copied().unwrap_or("");
    Diagnostic::error(CODE, Class::Graph, format!("a subgraph contains itself: {path} -> {first}"))
        .label(span, "it is inside of itself here")
        .hint("remove this node")
}

#[cfg(test)]
mod tests {
    use crate::testing::one;

    /// Faults: A23.
    #[test]
    fn directly_and_through_another() {
        let text = r#"{ "nodes": [{ "id": 1, "type": "a" }], "definitions": { "subgraphs": [
            { "id": "a", "name": "A", "nodes": [{ "id": 2, "type": "a" }] }] } }"#;
        let found = one(text, "graph::subgraph_cycle");
        assert_eq!(found.message, "a subgraph contains itself: A -> A");
        assert_eq!(found.labelled, [r#""a""#]);
        let text = r#"{ "nodes": [{ "id": 1, "type": "a" }, { "id": 2, "type": "a" }], "definitions": { "subgraphs": [
            { "id": "a", "name": "A", "nodes": [{ "id": 2, "type": "b" }] },
            { "id": "b", "name": "B", "nodes": [{ "id": 2, "type": "a" }] }] } }"#;
        assert_eq!(one(text, "graph::subgraph_cycle").message, "a subgraph contains itself: A -> B -> A");
    }
}
