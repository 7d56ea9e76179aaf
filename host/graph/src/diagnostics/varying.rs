//! An input that differs from row to row is not written as one.
//!
//! ```json
//! { "a": { "class_type": "X", "inputs": { "strength": {"__curve__": {"1": 0.2}} } } }
//! ```

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::source::Span;

const CODE: Code = Code::new("graph::varying");

/// A curve, as an example.
const CURVE: &str = r#"a curve is {"__curve__": {"1": 0.2, "60": 0.8}, "ease": "linear"}"#;

fn fault(span: Span, message: &str, label: &str) -> Diagnostic {
    Diagnostic::error(CODE, Class::Graph, message).label(span, label)
}

pub(crate) fn member(span: Span, name: &str, known: &[&str]) -> Diagnostic {
    let known: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    fault(span, &format!("`{name}` is not known beside `{}`", known[0].trim_matches('`')), "not known")
        .hint(format!("known here: {}", known.join(", ")))
}

pub(crate) fn curve(span: Span, message: &str) -> Diagnostic {
    fault(span, message, "here").hint(CURVE)
}

pub(crate) fn few(span: Span, count: usize) -> Diagnostic {
    let keys = if count == 1 { "one key" } else { "no keys" };
    fault(span, &format!("a curve with {keys} does not vary"), "two or more keys are needed").hint(CURVE)
}

pub(crate) fn frame(span: Span, name: &str) -> Diagnostic {
    fault(span, &format!("`{name}` is no frame"), "an integer from -2^63 to 2^63 - 1").hint(CURVE)
}

pub(crate) fn ease(span: Span, names: &[&str]) -> Diagnostic {
    fault(span, "no such ease", "not known").hint(format!("`ease` is one of: {}", names.join(", ")))
}

pub(crate) fn no_link(span: Span) -> Diagnostic {
    fault(span, "this is no link", "expected [\"node\", \"output\"]")
}

pub(crate) fn no_first(span: Span) -> Diagnostic {
    fault(span, "`__previous__` without `first`", "what does the first row take?")
        .hint(r#"add "first": ["node", "output"]"#)
}

pub(crate) fn not_a_number(span: Span, param: &str, wanted: &str) -> Diagnostic {
    fault(span, &format!("`{param}` is {wanted}, which has no curve"), "a curve")
}

pub(crate) fn not_a_list(span: Span, param: &str, wanted: &str) -> Diagnostic {
    fault(span, &format!("`{param}` is {wanted}, not a list of texts"), "the labels of all rows")
}

pub(crate) fn not_a_value(span: Span, port: &str) -> Diagnostic {
    fault(span, &format!("`{port}` takes a link, not a curve or labels"), "not a link")
}

#[cfg(test)]
mod tests {
    use crate::testing::one;

    fn message(value: &str) -> String {
        let text = format!(r#"{{ "a": {{ "class_type": "X", "inputs": {{ "b": {value} }} }} }}"#);
        one(&text, "graph::varying").message
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert_eq!(message(r#"{"__curve__": {"1": 0.5}}"#), "a curve with one key does not vary");
        assert_eq!(message(r#"{"__curve__": {}}"#), "a curve with no keys does not vary");
        assert_eq!(message(r#"{"__curve__": {"1": "x", "2": 1}}"#), "a curve has numbers");
        assert_eq!(message(r#"{"__curve__": {"1": 0, "01": 1}}"#), "frame 1 is there twice");
        assert_eq!(
            message(r#"{"__curve__": {"1": 0, "9223372036854775808": 1}}"#),
            "`9223372036854775808` is no frame"
        );
        assert_eq!(message(r#"{"__curve__": {"1": 0, "2": 1}, "ease": "fast"}"#), "no such ease");
        assert_eq!(
            message(r#"{"__curve__": {"1": 0, "2": 1}, "easing": 1}"#),
            "`easing` is not known beside `__curve__`"
        );
        assert_eq!(message(r#"{"__curve__": 7}"#), "a curve is an object of frames and values");
        assert_eq!(message(r#"{"__previous__": ["a", 0]}"#), "`__previous__` without `first`");
        assert_eq!(message(r#"{"__previous__": ["a", 0], "first": 3}"#), "this is no link");
        assert_eq!(message(r#"{"__rows__": "names"}"#), "this is no link");
    }
}
