//! What a run has to do, before anything has run.

use crate::{InputPath, World};
use dreamwire_graph::{Checked, CheckedNode, Format, From, Param, ParamType};
use std::collections::VecDeque;

/// The steps that the output nodes need, in order.
#[derive(Clone)]
pub struct Plan {
    /// in an order in which every step comes after those it takes values from
    pub steps: Vec<Step>,
    /// the graph that it was made from
    pub graph: Checked,
    /// the text of the graph file, for the metadata of what it makes
    pub provenance: String,
}

/// One node that has to give its result.
#[derive(Clone)]
pub struct Step {
    /// index into the graph's nodes
    pub node: usize,
    /// the files that its params name
    pub files: Vec<FileParam>,
}

/// A param that names a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileParam {
    /// the param
    pub param: String,
    /// the file
    pub path: InputPath,
}

impl Plan {
    /// Only output nodes and what they need are planned.
    pub fn new(graph: Checked, provenance: String) -> Self {
        let mut needed = vec![false; graph.nodes.len()];
        let mut queue: VecDeque<usize> =
            (0..graph.nodes.len()).filter(|&n| graph.nodes[n].kind.output).collect();
        while let Some(node) = queue.pop_front() {
            if !std::mem::replace(&mut needed[node], true) {
                queue.extend(sources(&graph.nodes[node]).map(|from| from.node));
            }
        }
        let steps = graph.order.iter().filter(|&&n| needed[n]);
        let steps = steps.map(|&node| Step { node, files: files(&graph.nodes[node]) }).collect();
        Self { steps, graph, provenance }
    }

    /// The node of a step.
    pub fn node(&self, step: &Step) -> &CheckedNode {
        &self.graph.nodes[step.node]
    }

    /// Reads every file that a step names, so that the world knows what to watch.
    pub(crate) fn touch_files(&self, world: &dyn World) {
        for file in self.steps.iter().flat_map(|step| &step.files) {
            let _ = world.read(&file.path);
        }
    }
}

/// Every output that a node takes values from.
pub(crate) fn sources(node: &CheckedNode) -> impl Iterator<Item = From> + '_ {
    node.ports.iter().flatten().copied().chain(node.linked_params.iter().map(|(_, from)| *from))
}

/// The files that a node's literal params name.
fn files(node: &CheckedNode) -> Vec<FileParam> {
    let mut files = Vec::new();
    for param in &node.kind.params.list {
        if !matches!(param.format, Some(Format::File | Format::Weights)) {
            continue;
        }
        // Given, but without a place in the file: it came from the command line.
        let anywhere = matches!(node.spans.get(&param.name), Some(None));
        let texts: Vec<&str> = match node.params.get(&param.name) {
            Some(serde_json::Value::String(text)) => vec![text],
            Some(serde_json::Value::Array(items)) => items.iter().filter_map(|i| i.as_str()).collect(),
            _ => Vec::new(),
        };
        let named = texts.into_iter().filter(|text| is_path(param, text));
        files.extend(named.map(|text| FileParam {
            param: param.name.clone(),
            path: InputPath { text: text.to_owned(), anywhere },
        }));
    }
    files
}

/// False for the built-in names that a file param takes beside paths.
pub(crate) fn is_path(param: &Param, text: &str) -> bool {
    let stringy = matches!(&param.ty, ParamType::String)
        || matches!(&param.ty, ParamType::Array(item) if **item == ParamType::String);
    let builtin = |pattern: &String| match pattern.strip_suffix('*') {
        Some(start) => text.starts_with(start),
        None => text == pattern,
    };
    stringy && !param.builtin.iter().any(builtin)
}
