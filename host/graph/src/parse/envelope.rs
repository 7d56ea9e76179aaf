use jsonc_parser::ast::{Object, Value};

use super::members::{self, Of};
use crate::diagnostic::Diagnostic;
use crate::editor;
use crate::graph::Beside;

/// The graph in `{"prompt": {...}, "client_id": ...}`, or the object itself if it is no envelope. What else an envelope
/// has is beside the graph.
pub(super) fn open<'a>(
    object: &'a Object<'a>,
    beside: &mut Vec<Beside>,
    problems: &mut Vec<Diagnostic>,
) -> &'a Object<'a> {
    let Some((name, graph)) = inside(object) else { return object };
    for member in members::unique(object, Of::Object, problems) {
        // The letter is not lost, but its envelope is: it counts as ignored.
        if member.name == name || !(member.name.starts_with('$') || member.name.starts_with("x-")) {
            beside.push(Beside { name: member.name.to_owned(), span: member.name_span });
        }
    }
    graph
}

/// The graph in an envelope and the name of its member. A graph may have a node `prompt`, so an envelope has no nodes
/// beside it.
fn inside<'a>(object: &'a Object<'a>) -> Option<(&'static str, &'a Object<'a>)> {
    if object.properties.iter().any(|property| is_node(&property.value)) {
        return None;
    }
    let named = editor::ENVELOPES.into_iter().filter_map(|name| Some((name, object.get_object(name)?)));
    let mut graphs = named.filter(|(_, graph)| {
        let has_node = graph.properties.iter().any(|property| is_node(&property.value));
        has_node || graph.get_array("nodes").is_some()
    });
    graphs.next()
}

fn is_node(value: &Value<'_>) -> bool {
    value.as_object().is_some_and(|object| object.get_string("class_type").is_some())
}

#[cfg(test)]
mod tests {
    use crate::testing::{codes, one};
    use crate::{Source, parse};

    const NODES: &str = r#"{ "photo": { "class_type": "LoadImage", "inputs": { "image": "a.png" } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["photo", 0] } } }"#;

    #[test]
    fn a_graph_in_an_envelope_is_taken_out() {
        let bare = parse(&Source::new("g.json", NODES)).0;
        for (text, names) in [
            (format!(r#"{{ "prompt": {NODES} }}"#), "`prompt`"),
            (format!(r#"{{ "client_id": "x", "prompt": {NODES} }}"#), "`client_id`, `prompt`"),
            (
                format!(
                    r#"{{ "prompt": {NODES}, "extra_data": {{ "extra_pnginfo": [NaN] }}, "front": true }}"#
                ),
                "`prompt`, `extra_data`, `front`",
            ),
            (format!(r#"{{ "workflow": {{ "nodes": [] }}, "output": {NODES} }}"#), "`workflow`, `output`"),
            (format!(r#"{{ "workflow": {{ "nodes": [NaN] }}, "prompt": {NODES} }}"#), "`workflow`, `prompt`"),
            (format!(r#"{{ "$schema": "s", "prompt": {NODES} }}"#), "`prompt`"),
        ] {
            let (graph, problems) = parse(&Source::new("g.json", text.as_str()));
            assert!(problems.is_empty(), "{text}: {problems:?}");
            let ids =
                |graph: &crate::Graph| graph.nodes.iter().map(|node| node.id.clone()).collect::<Vec<_>>();
            assert_eq!(ids(&graph), ids(&bare), "{text}");
            assert_eq!(codes(&text), ["graph::editors_own"], "{text}");
            let message = one(&text, "graph::editors_own").message;
            assert_eq!(message, format!("ignored, because only ComfyUI needs it: {names}"));
        }
    }

    #[test]
    fn a_node_may_be_called_prompt() {
        let text = r#"{ "prompt": { "class_type": "LoadImage", "inputs": { "image": "a.png" } },
            "save": { "class_type": "SaveImage", "inputs": { "images": ["prompt", 0] } } }"#;
        assert!(codes(text).is_empty(), "{:?}", codes(text));
        let text = r#"{ "prompt": { "inputs": { "image": "a.png" } },
            "save": { "class_type": "SaveImage", "inputs": { "images": ["prompt", 0] } } }"#;
        assert!(codes(text).contains(&"graph::not_text"));
    }

    #[test]
    fn an_envelope_with_the_editors_own_form_says_so() {
        assert!(codes(r#"{ "workflow": { "nodes": [], "links": [] } }"#).contains(&"graph::ui_format"));
        assert!(
            !codes(r#"{ "photo": { "class_type": "LoadImage" }, "x": NaN }"#).contains(&"graph::editors_own")
        );
    }
}
