//! The plan of a run.

use crate::InputPath;
use dreamwire_graph::{Checked, CheckedNode, Format, Param, ParamType};

/// The steps that the output nodes need, in order.
#[derive(Clone)]
pub struct Plan {
    /// In an order in which every step comes after those it takes values from.
    pub steps: Vec<Step>,
    /// The graph that it was made from.
    pub graph: Checked,
    /// The graph as strict JSON with all overrides applied, for the metadata of what it makes.
    pub provenance: String,
    /// Where the graph comes from. Files carry the graph as metadata, so a file of one graph is not taken for that of
    /// another that makes the same picture.
    pub scope: String,
}

/// One node of a plan.
#[derive(Clone)]
pub struct Step {
    /// Index into the graph's nodes.
    pub node: usize,
    /// The files that its params name.
    pub files: Vec<FileParam>,
    /// Its params as JSON text, those that come over links aside.
    pub params: String,
    /// Whether its deep key can come again: the node and all that it depends on are pure, and the names of
    /// their files are in the graph.
    pub repeats: bool,
}

/// A param that names a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileParam {
    /// The param.
    pub param: String,
    /// The file.
    pub path: InputPath,
}

impl Plan {
    /// One step for each node that an output needs.
    pub fn new(graph: Checked, provenance: String) -> Self {
        let mut repeats = vec![true; graph.nodes.len()];
        let step = |&node: &usize| {
            let checked = &graph.nodes[node];
            repeats[node] = checked.kind.pure_
                && !checked.names_a_file_later()
                && checked.links().all(|link| repeats[link.node]);
            let params = serde_json::Value::Object(checked.params.clone()).to_string();
            Step { node, files: files(checked), params, repeats: repeats[node] }
        };
        let steps = outputs_first(&graph).iter().map(step).collect();
        Self { steps, graph, provenance, scope: String::new() }
    }

    /// The same plan of a graph from there.
    #[must_use]
    pub fn of(self, scope: String) -> Self {
        Self { scope, ..self }
    }

    /// The same plan with only the steps that these nodes need, by index in the graph.
    #[must_use]
    pub fn towards(mut self, nodes: &[usize]) -> Self {
        let needed = self.needed_by(nodes);
        self.steps.retain(|step| needed[step.node]);
        self
    }

    /// Which nodes these nodes need, themselves among them.
    pub(crate) fn needed_by(&self, nodes: &[usize]) -> Vec<bool> {
        let mut needed = vec![false; self.graph.nodes.len()];
        nodes.iter().for_each(|&node| needed[node] = true);
        // Each step comes after those it takes values from.
        for step in self.steps.iter().rev() {
            if needed[step.node] {
                self.node(step).links().for_each(|link| needed[link.node] = true);
            }
        }
        needed
    }

    /// The node of a step.
    pub fn node(&self, step: &Step) -> &CheckedNode {
        &self.graph.nodes[step.node]
    }
}

/// The order of a graph, with each output node directly after the last node that it needs: what is finished is
/// published before anything else runs, so that a later failure cannot lose it.
fn outputs_first(graph: &Checked) -> Vec<usize> {
    let mut missing = vec![0usize; graph.nodes.len()];
    let mut dependents: Vec<Vec<usize>> = vec![Vec::new(); graph.nodes.len()];
    for &node in &graph.order {
        for link in graph.nodes[node].links() {
            missing[node] += 1;
            dependents[link.node].push(node);
        }
    }
    let mut order = Vec::with_capacity(graph.order.len());
    let mut placed = vec![false; graph.nodes.len()];
    // An output may feed another one, so placing one can make more ready.
    let mut ready = Vec::new();
    for &node in &graph.order {
        ready.push(node);
        while let Some(node) = ready.pop() {
            if std::mem::replace(&mut placed[node], true) {
                continue;
            }
            order.push(node);
            for &dependent in dependents[node].iter().rev() {
                missing[dependent] -= 1;
                if missing[dependent] == 0 && graph.nodes[dependent].kind.output {
                    ready.push(dependent);
                }
            }
        }
    }
    order
}

/// The files that a node's literal params name.
fn files(node: &CheckedNode) -> Vec<FileParam> {
    let mut files = Vec::new();
    for param in &node.kind.params.list {
        // Given, but without a place in the file: it came from the command line.
        let anywhere = matches!(node.spans.get(&param.name), Some(None));
        let texts: Vec<&str> = match node.params.get(&param.name) {
            Some(serde_json::Value::String(text)) => vec![text],
            Some(serde_json::Value::Array(items)) => items.iter().filter_map(|i| i.as_str()).collect(),
            _ => Vec::new(),
        };
        files.extend(texts.into_iter().filter_map(|text| file(param, text, anywhere)));
    }
    files
}

/// The file that a value of a param names; `None` for params that name none, and for the built-in names that a file
/// param takes beside paths.
pub(crate) fn file(param: &Param, text: &str, anywhere: bool) -> Option<FileParam> {
    let stringy = match &param.ty {
        ParamType::Array(item) => **item == ParamType::String,
        ty => *ty == ParamType::String,
    };
    let names_a_file = matches!(param.format, Some(Format::File | Format::Files | Format::Weights));
    let many = param.format == Some(Format::Files);
    let path = InputPath { text: text.to_owned(), anywhere, many };
    (stringy && names_a_file && !param.is_builtin(text))
        .then(|| FileParam { param: param.name.clone(), path })
}
