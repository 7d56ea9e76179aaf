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
        let step = |&node: &usize| {
            let params = serde_json::Value::Object(graph.nodes[node].params.clone()).to_string();
            Step { node, files: files(&graph.nodes[node]), params }
        };
        let steps = graph.order.iter().map(step).collect();
        Self { steps, graph, provenance }
    }

    /// The node of a step.
    pub fn node(&self, step: &Step) -> &CheckedNode {
        &self.graph.nodes[step.node]
    }
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
    let names_a_file = matches!(param.format, Some(Format::File | Format::Weights));
    let path = InputPath { text: text.to_owned(), anywhere };
    (stringy && names_a_file && !param.is_builtin(text))
        .then(|| FileParam { param: param.name.clone(), path })
}
