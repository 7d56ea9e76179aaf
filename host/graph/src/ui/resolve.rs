//! Follows links to where they come from.

use std::collections::HashMap;

use super::document::{INPUTS, Mode, Role, Slot, Wire, role};
use super::flatten::{Flat, is_uuid};
use super::widgets::Widget;
use crate::diagnostic::Diagnostic;
use crate::diagnostics::{link_loop, missing_link};
use crate::source::Span;

/// What is at the end of a link.
#[derive(Clone, Copy)]
pub(super) enum Source<'d> {
    /// An output of a node. Checking finds out whether there is one.
    Output { instance: usize, wire: &'d Wire },
    /// A value that a primitive node or the node of a subgraph gives.
    Value(&'d Widget),
    /// Nothing: a muted node, or an input that is not connected.
    Nothing,
    /// It could not be followed, which has been reported.
    Unread,
}

/// A link by its instance and id, and the place that names it.
type At<'d> = (usize, &'d str, Span);

enum Step<'d> {
    On(At<'d>),
    End(Source<'d>),
}

/// Follows each link once, however many inputs are behind it.
pub(super) struct Resolver<'d> {
    flat: &'d Flat<'d>,
    /// What is known of links; none while they are followed.
    known: HashMap<(usize, &'d str), Option<Source<'d>>>,
}

impl<'d> Resolver<'d> {
    pub(super) fn new(flat: &'d Flat<'d>) -> Self {
        Resolver { flat, known: HashMap::new() }
    }

    /// The end of a link that an input names at `span`.
    pub(super) fn resolve(
        &mut self,
        instance: usize,
        link: &'d str,
        span: Span,
        problems: &mut Vec<Diagnostic>,
    ) -> Source<'d> {
        let mut path = Vec::new();
        let mut at: At<'d> = (instance, link, span);
        let source = loop {
            match self.known.get(&(at.0, at.1)) {
                Some(Some(source)) => break *source,
                Some(None) => {
                    problems.push(link_loop::new(at.1, at.2));
                    break Source::Unread;
                }
                None => {}
            }
            self.known.insert((at.0, at.1), None);
            path.push((at.0, at.1));
            match self.step(at, problems) {
                Step::On(next) => at = next,
                Step::End(source) => break source,
            }
        };
        for at in path {
            self.known.insert(at, Some(source));
        }
        source
    }

    fn step(&self, (instance, link, span): At<'d>, problems: &mut Vec<Diagnostic>) -> Step<'d> {
        let level = self.flat.level(instance);
        let nothing = Step::End(Source::Nothing);
        let unread = Step::End(Source::Unread);
        let on = |instance, slot: Option<&'d Slot>| match slot.and_then(|slot| slot.link.as_ref()) {
            Some((link, span)) => Step::On((instance, link.as_str(), *span)),
            None => Step::End(Source::Nothing),
        };
        let Some(wire) = level.links.get(link) else {
            problems.push(missing_link::new(link, span));
            return unread;
        };
        if let (INPUTS, Some((outer, node))) = (wire.origin.as_str(), self.flat.parent(instance)) {
            let Some(name) = usize::try_from(wire.slot).ok().and_then(|slot| level.inputs.get(slot)) else {
                problems.push(missing_link::input(&level.name, wire.slot, wire.slot_span));
                return unread;
            };
            let slot = node.inputs.iter().find(|slot| slot.name == *name);
            return match (on(outer, slot), self.flat.promoted_input(instance, name)) {
                (Step::End(_), Some(widget)) => Step::End(Source::Value(widget)),
                (step, _) => step,
            };
        }
        let output = Step::End(Source::Output { instance, wire });
        let Some(&index) = level.ids.get(&wire.origin) else { return output };
        let node = &level.nodes[index];
        match (node.mode, role(&node.kind)) {
            (Mode::Muted, _) | (_, Some(Role::Note)) => nothing,
            (_, Some(Role::Reroute)) => on(instance, node.inputs.first()),
            (_, Some(Role::Primitive)) => {
                Step::End(node.widgets.first().map_or(Source::Nothing, Source::Value))
            }
            (Mode::Bypassed, None) => on(instance, node.passed(wire.slot)),
            (Mode::Active, None) if self.flat.is_subgraph(&node.kind) => {
                // None if it was refused.
                let Some(inside) = self.flat.inside(instance, index) else { return unread };
                match self.flat.level(inside).outputs.get(&wire.slot) {
                    Some(link) => Step::On((inside, link.as_str(), wire.slot_span)),
                    None => nothing,
                }
            }
            (Mode::Active, None) if is_uuid(&node.kind) => unread,
            (Mode::Active, None) => output,
        }
    }
}
