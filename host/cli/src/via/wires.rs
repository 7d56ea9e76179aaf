//! Which nodes of a graph a server runs, and which ones depend on one that failed. Nothing here recurses: a chain may be
//! as long as a graph.

use std::collections::{HashMap, HashSet};

use dreamwire_graph::{Graph, InputValue, Kinds};

/// The links of a graph, by ids of nodes.
pub(super) struct Wires {
    /// In the order of the graph.
    nodes: Vec<String>,
    outputs: Vec<String>,
    from: HashMap<String, Vec<String>>,
    to: HashMap<String, Vec<String>>,
}

impl Wires {
    pub(super) fn new(graph: &Graph, kinds: &Kinds) -> Self {
        let is_output = |kind: &str| kinds.get(kind).is_some_and(|kind| kind.output);
        let nodes: Vec<String> = graph.nodes.iter().map(|node| node.id.clone()).collect();
        let outputs = graph.nodes.iter().filter(|node| is_output(&node.kind)).map(|node| node.id.clone());
        let mut wires = Wires { nodes, outputs: outputs.collect(), from: HashMap::new(), to: HashMap::new() };
        for node in &graph.nodes {
            for input in &node.inputs {
                if let InputValue::Link(link) = &input.value {
                    wires.from.entry(node.id.clone()).or_default().push(link.node.clone());
                    wires.to.entry(link.node.clone()).or_default().push(node.id.clone());
                }
            }
        }
        wires
    }

    /// The nodes that may have to run: what outputs need, up to what is cached.
    pub(super) fn wanted(&self, cached: &HashSet<String>) -> HashSet<String> {
        let start = self.outputs.iter().filter(|node| !cached.contains(*node));
        reached(&self.from, start, |node| !cached.contains(node))
    }

    /// The nodes that outputs need and that depend on one, in the order of the graph, without itself.
    pub(super) fn dependents(&self, node: &str) -> Vec<String> {
        let needed = reached(&self.from, self.outputs.iter(), |_| true);
        let after = reached(&self.to, std::iter::once(&node.to_owned()), |_| true);
        let is_one = |id: &&String| *id != node && needed.contains(*id) && after.contains(*id);
        self.nodes.iter().filter(is_one).cloned().collect()
    }
}

/// The nodes that `start` leads to, with itself.
fn reached<'w>(
    links: &HashMap<String, Vec<String>>,
    start: impl Iterator<Item = &'w String>,
    goes_on: impl Fn(&str) -> bool,
) -> HashSet<String> {
    let mut pending: Vec<&String> = Vec::new();
    let mut found = HashSet::new();
    for node in start {
        if found.insert(node.clone()) {
            pending.extend(links.get(node).into_iter().flatten());
        }
    }
    while let Some(node) = pending.pop() {
        if goes_on(node) && found.insert(node.clone()) {
            pending.extend(links.get(node).into_iter().flatten());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use dreamwire_graph::{Source, parse};

    use super::*;

    #[test]
    fn what_is_cached_needs_nothing_and_what_failed_stops_what_follows() {
        let node = |id: &str, kind: &str, from: &[&str]| {
            let inputs: Vec<String> = from.iter().map(|from| format!(r#""{from}": ["{from}", 0]"#)).collect();
            format!(r#""{id}": {{ "class_type": "{kind}", "inputs": {{ {} }} }}"#, inputs.join(", "))
        };
        let nodes = [
            node("photo", "Load", &[]),
            node("dream", "Dream", &["photo"]),
            node("style", "Dream", &["dream", "photo"]),
            node("save", "Save", &["style"]),
            node("keep", "Save", &["photo"]),
            node("unused", "Dream", &["dream"]),
        ];
        let (graph, problems) = parse(&Source::new("g.json", format!("{{ {} }}", nodes.join(", "))));
        assert!(problems.is_empty());
        let saves = serde_json::json!({ "Save": { "input": {}, "output_node": true } });
        let wires = Wires::new(&graph, &super::super::definitions::kinds(&saves).unwrap());
        let wanted =
            |cached: &[&str]| wires.wanted(&cached.iter().map(|id| (*id).to_owned()).collect()).len();
        assert_eq!((wanted(&[]), wanted(&["style"]), wanted(&["dream"])), (5, 3, 4));
        assert_eq!(wanted(&["save", "keep"]), 0);
        assert_eq!(wires.dependents("dream"), ["style", "save"]);
        assert!(wires.dependents("save").is_empty() && wires.dependents("none").is_empty());
    }
}
