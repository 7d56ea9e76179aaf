//! The input is a list, which it does not take.
//!
//! ```json
//! { "dream": { "class_type": "GradientAscent", "inputs": { "octaves": [1, 2, 3] } } }
//! ```

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::graph::Input;
use serde_json::Value;

const CODE: Code = Code::new("graph::bare_array");

/// `wants` is what the input takes instead: "a link", "a number".
pub(crate) fn new(input: &Input, wants: &str, items: &[Value]) -> Diagnostic {
    let problem =
        Diagnostic::error(CODE, Class::Graph, format!("`{}` takes {wants}, not a list", input.name))
            .label(input.place(), "not a link");
    match items {
        // Probably a link to a node whose id is a number.
        [Value::Number(node), Value::Number(_) | Value::String(_)] => {
            problem.hint(format!("a link to node {node} is [\"{node}\", 0]"))
        }
        _ => problem.hint("a link is [\"node\", \"output\"]"),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::one;

    #[test]
    fn for_a_number_and_for_a_port() {
        let save = |input: &str| {
            let text = format!(r#"{{ "a": {{ "class_type": "GradientAscent", "inputs": {{ {input} }} }} }}"#);
            one(&text, "graph::bare_array")
        };
        let found = save(r#""octaves": [1, 2, 3]"#);
        assert_eq!(found.message, "`octaves` takes an integer, not a list");
        assert_eq!(found.labelled, ["[1, 2, 3]"]);
        let found = save(r#""image": [4, 0]"#);
        assert_eq!(found.message, "`image` takes a link, not a list");
        assert_eq!(found.hint, "a link to node 4 is [\"4\", 0]");
    }
}
