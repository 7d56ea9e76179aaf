//! The file holds no graph, only whitespace and comments.
//!
//! ```json
//! // a graph will be here
//! ```

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::source::Span;

const CODE: Code = Code::new("graph::empty");

pub(crate) fn new(span: Span) -> Diagnostic {
    Diagnostic::error(CODE, Class::Graph, "graph file is empty").label(span, "")
}

#[cfg(test)]
mod tests {
    use crate::testing::one;

    #[test]
    fn nothing_but_space() {
        for text in ["", "  \n", "// later\n"] {
            let found = one(text, "graph::empty");
            assert_eq!(found.message, "graph file is empty");
            assert_eq!(found.labelled, [text]);
            assert_eq!(crate::testing::codes(text).len(), 1);
        }
    }
}
