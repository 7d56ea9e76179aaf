//! A part of a graph in the editor's own form is not as an editor writes it.
//!
//! ```json
//! { "nodes": [{ "id": 1 }], "links": [[1, 2]] }
//! ```

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::source::Span;

const CODE: Code = Code::new("graph::ui_format");

fn new(span: Span, message: impl Into<String>, label: &str, hint: &str) -> Diagnostic {
    Diagnostic::error(CODE, Class::Graph, message).label(span, label).hint(hint)
}

pub(crate) fn not_a_list(name: &str, span: Span) -> Diagnostic {
    new(span, format!("`{name}` must be a list"), "not a list", "")
}

pub(crate) fn node(span: Span) -> Diagnostic {
    new(span, "a node must be an object", "not an object", "write {\"id\": 1, \"type\": \"LoadImage\", ...}")
}

pub(crate) fn subgraph(span: Span) -> Diagnostic {
    new(span, "a subgraph must be an object", "not an object", "")
}

/// `what` is "a node" or "a subgraph".
pub(crate) fn no_id(what: &str, span: Span) -> Diagnostic {
    new(span, format!("{what} has no `id`"), "an `id` is missing", "an id is a number or a text")
}

pub(crate) fn no_type(id: &str, span: Span) -> Diagnostic {
    new(span, format!("node `{id}` has no `type`"), "a `type` is missing", "its kind, such as \"LoadImage\"")
}

/// An entry of a node's `inputs`.
pub(crate) fn slot(span: Span) -> Diagnostic {
    let hint = "write {\"name\": \"images\", \"type\": \"IMAGE\", \"link\": 7}";
    new(span, "an input of a node has no name", "no `name`", hint)
}

pub(crate) fn link(span: Span) -> Diagnostic {
    let hint = "write [id, node, output, node, input, type], with indices of outputs and inputs from 0";
    new(span, "this is not a link", "not a link", hint)
}

/// The value of a `widgets_values`.
pub(crate) fn widgets(span: Span) -> Diagnostic {
    new(span, "the values of widgets must be a list or an object", "neither", "")
}

#[cfg(test)]
mod tests {
    use crate::testing::one;

    /// Faults: A23.
    #[test]
    fn each_part() {
        for (text, message, labelled) in [
            (r#"{ "nodes": [7] }"#, "a node must be an object", "7"),
            (r#"{ "nodes": [{ "type": "Blur" }] }"#, "a node has no `id`", "{"),
            (r#"{ "nodes": [{ "id": 1 }] }"#, "node `1` has no `type`", "1"),
            (r#"{ "nodes": [{ "id": 1, "type": 5 }] }"#, "node `1` has no `type`", "5"),
            (r#"{ "nodes": [], "links": {} }"#, "`links` must be a list", "{}"),
            (r#"{ "nodes": [], "links": [[1, 2]] }"#, "this is not a link", "[1, 2]"),
            (r#"{ "nodes": [], "links": [{ "id": 1 }] }"#, "this is not a link", r#"{ "id": 1 }"#),
            (r#"{ "nodes": [], "links": [[1, 2, -1, 3, 0]] }"#, "this is not a link", "[1, 2, -1, 3, 0]"),
            (
                r#"{ "nodes": [{ "id": 1, "type": "Blur", "inputs": [{ "link": 1 }] }] }"#,
                "an input of a node has no name",
                "{",
            ),
            (
                r#"{ "nodes": [{ "id": 1, "type": "Blur", "widgets_values": 5 }] }"#,
                "the values of widgets must be a list or an object",
                "5",
            ),
            (
                r#"{ "nodes": [], "definitions": { "subgraphs": [null] } }"#,
                "a subgraph must be an object",
                "null",
            ),
        ] {
            let found = one(text, "graph::ui_format");
            assert_eq!((found.message.as_str(), found.labelled[0].as_str()), (message, labelled), "{text}");
        }
    }
}
