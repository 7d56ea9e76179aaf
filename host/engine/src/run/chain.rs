//! Steps whose batch is split: which, and into how many rows.
//!
//! A step can be split if its kind says that rows do not depend on each other. Steps that make and use the same rows form
//! a chain: each piece of the batch passes through all of them before the next one begins.

use super::source::Source;
use super::steps::{Known, State, Steps, value};
use super::{Ended, Engine, inputs, keys};
use crate::Value;
use crate::services::Rows;
use dreamwire_graph::{CheckedNode, KindInfo, Link, Port};

/// The largest size of the rows of a piece at an input of a chain, in bytes; one row may be larger. Small pictures are
/// faster together, and a picture that is worth waiting for is a piece of its own.
const PIECE_BYTES: usize = 1 << 20;

/// Steps that run piece by piece.
pub(super) struct Chain {
    /// Their indices in the plan, in order.
    pub(super) steps: Vec<usize>,
    /// Rows of the whole.
    pub(super) batch: usize,
    /// Rows of a piece.
    pub(super) piece: usize,
}

impl Chain {
    /// The rows of each piece, in order.
    pub(super) fn pieces(&self) -> impl Iterator<Item = Rows> + '_ {
        let firsts = (0..self.batch).step_by(self.piece);
        firsts.map(move |first| Rows { first, count: self.piece.min(self.batch - first), batch: self.batch })
    }
}

impl Engine {
    /// The chain that begins with a step whose inputs are known; `None` if it is to run as a whole. What further steps of
    /// the chain need besides is run first.
    pub(super) fn chain(&mut self, steps: &mut Steps<'_>, first: usize) -> Result<Option<Chain>, Ended> {
        let node = steps.step(first).1;
        let Some(port) = first_rows_port(&node.kind) else { return Ok(None) };
        let [link] = node.ports[port][..] else { return Ok(None) };
        if matches!(batch_at(steps, link), Batch::Joined) && self.join(steps, link.node).is_err() {
            return Ok(None);
        }
        let Batch::Rows(batch) = batch_at(steps, link) else { return Ok(None) };
        let alone = Inside::of(steps, &[]);
        if batch < 2 || !fits(steps, node, batch, &alone, Pending::Refused) {
            return Ok(None);
        }
        let piece = self.piece_rows(steps, &[first], &alone);
        if piece.is_none_or(|piece| batch <= piece) || self.is_settled(steps, first) {
            return Ok(None);
        }
        let wished = members(steps, first, batch, Pending::Accepted);
        for index in prerequisites(steps, first, &wished) {
            self.advance(steps, index)?;
        }
        let members = members(steps, first, batch, Pending::Refused);
        // Further inputs may have larger rows.
        let piece = self.piece_rows(steps, &members, &Inside::of(steps, &members));
        Ok(piece.map(|piece| Chain { steps: members, batch, piece }))
    }

    /// Whether a step does not start: it is not to be tried, its params are wrong, or its result is cached for these
    /// inputs.
    fn is_settled(&mut self, steps: &Steps<'_>, index: usize) -> bool {
        let (step, node) = steps.step(index);
        let (run, deep) = (steps.run, &steps.deep);
        let Ok((_, settled)) = steps.begin(step) else { return true };
        let in_parts = |link: Link| matches!(steps.results[link.node], State::Known(Known::Parts(_)));
        if node.links().any(in_parts) {
            return false;
        }
        let inputs = inputs::ports(run.plan, node, |_, link| value(&steps.results, link));
        let Ok(inputs) = inputs else { return true };
        let key = keys::content(run, step, &settled, &inputs, deep, 0);
        key.is_ok_and(|key| self.known(key, steps.lost).is_some())
    }

    /// Rows of a piece for a chain of these steps; `None` if an input cannot be read.
    fn piece_rows(&mut self, steps: &Steps<'_>, members: &[usize], inside: &Inside) -> Option<usize> {
        let mut largest = 1;
        for &index in members {
            let node = steps.step(index).1;
            for link in rows_links(node).filter(|link| !inside.has(link.node)) {
                let State::Known(known) = &steps.results[link.node] else { continue };
                let Batch::Rows(2..) = batch_at(steps, link) else { continue };
                // The size of what is made of a latent is not known, but it is much larger.
                if !is_picture(steps, link) {
                    return Some(1);
                }
                let mut source = Source::new(known.clone(), link.output);
                largest = largest.max(source.row_bytes(&mut self.cache).ok()?);
            }
        }
        Some((PIECE_BYTES / largest).max(1))
    }
}

/// The nodes of a chain.
struct Inside(Vec<bool>);

impl Inside {
    fn of(steps: &Steps<'_>, members: &[usize]) -> Self {
        let mut inside = Self(vec![false; steps.results.len()]);
        members.iter().for_each(|&index| inside.0[steps.step(index).0.node] = true);
        inside
    }

    fn has(&self, node: usize) -> bool {
        self.0[node]
    }
}

/// The first of the inputs that are split, if the kind can be computed for some rows at a time.
fn first_rows_port(kind: &KindInfo) -> Option<usize> {
    let is_single = |port: &Port| !port.rows || !port.many;
    let by_rows =
        kind.pure_ && kind.outputs.iter().all(|port| port.rows) && kind.inputs.iter().all(is_single);
    kind.inputs.iter().position(|port| port.rows).filter(|_| by_rows)
}

/// The links of a node to rows.
pub(super) fn rows_links(node: &CheckedNode) -> impl Iterator<Item = Link> + '_ {
    let ports = node.kind.inputs.iter().zip(&node.ports);
    ports.filter(|(port, _)| port.rows).flat_map(|(_, links)| links.iter().copied())
}

fn output<'a>(steps: &Steps<'a>, link: Link) -> Option<&'a Port> {
    steps.run.plan.graph.nodes[link.node].kind.outputs.get(link.output)
}

fn is_picture(steps: &Steps<'_>, link: Link) -> bool {
    output(steps, link).is_some_and(|port| port.types.iter().all(|ty| ty == "IMAGE" || ty == "MASK"))
}

/// What is known of the rows at a link.
enum Batch {
    /// So many.
    Rows(usize),
    /// There is a value without rows, or none.
    None,
    /// In parts, which must be joined to see whether there are any.
    Joined,
    /// The node has not run.
    Pending,
    Failed,
}

fn batch_at(steps: &Steps<'_>, link: Link) -> Batch {
    match &steps.results[link.node] {
        State::Known(Known::Parts(_)) if output(steps, link).is_none_or(|port| port.optional) => {
            Batch::Joined
        }
        State::Known(Known::Parts(parts)) => Batch::Rows(parts.rows()),
        State::Known(Known::Whole(_)) => match value(&steps.results, link) {
            Value::Tensor(tensor) => {
                let rows = tensor.shape().first().and_then(|&rows| usize::try_from(rows).ok());
                rows.map_or(Batch::None, Batch::Rows)
            }
            _ => Batch::None,
        },
        State::Wanted => Batch::Pending,
        State::Unneeded | State::Failed { .. } => Batch::Failed,
    }
}

/// Whether steps may be counted whose further inputs have not been computed.
#[derive(Clone, Copy, PartialEq)]
enum Pending {
    Accepted,
    Refused,
}

/// Whether a node can be split into the rows of a batch, of which the nodes `inside` make some.
fn fits(steps: &Steps<'_>, node: &CheckedNode, batch: usize, inside: &Inside, pending: Pending) -> bool {
    let Some(first) = first_rows_port(&node.kind) else { return false };
    let is_inside = |link: &Link| inside.has(link.node);
    if node.linked_params.iter().any(|(_, link)| is_inside(link)) {
        return false;
    }
    let mut ports = node.kind.inputs.iter().zip(&node.ports).enumerate();
    ports.all(|(index, (port, links))| {
        if index == first && links.is_empty() {
            return false;
        }
        links.iter().all(|link| match (port.rows, is_inside(link)) {
            (true, true) => output(steps, *link).is_some_and(|port| !port.optional),
            (true, false) => match batch_at(steps, *link) {
                Batch::Rows(rows) => rows == batch || (rows == 1 && index != first),
                Batch::None => index != first,
                Batch::Pending => pending == Pending::Accepted,
                Batch::Joined | Batch::Failed => false,
            },
            (false, true) => false,
            (false, false) => match (batch_at(steps, *link), value(&steps.results, *link)) {
                (Batch::Pending, _) => pending == Pending::Accepted,
                (Batch::Failed, _) => false,
                (_, Value::Function(function)) => function.takes_any_batch(),
                _ => true,
            },
        })
    })
}

/// The steps of the chain that begins with `first`, so far as can be told now.
fn members(steps: &Steps<'_>, first: usize, batch: usize, pending: Pending) -> Vec<usize> {
    let start = steps.step(first).0.node;
    let (mut members, mut inside) = (vec![first], Inside::of(steps, &[first]));
    let mut below = vec![false; steps.results.len()];
    below[start] = true;
    for index in first + 1..steps.handled.len() {
        let (step, node) = steps.step(index);
        if steps.handled[index] || !steps.is_wanted(step.node) {
            continue;
        }
        below[step.node] = node.links().any(|link| below[link.node]);
        // What depends on the chain, but is not in it, comes later.
        let is_late = |link: Link| below[link.node] && !inside.has(link.node);
        if below[step.node]
            && rows_links(node).any(|link| inside.has(link.node))
            && !node.links().any(is_late)
            && fits(steps, node, batch, &inside, pending)
        {
            members.push(index);
            inside.0[step.node] = true;
        }
    }
    members
}

/// The steps that `members` need besides each other, in order.
fn prerequisites(steps: &Steps<'_>, first: usize, members: &[usize]) -> Vec<usize> {
    let mut needed = vec![false; steps.results.len()];
    let inside = Inside::of(steps, members);
    for &index in members {
        steps.step(index).1.links().for_each(|link| needed[link.node] = !inside.has(link.node));
    }
    let mut found = Vec::new();
    for index in (0..steps.handled.len()).rev() {
        let (step, node) = steps.step(index);
        if index != first && needed[step.node] && !steps.handled[index] && steps.is_wanted(step.node) {
            node.links().for_each(|link| needed[link.node] = true);
            found.push(index);
        }
    }
    found.reverse();
    found
}
