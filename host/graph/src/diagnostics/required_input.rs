//! A required input is missing.
//!
//! ```json
//! { "save": { "class_type": "SaveImage", "inputs": {} } }
//! ```

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::graph::Node;
use crate::kinds::Port;
use crate::params::Param;

const CODE: Code = Code::new("graph::required_input");

/// `giver` is a node and an output that could be connected.
pub(crate) fn port(node: &Node, port: &Port, giver: Option<(&str, String)>) -> Diagnostic {
    let name = if port.many { format!("{}.0", port.name) } else { port.name.clone() };
    let hint = match giver {
        Some((id, output)) => format!("connect it, for example \"{name}\": [\"{id}\", \"{output}\"]"),
        None => format!("connect a node that gives {}", port.type_text()),
    };
    Diagnostic::error(CODE, Class::Graph, format!("`{}` of `{}` is not connected", port.name, node.id))
        .label(node.kind_span, format!("needs {}", port.shown()))
        .hint(hint)
}

pub(crate) fn param(node: &Node, param: &Param) -> Diagnostic {
    Diagnostic::error(CODE, Class::Graph, format!("`{}` of `{}` is not given", param.name, node.id))
        .label(node.kind_span, format!("needs `{}`, {}", param.name, param.ty.one()))
        .hint(param.doc.lines().next().unwrap_or(""))
}

#[cfg(test)]
mod tests {
    use crate::testing::one;

    #[test]
    fn a_port_and_a_param() {
        let text = r#"{ "photo": { "class_type": "LoadImage" }, "save": { "class_type": "SaveImage" } }"#;
        let found = one(text, "graph::required_input");
        assert_eq!(found.message, "`image` of `photo` is not given");
        assert_eq!(found.labelled, [r#""LoadImage""#]);
        let text = r#"{ "save": { "class_type": "SaveImage" },
            "photo": { "class_type": "LoadImage", "inputs": { "image": "a.png" } } }"#;
        let found = one(text, "graph::required_input");
        assert_eq!(found.message, "`images` of `save` is not connected");
        assert_eq!(found.hint, "connect it, for example \"images\": [\"photo\", \"IMAGE\"]");
    }
}
