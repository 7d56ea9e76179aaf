use serde_json::Value;

use crate::source::Span;
use crate::ui::Widgets;
use crate::varying::Varying;

/// A parsed graph file: nodes in file order, links not yet resolved.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    /// The nodes in file order; ids are unique.
    pub nodes: Vec<Node>,
    /// The value of `$dreamwire`.
    pub version: Option<u64>,
    /// The form of the file.
    pub form: Form,
    /// What an editor wrote beside the graph, in no order.
    pub beside: Vec<Beside>,
    /// Part of the file could not be read, so absent things may only be unread: checking then does not report
    /// absent things and gives no result.
    pub damaged: bool,
}

/// The form of a graph file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// An object of nodes: what people write, and what programs send.
    #[default]
    Api,
    /// Lists of nodes and links with their places on a canvas: what the editor saves.
    Editor,
}

/// A name in the file that means nothing here: a member of an envelope, a field of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beside {
    /// The name.
    pub name: String,
    /// Its place.
    pub span: Span,
}

/// One node of a graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its id in the file.
    pub id: String,
    /// Place of the id, with its quotes.
    pub id_span: Span,
    /// Place of the id and everything that belongs to the node.
    pub span: Span,
    /// `class_type`; empty if the file gives none (which parsing has reported).
    pub kind: String,
    /// Place of the kind, with its quotes.
    pub kind_span: Span,
    /// Inputs in file order; names are unique.
    pub inputs: Vec<Input>,
    /// `_meta.title`.
    pub title: Option<String>,
    /// Values that become inputs when the kinds are known, by [`Graph::name_widgets`].
    pub(crate) widgets: Option<Box<Widgets>>,
}

/// One entry of a node's `inputs`.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Name of the port or param, perhaps with an index (`objectives.0`).
    pub name: String,
    /// Place of the name, or the node's id if the input came from `--set`.
    pub name_span: Span,
    /// Its value or link.
    pub value: InputValue,
    /// Place of the value; `None` if it came from `--set`.
    pub value_span: Option<Span>,
}

/// The value of an input.
#[derive(Clone, Debug, PartialEq)]
pub enum InputValue {
    /// The output of another node.
    Link(LinkRef),
    /// A value written in the file.
    Literal(Value),
    /// A list without `__value__`: valid for a param that takes a list.
    List(Vec<Value>),
    /// Different from row to row of a run.
    Varying(Box<Varying>),
    /// Unreadable; parsing has reported it.
    Unread,
}

/// A link as written: `["node", "output"]` or `["node", 0]`.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkRef {
    /// Id of the node that gives the value.
    pub node: String,
    /// Place of the node's id in the link.
    pub node_span: Span,
    /// Which of its outputs.
    pub output: OutputRef,
    /// Place of the output in the link.
    pub output_span: Span,
}

/// How a link names an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputRef {
    /// By index, from 0.
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

impl InputValue {
    /// The link that it follows, also if that differs from row to row.
    pub fn link(&self) -> Option<&LinkRef> {
        match self {
            Self::Link(link) => Some(link),
            Self::Varying(varying) => varying.alone(),
            Self::Literal(_) | Self::List(_) | Self::Unread => None,
        }
    }
}

impl Input {
    /// The place of the value; one from `--set` has none, so that of its name is used.
    pub(crate) fn place(&self) -> Span {
        self.value_span.unwrap_or(self.name_span)
    }
}
