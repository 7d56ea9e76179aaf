//! No loaded plugin has the kind of a node.
//!
//! ```json
//! { "photo": { "class_type": "LoadImag" } }
//! ```

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::graph::Node;
use crate::kinds::Kinds;
use crate::suggest::lines;

const CODE: Code = Code::new("graph::unknown_kind");

pub(crate) fn new(node: &Node, kinds: &Kinds) -> Diagnostic {
    let searched = match kinds.searched.as_slice() {
        [] => "no folder was searched for plugins".to_owned(),
        folders => format!("searched: {}", folders.join(", ")),
    };
    Diagnostic::error(CODE, Class::Plugin, format!("unknown kind `{}`", node.kind))
        .label(node.kind_span, "no plugin has this kind")
        .hint(lines([kinds.hint(&node.kind), Some(searched)]))
}

#[cfg(test)]
mod tests {
    use crate::testing::one;

    #[test]
    fn a_slip_and_a_missing_plugin() {
        let found = one(r#"{ "photo": { "class_type": "LoadImag" } }"#, "graph::unknown_kind");
        assert_eq!(found.message, "unknown kind `LoadImag`");
        assert_eq!(found.labelled, [r#""LoadImag""#]);
        assert_eq!(found.hint, "did you mean `LoadImage`\nsearched: plugins");
        let found = one(r#"{ "mix": { "class_type": "StyleMix" } }"#, "graph::unknown_kind");
        let plugin = "it comes with the plugin `dreamwire_stylegan`, which was not found";
        assert_eq!(found.hint, format!("{plugin}\nsearched: plugins"));
    }

    #[test]
    fn a_kind_of_another_program() {
        for kind in ["Note", "KSampler", "KSamplerAdvanced", "LoadImageOutput"] {
            let found = one(&format!(r#"{{ "it": {{ "class_type": "{kind}" }} }}"#), "graph::unknown_kind");
            let said = if kind == "Note" { "not a step" } else { "use `Blur`" };
            let said = if kind == "LoadImageOutput" { "did you mean `LoadImage`" } else { said };
            assert_eq!(found.hint, format!("{said}\nsearched: plugins"), "{kind}");
        }
        // `Note` is a whole name, so that this is a misspelt kind of ours.
        let found = one(r#"{ "it": { "class_type": "Notes" } }"#, "graph::unknown_kind");
        assert_eq!(found.hint, "searched: plugins");
    }
}
