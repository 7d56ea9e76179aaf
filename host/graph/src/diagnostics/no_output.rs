//! No node saves or shows anything, so there is nothing to run.
//!
//! ```json
//! { "photo": { "class_type": "LoadImage", "inputs": { "image": "cat.png" } } }
//! ```

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::graph::Node;
use crate::kinds::Kinds;

const CODE: Code = Code::new("graph::no_output");

/// `last` is a node whose outputs nothing uses.
pub(crate) fn new(last: Option<&Node>, kinds: &Kinds) -> Diagnostic {
    let outputs: Vec<String> =
        kinds.iter().filter(|kind| kind.output).map(|kind| format!("`{}`", kind.id)).collect();
    let hint = match outputs.as_slice() {
        [] => "no loaded plugin has a kind that saves or shows something".to_owned(),
        names => format!("add a node that saves or shows something: {}", names.join(", ")),
    };
    let problem =
        Diagnostic::error(CODE, Class::Graph, "nothing to run: no node saves or shows anything").hint(hint);
    match last {
        Some(node) => problem.label(node.id_span, "nothing uses what this gives").about(&node.id, ""),
        None => problem,
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::one;

    #[test]
    fn a_photo_and_nothing_else() {
        let found = one(r#"{ "vgg": { "class_type": "VGGFeatures" } }"#, "graph::no_output");
        assert_eq!(found.message, "nothing to run: no node saves or shows anything");
        assert_eq!(found.labelled, [r#""vgg""#]);
        assert_eq!(found.hint, "add a node that saves or shows something: `SaveImage`");
        assert!(one("{}", "graph::no_output").labelled.is_empty());
    }
}
