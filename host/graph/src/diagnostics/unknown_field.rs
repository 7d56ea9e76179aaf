//! A node has an unknown field.
//!
//! ```json
//! { "a": { "clas_type": "LoadImage" } }
//! ```

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::source::Span;
use crate::suggest::did_you_mean;

const CODE: Code = Code::new("graph::unknown_field");

/// The fields of a node.
const FIELDS: [&str; 3] = ["class_type", "inputs", "_meta"];

pub(crate) fn new(name: &str, span: Span) -> Diagnostic {
    let hint = match stands_for(name) {
        Some(field) => format!("did you mean `{field}`"),
        None => "a node has `class_type`, `inputs`, `_meta` and what starts with `x-`".to_owned(),
    };
    Diagnostic::error(CODE, Class::Graph, format!("a node has no field `{name}`"))
        .label(span, "not a field of a node")
        .hint(hint)
}

/// The field that was probably intended.
pub(crate) fn stands_for(name: &str) -> Option<&'static str> {
    match name {
        "type" | "kind" | "class" | "node" | "op" => Some("class_type"),
        "params" | "parameters" | "args" | "widgets_values" => Some("inputs"),
        "meta" | "title" => Some("_meta"),
        _ => FIELDS.into_iter().find(|field| did_you_mean(name, [*field].into_iter()).is_some()),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::one;

    /// Faults: A10.
    #[test]
    fn a_slip_and_a_stranger() {
        let found = one(r#"{ "a": { "clas_type": "LoadImage" } }"#, "graph::unknown_field");
        assert_eq!(found.message, "a node has no field `clas_type`");
        assert_eq!(found.labelled, [r#""clas_type""#]);
        assert_eq!(found.hint, "did you mean `class_type`");
        let found = one(r#"{ "a": { "class_type": "LoadImage", "colour": 1 } }"#, "graph::unknown_field");
        assert_eq!(found.hint, "a node has `class_type`, `inputs`, `_meta` and what starts with `x-`");
    }
}
