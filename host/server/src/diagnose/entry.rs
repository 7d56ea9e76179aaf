//! One diagnostic as an error of a node.

use dreamwire_graph::{
    Diagnostic, Graph, Input, InputValue, KindInfo, Kinds, LinkRef, OutputRef, Port, Span,
};
use serde_json::{Map, Value, json};

use super::reach::Wires;
use crate::catalogue::{Listing, port_spec, spec};

/// A combo of more choices is not repeated in an error.
const MAX_CHOICES: usize = 20;

/// The node and the input that an error is about.
pub(super) struct Place {
    pub(super) node: usize,
    /// Empty: the node as a whole.
    input: String,
}

pub(super) fn lies_in(inner: Span, outer: Span) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// What a problem is about: what it says, or what lies at its place in the text.
pub(super) fn place(problem: &Diagnostic, graph: &Graph, wires: &Wires<'_>) -> Option<Place> {
    if let Some(subject) = &problem.subject {
        return Some(Place { node: wires.index(&subject.node)?, input: subject.input.clone() });
    }
    let span = problem.span()?;
    // The nodes are in the order of the text.
    let after = graph.nodes.partition_point(|node| node.span.start <= span.start);
    let node = after.checked_sub(1).filter(|node| lies_in(span, graph.nodes[*node].span))?;
    let is_there = |input: &&Input| {
        lies_in(span, input.name_span) || input.value_span.is_some_and(|value| lies_in(span, value))
    };
    let input = graph.nodes[node].inputs.iter().find(is_there).map(|input| input.name.clone());
    Some(Place { node, input: input.unwrap_or_default() })
}

/// What is allowed where that is a range, and the hint, without what only the command line knows: its settings, and
/// paths of this machine.
pub(super) fn details(problem: &Diagnostic) -> String {
    let code = problem.code.as_str();
    let allowed = problem.labels.first().filter(|_| code == "graph::param_range").map(|label| &*label.text);
    let hint = problem.hint.as_ref().filter(|hint| hint.setting.is_none()).map_or("", |hint| &*hint.text);
    let lines = hint.lines().filter(|line| !code.starts_with("world::") || line.starts_with("did you mean"));
    allowed.into_iter().chain(lines).collect::<Vec<_>>().join("\n")
}

/// `{type, message, details, extra_info}` of a problem with a node.
pub(super) fn error(
    problem: &Diagnostic,
    place: &Place,
    graph: &Graph,
    kinds: &Kinds,
    wires: &Wires<'_>,
) -> Value {
    let node = &graph.nodes[place.node];
    let kind = kinds.get(&node.kind).map(|kind| &**kind);
    let config = kind.and_then(|kind| config(kind, &place.input));
    let input = node.inputs.iter().find(|input| input.name == place.input);
    let received = input.map_or(Value::Null, received);
    let is_picture = config.as_ref().is_some_and(|config| config[1]["image_upload"] == true);
    let ty = type_of(problem, config.as_ref(), &received);

    let mut info = Map::new();
    match ty {
        "dependency_cycle" => {
            let cycle = wires.cycle(place.node).into_iter().map(|index| json!(graph.nodes[index].id));
            info.insert("node_id".to_owned(), json!(node.id));
            info.insert("cycle_nodes".to_owned(), cycle.collect());
        }
        _ if place.input.is_empty() => {}
        "required_input_missing" => {
            info.insert("input_name".to_owned(), json!(socket(kind, &place.input)));
        }
        _ => {
            info.insert("input_name".to_owned(), json!(socket(kind, &place.input)));
            info.insert("input_config".to_owned(), config.filter(is_short).unwrap_or_default());
            info.insert("received_value".to_owned(), received);
        }
    }
    if let ("return_type_mismatch", Some(InputValue::Link(link))) = (ty, input.map(|input| &input.value)) {
        info.insert("received_type".to_owned(), json!(given(link, graph, kinds, wires)));
        info.insert("linked_node".to_owned(), json!([link.node, output(link)]));
    }
    let message = match ty {
        // By these words the editor knows that a picture is missing.
        "custom_validation_failed" if problem.code.as_str() == "world::file" && is_picture => {
            format!("Invalid image file: {}", problem.message)
        }
        _ => problem.message.clone(),
    };
    json!({ "type": ty, "message": message, "details": details(problem), "extra_info": info })
}

/// ComfyUI's type for a problem, or the code of one that it does not know.
fn type_of(problem: &Diagnostic, config: Option<&Value>, received: &Value) -> &'static str {
    match problem.code.as_str() {
        "graph::required_input" => "required_input_missing",
        "graph::missing_node" | "graph::missing_output" | "graph::not_a_link" => "bad_linked_input",
        "graph::literal_for_port" | "graph::two_links" => "bad_linked_input",
        // A list may stand for a link or for a value.
        "graph::bare_array" => match config.and_then(|config| config[1].get("default")) {
            Some(_) => "invalid_input_type",
            None => "bad_linked_input",
        },
        "graph::type_mismatch" => "return_type_mismatch",
        "graph::param_type" | "graph::object_value" | "graph::number" => "invalid_input_type",
        "graph::param_choice" => "value_not_in_list",
        "graph::param_value" | "world::file" => "custom_validation_failed",
        "graph::cycle" => "dependency_cycle",
        "graph::param_range" => {
            let least = config.and_then(|config| config[1].get("min")?.as_f64());
            let is_small = received.as_f64().zip(least).is_some_and(|(received, least)| received < least);
            if is_small { "value_smaller_than_min" } else { "value_bigger_than_max" }
        }
        other => other,
    }
}

/// The spec of an input; files are left out of it.
fn config(kind: &KindInfo, input: &str) -> Option<Value> {
    if let Some(param) = kind.params.get(input) {
        return Some(spec(param, &Listing::default()));
    }
    let base = input.rsplit_once('.').map_or(input, |(base, _)| base);
    let named = |port: &&Port| port.name == input || (port.many && port.name == base);
    kind.inputs.iter().find(named).map(port_spec)
}

fn is_short(config: &Value) -> bool {
    config[1]["options"].as_array().is_none_or(|options| options.len() <= MAX_CHOICES)
}

/// The name of an input as the editor has it: a port that takes many links has numbered sockets.
fn socket(kind: Option<&KindInfo>, input: &str) -> String {
    let is_many = kind.is_some_and(|kind| kind.inputs.iter().any(|port| port.many && port.name == input));
    if is_many { format!("{input}.0") } else { input.to_owned() }
}

fn received(input: &Input) -> Value {
    match &input.value {
        InputValue::Link(link) => json!([link.node, output(link)]),
        InputValue::Literal(value) => value.clone(),
        InputValue::List(items) => json!(items),
        InputValue::Varying(_) | InputValue::Unread => Value::Null,
    }
}

fn output(link: &LinkRef) -> Value {
    match &link.output {
        OutputRef::Index(index) => json!(index),
        OutputRef::Name(name) => json!(name),
    }
}

/// The types of the output that a link names.
fn given(link: &LinkRef, graph: &Graph, kinds: &Kinds, wires: &Wires<'_>) -> Option<String> {
    let node = &graph.nodes[wires.index(&link.node)?];
    let kind = kinds.get(&node.kind)?;
    let port = match &link.output {
        OutputRef::Index(index) => kind.outputs.get(usize::try_from(*index).ok()?),
        OutputRef::Name(name) => kind.outputs.iter().find(|port| port.name == *name),
    };
    Some(port?.types.join(","))
}
