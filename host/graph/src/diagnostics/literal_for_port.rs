//! A port is given a value instead of a link.
//!
//! ```json
//! { "save": { "class_type": "SaveImage", "inputs": { "images": "cat.png" } } }
//! ```

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::graph::Input;
use crate::kinds::Port;

const CODE: Code = Code::new("graph::literal_for_port");

pub(crate) fn new(input: &Input, port: &Port) -> Diagnostic {
    Diagnostic::error(CODE, Class::Graph, format!("`{}` takes a link, not a value", input.name))
        .label(input.place(), format!("connect a node that gives {}", port.type_text()))
        .hint("a link is [\"node\", \"output\"]")
}

#[cfg(test)]
mod tests {
    use crate::testing::one;

    #[test]
    fn a_file_name_for_an_image() {
        let text = r#"{ "save": { "class_type": "SaveImage", "inputs": { "images": "cat.png" } } }"#;
        let found = one(text, "graph::literal_for_port");
        assert_eq!(found.message, "`images` takes a link, not a value");
        assert_eq!(found.labelled, [r#""cat.png""#]);
    }
}
