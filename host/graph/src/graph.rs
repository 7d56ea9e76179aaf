use serde_json::Value;

use crate::source::Span;

/// What a graph file says: nodes in file order, links not yet followed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    /// The nodes in file order; ids are unique.
    pub nodes: Vec<Node>,
    /// What `$dreamwire` says.
    pub version: Option<u64>,
    /// Something of the file could not be read, so what is absent here may be there: checking then does not
    /// complain of absent things and gives no result.
    pub damaged: bool,
}

/// One node of a graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its name in the file.
    pub id: String,
    /// Place of the name, with its quotes.
    pub id_span: Span,
    /// Place of the name and all that belongs to the node.
    pub span: Span,
    /// `class_type`; empty where the file gives none (which parsing has reported).
    pub kind: String,
    /// Place of the kind, with its quotes.
    pub kind_span: Span,
    /// Inputs in file order; names are unique.
    pub inputs: Vec<Input>,
    /// `_meta.title`.
    pub title: Option<String>,
}

/// One entry of a node's `inputs`.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Name of the port or param, perhaps with an index (`objectives.0`).
    pub name: String,
    /// Place of the name. The node's name where the input came from `--set`.
    pub name_span: Span,
    /// What it is given.
    pub value: InputValue,
    /// Place of the value; `None` where it came from `--set`.
    pub value_span: Option<Span>,
}

/// What an input is given.
#[derive(Clone, Debug, PartialEq)]
pub enum InputValue {
    /// The output of another node.
    Link(LinkRef),
    /// A value written in the file.
    Literal(Value),
    /// A list without its `__value__`: for a param that takes a list it is one.
    List(Vec<Value>),
    /// Something that could not be read; parsing has reported it.
    Unread,
}

/// A link as the file has it: `["node", "output"]` or `["node", 0]`.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkRef {
    /// The node that gives the value.
    pub node: String,
    /// Place of the node's name in the link.
    pub node_span: Span,
    /// Which of its outputs.
    pub output: OutputRef,
    /// Place of the output in the link.
    pub output_span: Span,
}

/// How a link names an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputRef {
    /// By place, from 0.
    Index(u64),
    /// By name.
    Name(String),
}

impl Node {
    /// The input of that exact name.
    pub fn input(&self, name: &str) -> Option<&Input> {
        self.inputs.iter().find(|input| input.name == name)
    }
}

impl Input {
    /// Where to point for the value: a value from `--set` has no place of its own, so its name's place is used.
    pub(crate) fn place(&self) -> Span {
        self.value_span.unwrap_or(self.name_span)
    }
}
