//! A list is there that is no link.
//!
//! ```json
//! { "a": { "class_type": "X", "inputs": { "sizes": [1, 2, 3] } } }
//! ```

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::source::Span;

const CODE: Code = Code::new("graph::bare_array");

pub(crate) fn new(span: Span) -> Diagnostic {
    Diagnostic::error(CODE, Class::Graph, "a list of values must be wrapped")
        .label(span, "not a link")
        .help("write {\"__value__\": [...]}; a link is [\"node\", \"output\"]")
}

/// Two elements, the first a number: perhaps a link to a node with a number for its name.
pub(crate) fn or_link(span: Span, node: &str) -> Diagnostic {
    Diagnostic::error(
        CODE,
        Class::Graph,
        "a list of values must be wrapped, and a link names its node in quotes",
    )
    .label(span, "a list or a link?")
    .help(format!("a link to node {node} is [\"{node}\", 0]; a list is {{\"__value__\": [...]}}"))
}

#[cfg(test)]
mod tests {
    use crate::testing::one;

    #[test]
    fn a_list_and_perhaps_a_link() {
        let found =
            one(r#"{ "a": { "class_type": "X", "inputs": { "b": [1, 2, 3] } } }"#, "graph::bare_array");
        assert_eq!(found.message, "a list of values must be wrapped");
        assert_eq!(found.labelled, ["[1, 2, 3]"]);
        let found = one(r#"{ "a": { "class_type": "X", "inputs": { "b": [4, 0] } } }"#, "graph::bare_array");
        assert_eq!(found.help, "a link to node 4 is [\"4\", 0]; a list is {\"__value__\": [...]}");
    }
}
