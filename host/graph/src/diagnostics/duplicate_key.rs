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

/// Two links of one level of the editor's own form, from different outputs.
pub(crate) fn link(id: &str, first: Span, second: Span) -> Diagnostic {
    Diagnostic::error(CODE, Class::Graph, format!("there are two links `{id}`"))
        .label(second, "second time")
        .label(first, "the first comes from here")
        .hint("remove one of them")
}

pub(crate) fn subgraph(id: &str, first: Span, second: Span) -> Diagnostic {
    Diagnostic::error(CODE, Class::Graph, format!("there are two subgraphs `{id}`"))
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

    #[test]
    fn of_the_editors_own_form() {
        let nodes = r#"{ "id": 1, "type": "Blur" }, { "id": "1", "type": "Blur" }"#;
        let found = one(&format!(r#"{{ "nodes": [{nodes}] }}"#), "graph::duplicate_key");
        assert_eq!(found.message, "there are two nodes `1`");
        assert_eq!(found.labelled, [r#""1""#, "1"]);
        let links = r#"[7, 1, 0, 2, 0, "IMAGE"], [7, 1, 0, 2, 0, "IMAGE"], [7, 3, 0, 2, 0, "IMAGE"]"#;
        let found = one(&format!(r#"{{ "nodes": [], "links": [{links}] }}"#), "graph::duplicate_key");
        assert_eq!(found.message, "there are two links `7`");
        assert_eq!(found.labelled, ["7", "1"]);
        let two = r#"[{ "id": "s", "nodes": [] }, { "id": "s", "nodes": [] }]"#;
        let text = format!(r#"{{ "nodes": [], "definitions": {{ "subgraphs": {two} }} }}"#);
        assert_eq!(one(&text, "graph::duplicate_key").message, "there are two subgraphs `s`");
        // A subgraph's node may get the id of another.
        let text = r#"{ "nodes": [{ "id": 4, "type": "s" }, { "id": "4:1", "type": "Blur" }],
            "definitions": { "subgraphs": [{ "id": "s", "nodes": [{ "id": 1, "type": "Blur" }] }] } }"#;
        assert_eq!(one(text, "graph::duplicate_key").message, "there are two nodes `4:1`");
    }
}
