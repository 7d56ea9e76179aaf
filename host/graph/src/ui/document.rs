//! What a file in the editor's own form has.

use std::collections::HashMap;

use super::{Types, Widget, Widgets};
use crate::source::Span;

/// The node that stands for the inputs of a subgraph inside of it.
pub(super) const INPUTS: &str = "-10";

/// The node that stands for its outputs.
pub(super) const OUTPUTS: &str = "-20";

/// A whole file. Ids are texts: `3` and `"3"` are the same.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// The canvas, then the subgraphs.
    pub(super) levels: Vec<Level>,
    /// Index of the level of each subgraph, by its id, which is the `type` of the nodes that stand for it.
    pub(super) subgraphs: HashMap<String, usize>,
}

/// The canvas, or the inside of a subgraph.
#[derive(Debug, Default)]
pub(super) struct Level {
    /// What a subgraph is called; empty for the canvas.
    pub(super) name: String,
    pub(super) nodes: Vec<Item>,
    /// Index of each node.
    pub(super) ids: HashMap<String, usize>,
    /// Links by their ids.
    pub(super) links: HashMap<String, Wire>,
    /// Names of a subgraph's inputs.
    pub(super) inputs: Vec<String>,
    /// The link into each output of a subgraph, by the output's index.
    pub(super) outputs: HashMap<u64, String>,
}

/// A node on a level.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) id: String,
    pub(super) id_span: Span,
    pub(super) span: Span,
    /// `type`: a kind, a node of the editor alone, or the id of a subgraph.
    pub(super) kind: String,
    pub(super) kind_span: Span,
    pub(super) mode: Mode,
    pub(super) title: Option<String>,
    pub(super) inputs: Vec<Slot>,
    pub(super) outputs: Vec<Types>,
    pub(super) widgets: Widgets,
    /// Which widgets of inner nodes a subgraph's node shows: the node's id, or `-1` for one of its own inputs, and the
    /// name (`properties.proxyWidgets`).
    pub(super) shown: Vec<(String, String)>,
}

/// Whether a node takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Active,
    /// Mode 2: as if it were not there.
    Muted,
    /// Mode 4: passes its inputs on.
    Bypassed,
}

/// An input of a node that can take a link.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) name: String,
    pub(super) name_span: Span,
    pub(super) types: Types,
    /// Id and place of the link into it.
    pub(super) link: Option<(String, Span)>,
    /// Whether it belongs to a widget.
    pub(super) is_widget: bool,
}

/// A link, by the output that it comes from. Where it goes is known from the input that names it.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) origin: String,
    pub(super) origin_span: Span,
    pub(super) slot: u64,
    pub(super) slot_span: Span,
}

/// What nodes of the editor alone do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Nothing: a note.
    Note,
    /// Passes a link on.
    Reroute,
    /// Gives a value to widgets.
    Primitive,
}

/// The role of a `type`, if it is no kind.
pub(super) fn role(kind: &str) -> Option<Role> {
    match kind {
        "Note" | "MarkdownNote" => Some(Role::Note),
        "Reroute" => Some(Role::Reroute),
        "PrimitiveNode" => Some(Role::Primitive),
        _ => None,
    }
}

impl Item {
    /// The link that a bypassed node passes on as an output: of the input of the same index if their types meet, else of
    /// the first input whose type does.
    pub(super) fn passed(&self, output: u64) -> Option<&Slot> {
        let output = usize::try_from(output).ok()?;
        let types = self.outputs.get(output)?;
        let same = self.inputs.get(output);
        same.into_iter().chain(&self.inputs).find(|slot| slot.types.meet(types))
    }

    /// The values that the node of a subgraph has for widgets inside: id of the inner node (`-1` for an input of the
    /// subgraph), name, and value. Inside there may be others, which are those of the definition.
    pub(super) fn promoted(&self) -> Vec<(&str, &str, &Widget)> {
        let values = &self.widgets.values;
        if self.shown.len() == values.len() {
            let shown = self.shown.iter().zip(values);
            return shown.map(|((node, name), value)| (node.as_str(), name.as_str(), value)).collect();
        }
        let own = |(name, value)| ("-1", name, value);
        let named = self.widgets.given.iter().map(|(name, value)| (name.as_str(), value)).map(own);
        let listed = &self.widgets.listed;
        let listed = listed.iter().map(|(name, _)| name.as_str()).zip(values).map(own);
        let complete = self.widgets.listed.len() == values.len();
        named.chain(listed.filter(|_| complete)).collect()
    }
}
