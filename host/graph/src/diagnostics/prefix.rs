//! The name of an output has something between `%` that is not known, or whose value is not.
//!
//! ```json
//! { "save": { "class_type": "SaveImage", "inputs": { "images": ["photo", 0], "filename_prefix": "%yaer%" } } }
//! ```

use crate::checked::CheckedNode;
use crate::diagnostic::{Class, Code, Diagnostic};
use crate::diagnostics::missing_node;
use crate::prefix::{PICTURE, TIMES};
use crate::suggest::{did_you_mean, lines};

const CODE: Code = Code::new("graph::prefix");

fn new(node: &CheckedNode, param: &str, message: String, hint: String) -> Diagnostic {
    let (span, label) = node.place(param);
    Diagnostic::error(CODE, Class::Graph, message).label(span, label).hint(hint).about(&node.id, param)
}

pub(crate) fn unknown(node: &CheckedNode, param: &str, token: &str) -> Diagnostic {
    let names = || TIMES.into_iter().chain(PICTURE);
    let list: Vec<String> = names().map(|name| format!("`%{name}%`")).collect();
    let known = format!("known: {}, `%date:yyyy-MM-dd%`, `%node.param%`", list.join(", "));
    let hint = lines([did_you_mean(token, names()), Some(known)]);
    new(node, param, format!("`%{token}%` in `{param}` is not known"), hint)
}

pub(crate) fn date(node: &CheckedNode, param: &str, token: &str, part: &str) -> Diagnostic {
    let hint = "known: `yyyy`, `yy`, `MM`, `M`, `dd`, `d`, `HH`, `H`, `hh`, `h`, `mm`, `m`, `ss`, `s`";
    new(node, param, format!("`{part}` in `%{token}%` is not a part of a date"), hint.to_owned())
}

/// `names` are the ids of all nodes.
pub(crate) fn no_node(node: &CheckedNode, param: &str, token: &str, id: &str, names: &[&str]) -> Diagnostic {
    let hint = lines([did_you_mean(id, names.iter().copied()), missing_node::list(names)]);
    new(node, param, format!("there is no node `{id}` for `%{token}%` in `{param}`"), hint)
}

pub(crate) fn no_param(
    node: &CheckedNode,
    param: &str,
    token: &str,
    other: &CheckedNode,
    name: &str,
) -> Diagnostic {
    if other.linked_params.iter().any(|(linked, _)| linked == name) {
        let message =
            format!("`{name}` of `{}` comes over a link, so `%{token}%` has no value yet", other.id);
        return new(node, param, message, String::new());
    }
    let names = || other.kind.params.list.iter().map(|param| param.name.as_str());
    let list: Vec<String> = names().map(|name| format!("`{name}`")).collect();
    let known = (!list.is_empty()).then(|| format!("params of `{}`: {}", other.kind.id, list.join(", ")));
    let message = format!("`{}` has no param `{name}` for `%{token}%` in `{param}`", other.id);
    new(node, param, message, lines([did_you_mean(name, names()), known]))
}

#[cfg(test)]
mod tests {
    use crate::testing::one;

    fn saved(prefix: &str) -> String {
        format!(
            r#"{{ "photo": {{ "class_type": "LoadImage", "inputs": {{ "image": "a.png" }} }},
            "dream": {{ "class_type": "GradientAscent", "inputs": {{ "image": ["photo", 0],
                "objective": ["vgg", 0], "seed": ["n", 0] }} }},
            "vgg": {{ "class_type": "VGGFeatures" }},
            "n": {{ "class_type": "Integer", "inputs": {{ "value": 3 }} }},
            "save": {{ "class_type": "SaveImage",
                "inputs": {{ "images": ["dream", 0], "filename_prefix": "{prefix}" }} }} }}"#
        )
    }

    #[test]
    fn what_is_not_known_is_told_with_what_is() {
        let found = one(&saved("a/%yaer%"), "graph::prefix");
        assert_eq!(found.message, "`%yaer%` in `filename_prefix` is not known");
        assert_eq!(found.labelled, [r#""a/%yaer%""#]);
        assert!(
            found.hint.starts_with("did you mean `year`\nknown: `%year%`, `%month%`, "),
            "{}",
            found.hint
        );
        for (prefix, message) in [
            ("%date%", "`%date%` in `filename_prefix` is not known"),
            ("%date:YYYY%", "`YYYY` in `%date:YYYY%` is not a part of a date"),
            ("%phto.image%", "there is no node `phto` for `%phto.image%` in `filename_prefix`"),
            ("%photo.imag%", "`photo` has no param `imag` for `%photo.imag%` in `filename_prefix`"),
            ("%dream.seed%", "`seed` of `dream` comes over a link, so `%dream.seed%` has no value yet"),
        ] {
            assert_eq!(one(&saved(prefix), "graph::prefix").message, message);
        }
        assert!(one(&saved("%photo.imag%"), "graph::prefix").hint.starts_with("did you mean `image`"));
    }
}
