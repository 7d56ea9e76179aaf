//! A node is given an input that its kind does not have.
//!
//! ```json
//! { "save": { "class_type": "SaveImage", "inputs": { "imags": ["photo", 0] } } }
//! ```

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::graph::Input;
use crate::kinds::KindInfo;
use crate::suggest::{did_you_mean, lines};

const CODE: Code = Code::new("graph::unknown_input");

pub(crate) fn new(input: &Input, kind: &KindInfo) -> Diagnostic {
    let list = kind.list_inputs();
    let list = match list.is_empty() {
        true => format!("`{}` has no inputs", kind.id),
        false => format!("inputs of `{}`: {list}", kind.id),
    };
    let single = input.name.rsplit_once('.').filter(|(base, place)| {
        place.parse::<usize>().is_ok() && kind.inputs.iter().any(|port| port.name == *base)
    });
    let meant = match single {
        Some((base, _)) => Some(format!("`{base}` takes one link: write `{base}`")),
        None => did_you_mean(&input.name, kind.input_names()),
    };
    Diagnostic::error(CODE, Class::Graph, format!("`{}` has no input `{}`", kind.id, input.name))
        .label(input.name_span, "not an input")
        .hint(lines([meant, Some(list)]))
}

#[cfg(test)]
mod tests {
    use crate::testing::one;

    /// Faults: A10.
    #[test]
    fn a_slip_and_an_index() {
        let text = r#"{ "save": { "class_type": "SaveImage", "inputs": { "imags": ["save", 0] } } }"#;
        let found = one(text, "graph::unknown_input");
        assert_eq!(found.message, "`SaveImage` has no input `imags`");
        assert_eq!(found.labelled, [r#""imags""#]);
        assert_eq!(
            found.hint,
            "did you mean `images`\ninputs of `SaveImage`: `images` (IMAGE), `filename_prefix`"
        );
        let text = r#"{ "save": { "class_type": "SaveImage", "inputs": { "images.0": ["save", 0] } } }"#;
        assert!(
            one(text, "graph::unknown_input").hint.starts_with("`images` takes one link: write `images`")
        );
    }
}
