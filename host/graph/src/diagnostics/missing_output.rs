//! A link names an output that its node does not have.
//!
//! ```json
//! { "save": { "class_type": "SaveImage", "inputs": { "images": ["photo", 2] } } }
//! ```

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::graph::{LinkRef, OutputRef};
use crate::kinds::KindInfo;
use crate::suggest::{did_you_mean, lines};

const CODE: Code = Code::new("graph::missing_output");

pub(crate) fn new(link: &LinkRef, kind: &KindInfo) -> Diagnostic {
    let (output, meant) = match &link.output {
        OutputRef::Index(index) => (index.to_string(), None),
        OutputRef::Name(name) => {
            let names = kind.outputs.iter().map(|port| port.name.as_str());
            (format!("`{name}`"), did_you_mean(name, names))
        }
    };
    let list: Vec<String> =
        kind.outputs.iter().enumerate().map(|(index, port)| format!("{index} {}", port.shown())).collect();
    let list = match list.is_empty() {
        true => format!("`{}` has no outputs", kind.id),
        false => format!("outputs of `{}`: {}", kind.id, list.join(", ")),
    };
    Diagnostic::error(CODE, Class::Graph, format!("`{}` has no output {output}", link.node))
        .label(link.output_span, "no such output")
        .hint(lines([meant, Some(list)]))
}

#[cfg(test)]
mod tests {
    use crate::testing::one;

    /// Faults: A13.
    #[test]
    fn by_index_and_by_name() {
        let check = |output: &str| {
            let text = format!(
                r#"{{ "photo": {{ "class_type": "LoadImage", "inputs": {{ "image": "a.png" }} }},
                     "save": {{ "class_type": "SaveImage", "inputs": {{ "images": ["photo", {output}] }} }} }}"#
            );
            one(&text, "graph::missing_output")
        };
        let found = check("2");
        assert_eq!(found.message, "`photo` has no output 2");
        assert_eq!(found.labelled, ["2"]);
        assert_eq!(found.hint, "outputs of `LoadImage`: 0 `IMAGE` (IMAGE), 1 `MASK` (MASK)");
        let found = check(r#""image""#);
        assert_eq!(found.message, "`photo` has no output `image`");
        assert!(found.hint.starts_with("did you mean `IMAGE`\n"));
    }
}
