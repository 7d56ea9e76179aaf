//! The graph, a node, its `inputs` or its `_meta` is not an object.
//!
//! ```json
//! { "photo": "LoadImage" }
//! ```

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::source::Span;

const CODE: Code = Code::new("graph::not_an_object");

pub(crate) fn graph(span: Span) -> Diagnostic {
    Diagnostic::error(CODE, Class::Graph, "a graph must be an object")
        .label(span, "not an object")
        .hint("write {\"name\": {\"class_type\": \"LoadImage\", \"inputs\": {...}}, ...}")
}

pub(crate) fn node(id: &str, span: Span) -> Diagnostic {
    Diagnostic::error(CODE, Class::Graph, format!("node `{id}` must be an object"))
        .label(span, "not an object")
        .hint("names that start with `$` or `x-` are free for other things")
}

pub(crate) fn inputs(id: &str, span: Span) -> Diagnostic {
    Diagnostic::error(CODE, Class::Graph, format!("`inputs` of `{id}` must be an object"))
        .label(span, "not an object")
}

pub(crate) fn meta(span: Span) -> Diagnostic {
    Diagnostic::error(CODE, Class::Graph, "`_meta` must be an object").label(span, "not an object")
}

#[cfg(test)]
mod tests {
    use crate::testing::one;

    #[test]
    fn the_graph_a_node_and_its_inputs() {
        assert_eq!(one("[1]", "graph::not_an_object").message, "a graph must be an object");
        let found = one(r#"{ "photo": "LoadImage" }"#, "graph::not_an_object");
        assert_eq!(found.message, "node `photo` must be an object");
        assert_eq!(found.labelled, [r#""LoadImage""#]);
        let found = one(r#"{ "photo": { "class_type": "X", "inputs": [] } }"#, "graph::not_an_object");
        assert_eq!(found.message, "`inputs` of `photo` must be an object");
    }
}
