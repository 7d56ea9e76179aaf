//! What an editor wrote beside the graph is ignored. A warning, one for the whole file.
//!
//! ```json
//! { "photo": { "class_type": "LoadImage", "inputs": { "image": "cat.png", "upload": "image" }, "is_changed": [1] } }
//! ```

use std::collections::BTreeSet;

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::graph::Beside;

const CODE: Code = Code::new("graph::editors_own");

/// How many names a message has; an envelope may have any number.
const MAX_NAMES: usize = 8;

/// The note on all of it; none if there is nothing.
pub(crate) fn new(beside: &[Beside]) -> Option<Diagnostic> {
    let first = beside.iter().min_by_key(|found| found.span)?;
    let mut sorted: Vec<&Beside> = beside.iter().collect();
    sorted.sort_by_key(|found| found.span);
    let mut seen = BTreeSet::new();
    let names: Vec<String> = sorted
        .iter()
        .filter(|found| seen.insert(found.name.as_str()))
        .map(|found| format!("`{}`", found.name))
        .collect();
    let more = if names.len() > MAX_NAMES { ", ..." } else { "" };
    let list = names.iter().take(MAX_NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
    let message = format!("ignored, because only ComfyUI needs it: {list}{more}");
    let label = if beside.len() == 1 { "ignored" } else { "the first of them" };
    Some(Diagnostic::warning(CODE, Class::Graph, message).label(first.span, label))
}

#[cfg(test)]
mod tests {
    use crate::testing::{codes, one};

    #[test]
    fn what_comfyui_adds_to_nodes_is_one_note() {
        let text = r#"{
            "photo": { "class_type": "LoadImage", "is_changed": [NaN, "ad56109807a1"], "inputs": {
                "image": "a.png", "choose file to upload": "image", "upload": "image", "image_upload": true,
                "audioUI": "", "videopreview": { "hidden": false } } },
            "dream": { "class_type": "GradientAscent", "is_changed": "x", "inputs": { "image": ["photo", 0],
                "objective": ["vgg", 0], "seed": 7, "control_after_generate": "randomize" } },
            "vgg": { "class_type": "VGGFeatures" },
            "save": { "class_type": "SaveImage", "inputs": { "images": ["dream", 0] } } }"#;
        assert_eq!(codes(text), ["graph::editors_own"]);
        let found = one(text, "graph::editors_own");
        assert_eq!(
            found.message,
            "ignored, because only ComfyUI needs it: `is_changed`, `choose file to upload`, `upload`, \
             `image_upload`, `audioUI`, `videopreview`, `control_after_generate`"
        );
        assert_eq!(found.labelled, [r#""is_changed""#]);
    }

    #[test]
    fn other_names_are_still_errors() {
        for (input, code) in [
            (r#""uploads": 1"#, "graph::unknown_input"),
            (r#""control_after": "fixed""#, "graph::unknown_input"),
            (r#""mode": { "a": 1 }"#, "graph::object_value"),
            (r#""upload": NaN"#, "graph::syntax"),
        ] {
            let text = format!(
                r#"{{ "photo": {{ "class_type": "LoadImage", "inputs": {{ "image": "a.png", {input} }} }},
                "save": {{ "class_type": "SaveImage", "inputs": {{ "images": ["photo", 0] }} }} }}"#
            );
            assert!(codes(&text).contains(&code), "{input}: {:?}", codes(&text));
        }
    }
}
