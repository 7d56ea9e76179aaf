//! Brackets nest too deep. In the parser's count an object counts twice.
//!
//! ```json
//! [[[[[[ ... ]]]]]]
//! ```

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::source::Span;
use crate::ui::MAX_NESTING;

const CODE: Code = Code::new("graph::too_deep");

pub(crate) fn new(span: Span) -> Diagnostic {
    Diagnostic::error(CODE, Class::Graph, "nesting deeper than 512").label(span, "too deep")
}

/// Subgraphs in each other; `span` is the kind of the node that is too deep.
pub(crate) fn subgraphs(span: Span) -> Diagnostic {
    Diagnostic::error(CODE, Class::Graph, format!("subgraphs nested deeper than {MAX_NESTING}"))
        .label(span, "too deep")
}

#[cfg(test)]
mod tests {
    use crate::testing::one;

    #[test]
    fn brackets_and_braces() {
        let found = one(&"[".repeat(200_000), "graph::too_deep");
        assert_eq!(found.message, "nesting deeper than 512");
        assert_eq!(found.labelled, ["["]);
        let found = one(&"{ \"a\": ".repeat(400), "graph::too_deep");
        assert_eq!(found.message, "nesting deeper than 512");
    }
}
