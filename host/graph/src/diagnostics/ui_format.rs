//! The file is the editor's own form, not its export for programs.
//!
//! ```json
//! { "nodes": [], "links": [] }
//! ```

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::source::Span;

const CODE: Code = Code::new("graph::ui_format");

pub(crate) fn new(span: Span) -> Diagnostic {
    Diagnostic::error(
        CODE,
        Class::Graph,
        "this is a graph in the editor's own form, which is not supported yet",
    )
    .label(Span::new(span.start, span.start + 1), "a list of nodes with their places on the canvas")
    .hint("export it in the editor with `Export (API)`")
}

#[cfg(test)]
mod tests {
    use crate::testing::one;

    #[test]
    fn nodes_in_a_list() {
        let found = one(r#"{ "nodes": [{ "id": 1 }], "links": [] }"#, "graph::ui_format");
        assert_eq!(found.message, "this is a graph in the editor's own form, which is not supported yet");
        assert_eq!(found.labelled, ["["]);
    }
}
