use jsonc_parser::ast::{Object, Value};

use super::members::{self, Of};
use crate::diagnostic::Diagnostic;
use crate::editor;
use crate::graph::Beside;

/// How many envelopes may be in each other: of a service, of a history, of a request.
const MOST: usize = 3;

/// The graph in `{"prompt": {...}, "client_id": ...}`, or the object itself if it is no envelope. What else an envelope
/// has is beside the graph.
pub(super) fn open<'a>(
    mut object: &'a Object<'a>,
    beside: &mut Vec<Beside>,
    problems: &mut Vec<Diagnostic>,
) -> &'a Object<'a> {
    let Some(depth) = (0..=MOST).find(|&depth| opened(object, depth).is_some_and(is_graph)) else {
        return object;
    };
    for _ in 0..depth {
        let Some((name, graph)) = inside(object) else { break };
        for member in members::unique(object, Of::Object, problems) {
            // The graph is not ignored, but its envelope is.
            if member.name == name || !(member.name.starts_with('$') || member.name.starts_with("x-")) {
                beside.push(Beside { name: member.name.to_owned(), span: member.name_span });
            }
        }
        object = graph;
    }
    object
}

/// Whether a member of a graph that has no `class_type` is none of its nodes, but what a request has beside the graph.
pub(super) fn is_beside(name: &str, value: &Value<'_>) -> bool {
    editor::is_beside(name) && !is_node(value)
}

/// What is inside that many envelopes.
fn opened<'a>(object: &'a Object<'a>, depth: usize) -> Option<&'a Object<'a>> {
    (0..depth).try_fold(object, |object, _| inside(object).map(|(_, graph)| graph))
}

/// What may be a graph in an envelope, and the name of its member. A graph may have a node `prompt`, so an envelope has
/// no nodes beside it. An envelope of one member may have any name: a history calls it by the number of a run.
fn inside<'a>(object: &'a Object<'a>) -> Option<(&'a str, &'a Object<'a>)> {
    if is_graph(object) {
        return None;
    }
    let named = |name: &&str| object.properties.iter().find(|member| member.name.as_str() == *name);
    let known = editor::ENVELOPES.iter().filter_map(named);
    let only = object.properties.first().filter(|_| object.properties.len() == 1);
    let mut inner =
        known.chain(only).filter_map(|member| Some((member.name.as_str(), content(&member.value)?)));
    let first = inner.clone().next();
    inner.find(|(_, graph)| is_graph(graph)).or(first)
}

/// The content of an envelope. In a history it is one item of a list.
fn content<'a>(value: &'a Value<'a>) -> Option<&'a Object<'a>> {
    match value {
        Value::Object(object) => Some(object),
        Value::Array(array) => {
            let mut objects = array.elements.iter().filter_map(|item| item.as_object());
            objects.find(|object| is_graph(object))
        }
        _ => None,
    }
}

/// Whether an object has nodes, in this form or in the editor's.
fn is_graph(object: &Object<'_>) -> bool {
    object.properties.iter().any(|member| is_node(&member.value)) || object.get_array("nodes").is_some()
}

fn is_node(value: &Value<'_>) -> bool {
    value.as_object().is_some_and(|object| object.get_string("class_type").is_some())
}

#[cfg(test)]
mod tests {
    use crate::testing::{codes, one};
    use crate::{Form, Source, parse};

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
            (format!(r#"{{ "prompt": [7, "id", {NODES}, {{ "client_id": "x" }}, ["save"]] }}"#), "`prompt`"),
            (
                format!(r#"{{ "5e2f": {{ "prompt": [7, "id", {NODES}, {{}}], "outputs": {{}} }} }}"#),
                "`5e2f`, `prompt`, `outputs`",
            ),
            (format!(r#"{{ "input": {{ "workflow": {NODES} }} }}"#), "`input`, `workflow`"),
            (NODES.replacen('{', r#"{ "client_id": "x", "extra_data": {},"#, 1), "`client_id`, `extra_data`"),
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
    fn an_envelope_may_have_the_editors_own_form() {
        let text = r#"{ "workflow": { "nodes": [{ "id": 3, "type": "Blur" }], "links": [] } }"#;
        let (graph, problems) = parse(&Source::new("g.json", text));
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!((graph.form, graph.nodes[0].id.as_str()), (Form::Editor, "3"));
        assert!(
            !codes(r#"{ "photo": { "class_type": "LoadImage" }, "x": NaN }"#).contains(&"graph::editors_own")
        );
    }
}
