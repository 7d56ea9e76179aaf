//! No output needs a node, so it is not run. A warning.
//!
//! ```json
//! { "spare": { "class_type": "LoadImage", "inputs": { "image": "cat.png" } } }
//! ```

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::graph::Node;

const CODE: Code = Code::new("graph::unused_node");

pub(crate) fn new(node: &Node) -> Diagnostic {
    Diagnostic::warning(CODE, Class::Graph, format!("`{}` is not run: no output needs it", node.id))
        .label(node.id_span, "not run")
        .about(&node.id, "")
}

#[cfg(test)]
mod tests {
    use crate::testing::one;

    #[test]
    fn beside_a_graph_that_runs() {
        let text = r#"{ "photo": { "class_type": "LoadImage", "inputs": { "image": "a.png" } },
            "save": { "class_type": "SaveImage", "inputs": { "images": ["photo", 0] } },
            "vgg": { "class_type": "VGGFeatures" } }"#;
        let found = one(text, "graph::unused_node");
        assert_eq!(found.message, "`vgg` is not run: no output needs it");
        assert_eq!(found.labelled, [r#""vgg""#]);
        assert_eq!(crate::testing::codes(text), ["graph::unused_node"]);
    }
}
