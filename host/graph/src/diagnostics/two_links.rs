//! Two inputs with the same index of a port that takes many links.
//!
//! ```json
//! { "sum": { "class_type": "SumObjective", "inputs": { "objectives": ["a", 0], "objectives.0": ["b", 0] } } }
//! ```

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::graph::Input;

const CODE: Code = Code::new("graph::two_links");

pub(crate) fn new(first: &Input, second: &Input) -> Diagnostic {
    let message = format!("`{}` and `{}` are the same input", first.name, second.name);
    Diagnostic::error(CODE, Class::Graph, message)
        .label(second.name_span, "second time")
        .label(first.name_span, "first time")
        .hint("count them from 0: `name.0`, `name.1`, ...")
}

#[cfg(test)]
mod tests {
    use crate::testing::one;

    #[test]
    fn with_and_without_an_index() {
        let text = r#"{ "vgg": { "class_type": "VGGFeatures" }, "sum": { "class_type": "SumObjective", "inputs": {
            "objectives": ["vgg", 0], "objectives.0": ["vgg", 0] } } }"#;
        let found = one(text, "graph::two_links");
        assert_eq!(found.message, "`objectives` and `objectives.0` are the same input");
        assert_eq!(found.labelled, [r#""objectives.0""#, r#""objectives""#]);
    }
}
