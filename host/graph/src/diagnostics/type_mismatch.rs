//! A link joins an output to an input that takes another type.
//!
//! ```json
//! { "save": { "class_type": "SaveImage", "inputs": { "images": ["photo", "MASK"] } } }
//! ```

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::graph::{Input, Node};
use crate::kinds::Port;

const CODE: Code = Code::new("graph::type_mismatch");

pub(crate) fn new(
    node: &Node,
    input: &Input,
    wants: &str,
    source: &Node,
    output: &Port,
    hint: Option<String>,
) -> Diagnostic {
    let gives = output.type_text();
    let message = format!(
        "`{}` of `{}` takes {wants}, but `{}` of `{}` is {gives}",
        input.name, node.id, output.name, source.id
    );
    Diagnostic::error(CODE, Class::Graph, message)
        .label(input.place(), format!("takes {wants}"))
        .label(source.kind_span, format!("gives {gives}"))
        .hint(hint.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use crate::testing::one;

    const PHOTO: &str = r#""photo": { "class_type": "LoadImage", "inputs": { "image": "a.png" } }"#;

    /// Faults: A14.
    #[test]
    fn another_output_fits() {
        let save = r#""save": { "class_type": "SaveImage", "inputs": { "images": ["photo", "MASK"] } }"#;
        let found = one(&format!("{{ {PHOTO}, {save} }}"), "graph::type_mismatch");
        assert_eq!(found.message, "`images` of `save` takes IMAGE, but `MASK` of `photo` is MASK");
        assert_eq!(found.labelled, [r#"["photo", "MASK"]"#, r#""LoadImage""#]);
        assert_eq!(found.hint, "`photo` has an output of that type: [\"photo\", \"IMAGE\"]");
    }

    /// Faults: A14.
    #[test]
    fn no_single_kind_goes_between() {
        // Two kinds make an IMAGE of FEATURES, so neither is named.
        let save = r#""save": { "class_type": "SaveImage", "inputs": { "images": ["vgg", 0] } }"#;
        let vgg = r#""vgg": { "class_type": "VGGFeatures" }"#;
        let found = one(&format!("{{ {vgg}, {save} }}"), "graph::type_mismatch");
        assert_eq!(found.hint, "");
        let dream = r#""dream": { "class_type": "SaveImage", "inputs": { "images": ["n", 0] } }"#;
        let n = r#""n": { "class_type": "Integer", "inputs": { "value": 1 } }"#;
        let found = one(&format!("{{ {n}, {dream} }}"), "graph::type_mismatch");
        assert_eq!(found.message, "`images` of `dream` takes IMAGE, but `INT` of `n` is INT");
    }

    #[test]
    fn a_scalar_into_a_param() {
        let vgg = r#""vgg": { "class_type": "VGGFeatures", "inputs": { "layers": ["n", 0] } }"#;
        let n = r#""n": { "class_type": "Integer", "inputs": { "value": 1 } }"#;
        let found = one(&format!("{{ {n}, {vgg} }}"), "graph::type_mismatch");
        assert_eq!(found.message, "`layers` of `vgg` takes STRING, but `INT` of `n` is INT");
    }
}
