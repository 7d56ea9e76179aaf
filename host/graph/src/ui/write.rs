//! A graph as the editor's own form.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use super::layout::layout;
use super::widgets::to_widget;
use crate::check::{Means, meaning};
use crate::graph::{Graph, Input, InputValue, LinkRef, Node, OutputRef};
use crate::kinds::{KindInfo, Kinds, Port};
use crate::params::{Format, Param, ParamType, check_param};
use crate::varying::Varying;

/// How many inputs an editor shows of a port that takes any number of links, unless more are linked.
pub const MANY_SLOTS: usize = 8;

/// The largest integer that JavaScript has exactly.
const EXACT: u64 = 9_007_199_254_740_991;

/// What an editor calls the types of a port: `IMAGE`, or `IMAGE,MASK` if it takes several.
pub fn port_type(port: &Port) -> String {
    port.types.join(",")
}

/// An input or an output as the editor draws it.
struct Slot<'g> {
    name: String,
    ty: String,
    is_widget: bool,
    link: Option<&'g LinkRef>,
}

impl Graph {
    /// The graph in the editor's own form, with a place for each node. A node of an unknown kind has its links alone.
    pub fn to_ui(&self, kinds: &Kinds) -> Value {
        let ids: HashMap<&str, usize> =
            self.nodes.iter().enumerate().map(|(index, node)| (node.id.as_str(), index)).collect();
        let kind = |index: usize| kinds.get(&self.nodes[index].kind).map(|kind| &**kind);
        let slots: Vec<Vec<Slot<'_>>> =
            (0..self.nodes.len()).map(|index| slots(&self.nodes[index], kind(index), &ids)).collect();

        let mut links = Vec::new();
        let mut joined = Vec::new();
        // The links into the slots of each node, and from the outputs of each.
        let mut into: Vec<Vec<Value>> = slots.iter().map(|slots| vec![Value::Null; slots.len()]).collect();
        let mut from: Vec<BTreeMap<usize, Vec<Value>>> = vec![BTreeMap::new(); self.nodes.len()];
        for (index, slots) in slots.iter().enumerate() {
            for (place, slot) in slots.iter().enumerate() {
                let Some((source, output)) = slot.link.and_then(|link| followed(link, &ids, kind)) else {
                    continue;
                };
                let id = json!(links.len() + 1);
                let port = kind(source).and_then(|kind| kind.outputs.get(output));
                let ty = port.map_or_else(|| "*".to_owned(), port_type);
                let (origin, target) = (number(&self.nodes[source].id), number(&self.nodes[index].id));
                links.push(json!([id, origin, output, target, place, ty]));
                joined.push((source, index));
                into[index][place] = id.clone();
                from[source].entry(output).or_default().push(id);
            }
        }

        let sizes: Vec<[f64; 2]> =
            slots.iter().enumerate().map(|(index, slots)| size(slots.len(), kind(index))).collect();
        let layout = layout(&sizes, &joined);
        let nodes = self.nodes.iter().enumerate().map(|(index, node)| {
            let inputs = slots[index].iter().zip(&into[index]).map(|(slot, link)| {
                let mut entry = json!({ "name": slot.name, "type": slot.ty, "link": link });
                if slot.is_widget {
                    entry["widget"] = json!({ "name": slot.name });
                }
                entry
            });
            let outputs = kind(index).map(|kind| kind.outputs.as_slice()).unwrap_or_default();
            let outputs = outputs.iter().enumerate().map(|(place, port)| {
                let links = from[index].get(&place);
                json!({ "name": port.name, "type": port_type(port), "links": links, "slot_index": place })
            });
            let mut entry = json!({
                "id": number(&node.id),
                "type": node.kind,
                "pos": layout.places[index],
                "size": sizes[index],
                "flags": {},
                "order": layout.order[index],
                "mode": 0,
                "inputs": inputs.collect::<Vec<_>>(),
                "outputs": outputs.collect::<Vec<_>>(),
                "properties": { "Node name for S&R": node.kind },
                "widgets_values": kind(index).map(|kind| widgets(node, kind, &ids)).unwrap_or_default(),
            });
            if let Some(title) = &node.title {
                entry["title"] = json!(title);
            }
            entry
        });
        let nodes: Vec<Value> = nodes.collect();
        let last = nodes.iter().filter_map(|node| node["id"].as_u64()).max().unwrap_or(0);
        json!({
            "last_node_id": last,
            "last_link_id": links.len(),
            "nodes": nodes,
            "links": links,
            "groups": [],
            "config": {},
            "extra": {},
            "version": 0.4,
        })
    }
}

/// The link of an input; two texts may be a list instead.
fn link<'g>(input: &'g Input, param: Option<&Param>, ids: &HashMap<&str, usize>) -> Option<&'g LinkRef> {
    let link = input.value.link()?;
    let is_list = matches!(link.output, OutputRef::Name(_))
        && param.is_some_and(Param::takes_list)
        && !ids.contains_key(link.node.as_str());
    (!is_list).then_some(link)
}

/// The node and the output that a link names, both by index.
fn followed<'k>(
    link: &LinkRef,
    ids: &HashMap<&str, usize>,
    kind: impl Fn(usize) -> Option<&'k KindInfo>,
) -> Option<(usize, usize)> {
    let node = *ids.get(link.node.as_str())?;
    let output = match &link.output {
        OutputRef::Index(index) => usize::try_from(*index).ok()?,
        OutputRef::Name(name) => kind(node)?.outputs.iter().position(|port| port.name == *name)?,
    };
    Some((node, output))
}

/// The ports of a node, then its params: which widgets there are is known from the file itself.
fn slots<'g>(node: &'g Node, kind: Option<&KindInfo>, ids: &HashMap<&str, usize>) -> Vec<Slot<'g>> {
    let slot = |name: &str, ty: String, is_widget, link| Slot { name: name.to_owned(), ty, is_widget, link };
    let Some(kind) = kind else {
        let linked = node.inputs.iter().filter_map(|input| Some((input, link(input, None, ids)?)));
        return linked.map(|(input, link)| slot(&input.name, "*".to_owned(), false, Some(link))).collect();
    };
    let mut ports: Vec<BTreeMap<usize, &LinkRef>> = vec![BTreeMap::new(); kind.inputs.len()];
    let mut params: Vec<Slot<'_>> = kind
        .params
        .list
        .iter()
        .map(|param| slot(&param.name, widget_type(param).to_owned(), true, None))
        .collect();
    for input in &node.inputs {
        match meaning(kind, &input.name) {
            Means::Port(port, place) => {
                if let Some(link) = link(input, None, ids) {
                    ports[port].insert(place, link);
                }
            }
            Means::Param(param) => {
                let link = link(input, Some(param), ids);
                params.iter_mut().filter(|slot| slot.name == param.name).for_each(|slot| slot.link = link);
            }
            Means::Ignored | Means::Unknown => {}
        }
    }
    let mut slots = Vec::new();
    for (port, links) in kind.inputs.iter().zip(ports) {
        if port.many {
            // Their order is what counts.
            let mut links = links.into_values();
            for place in 0..links.len().max(MANY_SLOTS) {
                let name = format!("{}.{place}", port.name);
                slots.push(slot(&name, port_type(port), false, links.next()));
            }
        } else {
            slots.push(slot(&port.name, port_type(port), false, links.into_values().next()));
        }
    }
    slots.extend(params);
    slots
}

/// The value of each param's widget, in the kind's order.
fn widgets(node: &Node, kind: &KindInfo, ids: &HashMap<&str, usize>) -> Vec<Value> {
    let value = |param: &Param| {
        let input = node.input(&param.name).filter(|input| link(input, Some(param), ids).is_none());
        let given = input.and_then(|input| match &input.value {
            InputValue::Literal(value) => Some(value.clone()),
            InputValue::List(items) => Some(Value::Array(items.clone())),
            InputValue::Link(LinkRef { node, output: OutputRef::Name(name), .. }) => {
                Some(json!([node, name]))
            }
            // The editor's own form has no such values: its widget has that of a run of one row.
            InputValue::Varying(varying) => match varying.as_ref() {
                Varying::Curve(curve) => Some(curve.value(curve.frames().0, &param.ty)),
                _ => None,
            },
            InputValue::Link(_) | InputValue::Unread => None,
        });
        let given = given.map(|value| check_param(param, &value).unwrap_or(value));
        // A linked widget has a value too, which means nothing.
        let value = given.or_else(|| param.default.clone()).unwrap_or_else(|| any_value(param));
        to_widget(param, &value)
    };
    kind.params.list.iter().map(value).collect()
}

/// Some value that a param may have.
fn any_value(param: &Param) -> Value {
    match param.ty {
        ParamType::Integer => json!(param.minimum.unwrap_or(0.0) as i64),
        ParamType::Number => json!(param.minimum.unwrap_or(0.0)),
        ParamType::String => json!(param.choices.first().map_or("", String::as_str)),
        ParamType::Boolean => json!(false),
        ParamType::Array(_) => json!([]),
    }
}

/// What an editor calls the type of a param's widget.
fn widget_type(param: &Param) -> &'static str {
    match param.ty {
        ParamType::Integer => "INT",
        ParamType::Number => "FLOAT",
        ParamType::String if !param.choices.is_empty() => "COMBO",
        ParamType::String | ParamType::Array(_) => "STRING",
        ParamType::Boolean => "BOOLEAN",
    }
}

/// An id as the editor has it: a number where it is one.
fn number(id: &str) -> Value {
    match id.parse::<u64>() {
        Ok(number) if number <= EXACT && number.to_string() == id => json!(number),
        _ => json!(id),
    }
}

/// Width and height below the title, in the editor's units: rows of 20 for slots and of 24 for widgets.
fn size(slots: usize, kind: Option<&KindInfo>) -> [f64; 2] {
    let Some(kind) = kind else { return [210.0, 30.0 + 20.0 * slots as f64] };
    let params = &kind.params.list;
    let inputs = slots.saturating_sub(params.len());
    let lines = |param: &Param| if param.multiline { 100.0 } else { 24.0 };
    let rows = 20.0 * inputs.max(kind.outputs.len()) as f64;
    let widgets: f64 = params.iter().map(lines).sum();
    // A picture is shown below what names or makes it.
    let names_picture = kind.inputs.is_empty() && params.iter().any(|p| p.format == Some(Format::File));
    let picture = if kind.output || names_picture { 220.0 } else { 0.0 };
    [if params.is_empty() { 210.0 } else { 315.0 }, 10.0 + rows + widgets + picture]
}
