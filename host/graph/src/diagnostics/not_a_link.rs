//! A link whose output is neither a name nor an index.
//!
//! ```json
//! { "a": { "class_type": "X", "inputs": { "image": ["photo", -1] } } }
//! ```

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::source::Span;

const CODE: Code = Code::new("graph::not_a_link");

pub(crate) fn index(span: Span, text: &str) -> Diagnostic {
    Diagnostic::error(CODE, Class::Graph, format!("{text} is not the index of an output"))
        .label(span, "not an index")
        .hint("outputs are named, or counted from 0")
}

#[cfg(test)]
mod tests {
    use crate::testing::one;

    #[test]
    fn negative_and_fraction() {
        for index in ["-1", "0.5"] {
            let text = format!(r#"{{ "a": {{ "class_type": "X", "inputs": {{ "b": ["c", {index}] }} }} }}"#);
            let found = one(&text, "graph::not_a_link");
            assert_eq!(found.message, format!("{index} is not the index of an output"));
            assert_eq!(found.labelled, [index]);
        }
    }
}
