//! The editor's own form of a graph: lists of nodes and links, with their places on the canvas.
//!
//! ```text
//! object --read--> Document --flatten--> Flat --resolve--> Graph, its widgets not yet named
//!                                                            |
//! Graph::to_ui <-- Graph <---------- Graph::name_widgets(kinds)
//! ```
//!
//! | part | what it does |
//! |---|---|
//! | `document` | what a file has: levels (the canvas, and one per subgraph) of nodes and links |
//! | `read` | reads it |
//! | `flatten` | takes subgraphs apart; a node in one gets the id `outer:inner`, and muted nodes and notes are left out |
//! | `resolve` | follows links through reroutes, bypassed nodes and subgraphs to the output or value at their end |
//! | `widgets` | names the values of widgets, which a file gives by their order alone: that needs the kinds |
//! | `write` | the way back, with a `layout` |
//!
//! Nothing here recurses over nodes, links or subgraphs.

mod document;
mod flatten;
mod layout;
mod read;
mod resolve;
#[cfg(test)]
mod tests;
mod widgets;
mod write;

use std::collections::HashMap;

use jsonc_parser::ast::Object;

pub use widgets::{AUTO, from_widget, to_widget};
pub(crate) use widgets::{Widget, Widgets};
pub use write::{MANY_SLOTS, port_type};

use crate::diagnostic::{Diagnostic, Subject};
use crate::diagnostics::duplicate_key;
use crate::graph::{Form, Graph, Input, InputValue, LinkRef, Node, OutputRef};
use crate::source::Span;
use document::Item;
pub(crate) use flatten::MAX_NESTING;
use flatten::{Flat, flatten};
use resolve::{Resolver, Source};

/// Reads a graph in the editor's own form.
pub(crate) fn read(object: &Object<'_>, graph: &mut Graph, problems: &mut Vec<Diagnostic>) {
    graph.form = Form::Editor;
    let document = read::document(object, problems);
    let flat = flatten(&document, problems);
    let mut resolver = Resolver::new(&flat);
    for &(instance, item) in &flat.nodes {
        let node = node(&flat, &mut resolver, instance, item, problems);
        graph.nodes.push(node);
    }
}

/// One node of the graph: linked inputs, and the values of widgets.
fn node<'d>(
    flat: &'d Flat<'d>,
    resolver: &mut Resolver<'d>,
    instance: usize,
    item: usize,
    problems: &mut Vec<Diagnostic>,
) -> Node {
    let found = &flat.level(instance).nodes[item];
    let id = flat.id(instance, &found.id);
    let mut inputs = Vec::new();
    // What comes from elsewhere goes before the node's own.
    let mut widgets = found.widgets.clone();
    let own = std::mem::replace(&mut widgets.given, flat.promoted(instance, &found.id));
    let mut linked: HashMap<&str, Span> = HashMap::new();
    for slot in &found.inputs {
        let Some((link, span)) = &slot.link else { continue };
        let before = problems.len();
        if let Some(first) = linked.insert(&slot.name, slot.name_span) {
            problems.push(duplicate_key::key(&slot.name, first, slot.name_span).about(&id, &slot.name));
            continue;
        }
        let source = resolver.resolve(instance, link, *span, problems);
        for problem in &mut problems[before..] {
            problem.subject = Some(Box::new(Subject { node: id.clone(), input: slot.name.clone() }));
        }
        match source {
            Source::Output { instance, wire } => inputs.push(Input {
                name: slot.name.clone(),
                name_span: slot.name_span,
                value: InputValue::Link(LinkRef {
                    node: flat.id(instance, &wire.origin),
                    node_span: wire.origin_span,
                    output: OutputRef::Index(wire.slot),
                    output_span: wire.slot_span,
                }),
                value_span: Some(*span),
            }),
            Source::Value(widget) => widgets.given.push((slot.name.clone(), widget.clone())),
            Source::Nothing => {}
            // Given, so that it is not said to be missing as well.
            Source::Unread => inputs.push(Input {
                name: slot.name.clone(),
                name_span: slot.name_span,
                value: InputValue::Unread,
                value_span: Some(*span),
            }),
        }
    }
    widgets.given.extend(own);
    let Item { id_span, span, kind_span, .. } = *found;
    Node {
        id,
        id_span,
        span,
        kind: found.kind.clone(),
        kind_span,
        inputs,
        title: found.title.clone(),
        widgets: Some(Box::new(widgets)),
    }
}

/// The types that an input takes or an output gives: `"IMAGE"`, `"IMAGE,MASK"`, or `"*"` for any.
#[derive(Clone, Debug, Default)]
struct Types(Vec<String>);

impl Types {
    fn of(text: &str) -> Self {
        Types(text.split([',', '|']).map(|ty| ty.trim().to_owned()).collect())
    }

    /// Whether a value of one could be a value of the other.
    fn meet(&self, other: &Types) -> bool {
        let any = |types: &Types| types.0.iter().any(|ty| ty == "*");
        any(self) || any(other) || self.0.iter().any(|ty| other.0.contains(ty))
    }
}
