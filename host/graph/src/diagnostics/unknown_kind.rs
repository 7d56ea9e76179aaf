//! No loaded plugin has the kind of a node.
//!
//! ```json
//! { "photo": { "class_type": "LoadImag" } }
//! ```

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::graph::Node;
use crate::kinds::Kinds;
use crate::suggest::{did_you_mean, lines};

const CODE: Code = Code::new("graph::unknown_kind");

pub(crate) fn new(node: &Node, kinds: &Kinds) -> Diagnostic {
    let giver = kinds.known.iter().find(|(kind, _)| *kind == node.kind);
    let hint = match giver {
        Some((_, plugin)) => Some(format!("it comes with the plugin `{plugin}`, which was not found")),
        None => did_you_mean(&node.kind, kinds.iter().map(|kind| kind.id.as_str())),
    };
    let searched = match kinds.searched.as_slice() {
        [] => "no folder was searched for plugins".to_owned(),
        folders => format!("searched: {}", folders.join(", ")),
    };
    Diagnostic::error(CODE, Class::Plugin, format!("unknown kind `{}`", node.kind))
        .label(node.kind_span, "no plugin has this kind")
        .hint(lines([hint, Some(searched)]))
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
}
