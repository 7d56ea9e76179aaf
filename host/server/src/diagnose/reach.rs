//! Which nodes of a graph depend on which. Nothing here recurses: a chain may be as long as a graph.

use std::collections::HashMap;

use dreamwire_graph::Graph;
use serde_json::{Map, Value};

/// The links of a graph, by indices of nodes.
pub(super) struct Wires<'g> {
    ids: HashMap<&'g str, usize>,
    from: Vec<Vec<usize>>,
    to: Vec<Vec<usize>>,
}

impl<'g> Wires<'g> {
    pub(super) fn new(graph: &'g Graph) -> Self {
        let ids: HashMap<&'g str, usize> =
            graph.nodes.iter().enumerate().map(|(index, node)| (node.id.as_str(), index)).collect();
        let count = graph.nodes.len();
        let (mut from, mut to) = (vec![Vec::new(); count], vec![Vec::new(); count]);
        for (index, node) in graph.nodes.iter().enumerate() {
            for input in &node.inputs {
                if let Some(link) = input.value.link()
                    && let Some(&source) = ids.get(link.node.as_str())
                {
                    from[index].push(source);
                    to[source].push(index);
                }
            }
        }
        Self { ids, from, to }
    }

    /// The node of that id.
    pub(super) fn index(&self, id: &str) -> Option<usize> {
        self.ids.get(id).copied()
    }

    /// Marks nodes and everything that depends on them.
    pub(super) fn dependents(&self, nodes: impl IntoIterator<Item = usize>) -> Vec<bool> {
        marked(&self.to, nodes.into_iter().collect())
    }

    /// Marks nodes and everything that they depend on.
    pub(super) fn sources(&self, nodes: impl IntoIterator<Item = usize>) -> Vec<bool> {
        marked(&self.from, nodes.into_iter().collect())
    }

    /// The nodes that a node both needs and feeds, itself among them.
    pub(super) fn cycle(&self, node: usize) -> Vec<usize> {
        let (needs, feeds) = (self.sources([node]), self.dependents([node]));
        (0..needs.len()).filter(|index| needs[*index] && feeds[*index]).collect()
    }
}

fn marked(next: &[Vec<usize>], mut waiting: Vec<usize>) -> Vec<bool> {
    let mut marked = vec![false; next.len()];
    while let Some(index) = waiting.pop() {
        if !std::mem::replace(&mut marked[index], true) {
            waiting.extend(&next[index]);
        }
    }
    marked
}

/// The nodes that an input names: by a link, or by those in an object (`__previous__`, `first`, `__rows__`).
fn sources(value: &Value) -> Vec<&str> {
    let links: Vec<&Value> = match value {
        Value::Object(members) => members.values().collect(),
        link => vec![link],
    };
    links.into_iter().filter_map(|value| value.as_array()?.first()?.as_str()).collect()
}

/// The part of a prompt that these outputs need, in its order: what to run if only some were asked for, or some are bad.
pub(crate) fn needed(prompt: &Map<String, Value>, outputs: &[String]) -> Map<String, Value> {
    let mut kept: HashMap<&str, &Value> = HashMap::new();
    let mut waiting: Vec<&str> = outputs.iter().map(String::as_str).collect();
    while let Some(id) = waiting.pop() {
        let Some((id, node)) = prompt.get_key_value(id) else { continue };
        if kept.insert(id, node).is_none() {
            let inputs = node.get("inputs").and_then(Value::as_object);
            waiting.extend(inputs.into_iter().flatten().flat_map(|(_, value)| sources(value)));
        }
    }
    let in_order = prompt.iter().filter(|(id, _)| kept.contains_key(id.as_str()));
    in_order.map(|(id, node)| (id.clone(), node.clone())).collect()
}
