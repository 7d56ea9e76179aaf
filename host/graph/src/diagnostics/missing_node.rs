//! A link to a node that does not exist.
//!
//! ```json
//! { "save": { "class_type": "SaveImage", "inputs": { "images": ["foto", 0] } } }
//! ```

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::graph::LinkRef;
use crate::suggest::{did_you_mean, lines};

const CODE: Code = Code::new("graph::missing_node");

/// Up to how many nodes a message lists.
const FEW: usize = 12;

pub(crate) fn new(link: &LinkRef, names: &[&str]) -> Diagnostic {
    let id = &link.node;
    let meant = if id.starts_with('$') || id.starts_with("x-") {
        Some("what starts with `$` or `x-` is not a node".to_owned())
    } else {
        did_you_mean(id, names.iter().copied())
    };
    Diagnostic::error(CODE, Class::Graph, format!("there is no node `{id}`"))
        .label(link.node_span, "no such node")
        .hint(lines([meant, list(names)]))
}

/// The existing nodes, if they are few.
pub(crate) fn list(names: &[&str]) -> Option<String> {
    (1..=FEW).contains(&names.len()).then(|| {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        format!("nodes: {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::one;

    /// Faults: A13.
    #[test]
    fn a_slip() {
        let text = r#"{
            "photo": { "class_type": "LoadImage", "inputs": { "image": "a.png" } },
            "save": { "class_type": "SaveImage", "inputs": { "images": ["phto", 0] } } }"#;
        let found = one(text, "graph::missing_node");
        assert_eq!(found.message, "there is no node `phto`");
        assert_eq!(found.labelled, [r#""phto""#]);
        assert_eq!(found.hint, "did you mean `photo`\nnodes: `photo`, `save`");
    }
}
