use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::kinds::KindInfo;
use crate::params::Format;
use crate::source::Span;

/// The part of a graph that can run: every link resolved, every param complete and in range, no cycles.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The nodes in file order: those without errors, that depend on such nodes only.
    pub nodes: Vec<CheckedNode>,
    /// Indices of the nodes that outputs need, each after those it takes values from.
    pub order: Vec<usize>,
}

/// One node of a [`Checked`] graph.
#[derive(Clone, Debug)]
pub struct CheckedNode {
    /// Its id in the file.
    pub id: String,
    /// Its kind.
    pub kind: Arc<KindInfo>,
    /// Place of the whole node.
    pub span: Span,
    /// Place of its name.
    pub id_span: Span,
    /// `_meta.title`.
    pub title: Option<String>,
    /// Every param that is not linked, in the kind's order. Defaults are filled in here and nowhere else;
    /// values are canonical (see [`check_param`](crate::check_param)).
    pub params: Map<String, Value>,
    /// Places of the values that the file gives, by input name; `None` for one that came from `--set`.
    pub spans: HashMap<String, Option<Span>>,
    /// One list per input port of the kind: none for an optional port that is not connected, several for a
    /// port that takes many.
    pub ports: Vec<Vec<Link>>,
    /// Params linked to a scalar output; they are not in `params` and are filled when the node runs.
    pub linked_params: Vec<(String, Link)>,
}

impl CheckedNode {
    /// Every output that this node takes values from: ports first, then linked params.
    pub fn links(&self) -> impl Iterator<Item = Link> + '_ {
        let params = self.linked_params.iter().map(|(_, link)| *link);
        self.ports.iter().flatten().copied().chain(params)
    }

    /// Whether a file that it reads is named over a link, so that it is known only when the node runs.
    pub fn names_a_file_later(&self) -> bool {
        self.files_named_later().next().is_some()
    }

    /// The params that name such a file.
    pub fn files_named_later(&self) -> impl Iterator<Item = &str> {
        let names = self.linked_params.iter().map(|(name, _)| name.as_str());
        names.filter(move |name| {
            let format = self.kind.params.get(name).and_then(|param| param.format);
            matches!(format, Some(Format::File | Format::Files | Format::Weights))
        })
    }

    /// The label for an input (empty: the node as a whole): its value in the file, or the node's id if the
    /// value is a default or came from `--set`.
    pub fn place(&self, input: &str) -> (Span, String) {
        if input.is_empty() {
            return (self.id_span, String::new());
        }
        let span = self.spans.get(input).copied().flatten().unwrap_or(self.id_span);
        (span, format!("`{input}` of this node"))
    }
}

/// Where an input takes its value from: an output of a node, both by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Link {
    /// Index into [`Checked::nodes`].
    pub node: usize,
    /// Index into the outputs of that node's kind.
    pub output: usize,
}
