//! Takes subgraphs apart.

use std::collections::{HashMap, HashSet};

use super::document::{Document, Item, Level, Mode, role};
use super::widgets::Widget;
use crate::diagnostic::Diagnostic;
use crate::diagnostics::{duplicate_key, missing_subgraph, subgraph_cycle, too_deep, too_large};
use crate::parse::MAX_NODES;
use crate::source::{MAX_BYTES, Span};

/// How deep subgraphs may be in each other.
pub(crate) const MAX_NESTING: usize = 64;

/// A level as one of its nodes stands for it: subgraphs may be used several times.
struct Instance<'d> {
    level: usize,
    /// The instance and the node that stands for this one; none for the canvas.
    parent: Option<(usize, usize)>,
    /// What ids begin with in it: `"12:"`.
    prefix: String,
    /// What the node that stands for it has for widgets inside, by id of the node inside.
    promoted: HashMap<&'d str, Vec<(&'d str, &'d Widget)>>,
}

/// A document without subgraphs.
pub(super) struct Flat<'d> {
    document: &'d Document,
    instances: Vec<Instance<'d>>,
    /// The instance that a node stands for, by its own instance and index.
    inside: HashMap<(usize, usize), usize>,
    /// The nodes that take part, in file order: instance, and index in its level.
    pub(super) nodes: Vec<(usize, usize)>,
}

pub(super) fn flatten<'d>(document: &'d Document, problems: &mut Vec<Diagnostic>) -> Flat<'d> {
    let canvas = Instance { level: 0, parent: None, prefix: String::new(), promoted: HashMap::new() };
    let (instances, inside, nodes) = (vec![canvas], HashMap::new(), Vec::new());
    let mut flat = Flat { document, instances, inside, nodes };
    // Problems of a definition are the same wherever it is used.
    let mut told: HashSet<Span> = HashSet::new();
    let mut ids: HashMap<String, Span> = HashMap::new();
    let mut bytes = 0;
    let mut walk = vec![(0, 0)];
    while let Some((instance, index)) = walk.pop() {
        let Some(item) = flat.level(instance).nodes.get(index) else { continue };
        walk.push((instance, index + 1));
        if item.mode != Mode::Active || role(&item.kind).is_some() {
            continue;
        }
        let prefix = flat.instances[instance].prefix.len();
        bytes += prefix + item.span.end - item.span.start;
        if flat.nodes.len() + flat.instances.len() > MAX_NODES || bytes > MAX_BYTES {
            // Refused as a whole; further problems in it do not matter.
            problems.clear();
            problems.push(too_large::subgraphs(item.id_span));
            flat.nodes.clear();
            return flat;
        }
        let id = flat.id(instance, &item.id);
        let problem = match document.subgraphs.get(&item.kind) {
            Some(&level) => match flat.refused(instance, level, item) {
                None => {
                    flat.enter(instance, index, level);
                    walk.push((flat.instances.len() - 1, 0));
                    continue;
                }
                Some(problem) => problem,
            },
            None if is_uuid(&item.kind) => missing_subgraph::new(&item.kind, item.kind_span),
            None => {
                flat.nodes.push((instance, index));
                match ids.insert(id.clone(), item.id_span) {
                    None => continue,
                    Some(first) => {
                        flat.nodes.pop();
                        duplicate_key::node(&id, first, item.id_span)
                    }
                }
            }
        };
        if told.insert(item.kind_span) {
            problems.push(problem.about(id, ""));
        }
    }
    flat
}

/// Whether a `type` can only be the id of a subgraph.
pub(super) fn is_uuid(kind: &str) -> bool {
    let parts: Vec<&str> = kind.split('-').collect();
    let hex = |part: &&str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) && parts.iter().all(hex)
}

impl<'d> Flat<'d> {
    pub(super) fn level(&self, instance: usize) -> &'d Level {
        &self.document.levels[self.instances[instance].level]
    }

    /// The id of a node in the graph.
    pub(super) fn id(&self, instance: usize, id: &str) -> String {
        format!("{}{id}", self.instances[instance].prefix)
    }

    /// The instance and the node that stands for an instance.
    pub(super) fn parent(&self, instance: usize) -> Option<(usize, &'d Item)> {
        let (parent, index) = self.instances[instance].parent?;
        Some((parent, &self.level(parent).nodes[index]))
    }

    /// The instance that a node stands for.
    pub(super) fn inside(&self, instance: usize, index: usize) -> Option<usize> {
        self.inside.get(&(instance, index)).copied()
    }

    pub(super) fn is_subgraph(&self, kind: &str) -> bool {
        self.document.subgraphs.contains_key(kind)
    }

    /// What the node that stands for an instance has for the widgets of a node inside.
    pub(super) fn promoted(&self, instance: usize, id: &str) -> Vec<(String, Widget)> {
        let found = self.instances[instance].promoted.get(id).into_iter().flatten();
        found.map(|(name, widget)| ((*name).to_owned(), (*widget).clone())).collect()
    }

    /// What it has for an input of the subgraph.
    pub(super) fn promoted_input(&self, instance: usize, name: &str) -> Option<&'d Widget> {
        let own = self.instances[instance].promoted.get("-1")?;
        own.iter().find(|(found, _)| *found == name).map(|(_, widget)| *widget)
    }

    /// Why a level cannot be entered from an instance.
    fn refused(&self, instance: usize, level: usize, item: &Item) -> Option<Diagnostic> {
        let mut path = Vec::new();
        let mut at = Some(instance);
        while let Some(instance) = at {
            path.push(self.instances[instance].level);
            at = self.instances[instance].parent.map(|(parent, _)| parent);
        }
        if let Some(first) = path.iter().position(|&above| above == level) {
            let names = path[..=first].iter().rev().map(|&level| self.document.levels[level].name.as_str());
            return Some(subgraph_cycle::new(&names.collect::<Vec<_>>(), item.kind_span));
        }
        (path.len() > MAX_NESTING).then(|| too_deep::subgraphs(item.kind_span))
    }

    fn enter(&mut self, instance: usize, index: usize, level: usize) {
        let item = &self.level(instance).nodes[index];
        let mut promoted: HashMap<&str, Vec<(&str, &Widget)>> = HashMap::new();
        for (node, name, widget) in item.promoted() {
            // Null where nothing was ever set.
            if !widget.is_null() {
                promoted.entry(node).or_default().push((name, widget));
            }
        }
        self.inside.insert((instance, index), self.instances.len());
        let prefix = format!("{}:", self.id(instance, &item.id));
        self.instances.push(Instance { level, parent: Some((instance, index)), prefix, promoted });
    }
}
