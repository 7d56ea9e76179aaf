//! The state of a run.

use super::parts::Parts;
use super::{Run, Settled, StepFailure, StepReport, Stopped, Summary, inputs, keys};
use crate::cache::Entry;
use crate::{Event, Failure, FailureKind, Plan, Published, Reason, Step, Value};
use blake3::Hash;
use dreamwire_graph::{CheckedNode, Link};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// The state of a node's result.
pub(super) enum State {
    Unneeded,
    Wanted,
    Known(Known),
    /// It failed, or the node `cause` did, which it depends on.
    Failed {
        cause: usize,
    },
}

/// A result.
#[derive(Clone)]
pub(super) enum Known {
    Whole(Arc<Entry>),
    /// Of a step that was computed for some rows at a time. They are joined when a step needs the whole.
    Parts(Parts),
}

/// A result that was in the cache by this key is not there any more, or damaged.
pub(super) struct Lost(pub(super) Hash);

/// Why a run ends early.
pub(super) enum Ended {
    Stopped(Stopped),
    Lost(Lost),
}

impl From<Stopped> for Ended {
    fn from(stopped: Stopped) -> Self {
        Self::Stopped(stopped)
    }
}

impl From<Lost> for Ended {
    fn from(lost: Lost) -> Self {
        Self::Lost(lost)
    }
}

/// Why a step has no result.
pub(super) enum Trouble {
    Failed(Failure),
    Lost(Lost),
}

impl From<Lost> for Trouble {
    fn from(lost: Lost) -> Self {
        Self::Lost(lost)
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// A step that has its result.
pub(super) struct Done {
    pub(super) known: Known,
    pub(super) ran: Option<Duration>,
    pub(super) published: Vec<Published>,
}

/// All steps of a run.
pub(super) struct Steps<'a> {
    pub(super) run: &'a Run<'a>,
    /// By node.
    pub(super) deep: Vec<Hash>,
    /// By node.
    pub(super) results: Vec<State>,
    /// How many links to a node are left of steps that will run, by node.
    pub(super) uses: Vec<usize>,
    /// By step: it had its turn.
    pub(super) handled: Vec<bool>,
    /// Keys of cached results that cannot be used.
    pub(super) lost: &'a HashSet<Hash>,
    /// By step: why it would run, if that was asked for.
    reasons: Vec<Vec<Reason>>,
    summary: Summary,
    failures: Vec<StepFailure>,
}

impl<'a> Steps<'a> {
    pub(super) fn new(
        run: &'a Run<'a>,
        deep: Vec<Hash>,
        results: Vec<State>,
        reasons: Vec<Vec<Reason>>,
        lost: &'a HashSet<Hash>,
    ) -> Self {
        let uses = remaining_uses(run.plan, &results);
        let handled = vec![false; run.plan.steps.len()];
        let (summary, failures) = (Summary::default(), Vec::new());
        Self { run, deep, results, uses, handled, lost, reasons, summary, failures }
    }

    /// The step of that index, and its node.
    pub(super) fn step(&self, index: usize) -> (&'a Step, &'a CheckedNode) {
        let step = &self.run.plan.steps[index];
        (step, self.run.plan.node(step))
    }

    /// The identity of a step and its params, unless it is not to be tried, or its params are wrong.
    pub(super) fn begin(&self, step: &'a Step) -> Result<(Hash, Settled<'a>), Failure> {
        let identity = keys::identity(self.run, step, self.deep[step.node]);
        match self.run.quarantine.get(&identity) {
            Some(failure) => Err(failure.clone()),
            None => Ok((identity, inputs::settle(self.run.plan, step, &self.results)?)),
        }
    }

    /// Says why a step runs, if that was asked for; `more` adds what is known only now.
    pub(super) fn explain(&self, index: usize, more: impl FnOnce(Vec<Reason>) -> Vec<Reason>) {
        if let Some(reasons) = self.reasons.get(index) {
            let node = self.step(index).1.id.clone();
            (self.run.emit)(Event::Explained { node, reasons: more(reasons.clone()) });
        }
    }

    /// Why a step would run; nothing if that was not asked for.
    pub(super) fn reasons(&self, index: usize) -> &[Reason] {
        self.reasons.get(index).map_or(&[], Vec::as_slice)
    }

    /// Counts rows of a batch in pieces; `cached` where the last steps that make them had nothing to compute.
    pub(super) fn count(&mut self, rows: usize, cached: bool) {
        self.summary.batches.rows += rows;
        self.summary.batches.cached += if cached { rows } else { 0 };
    }

    pub(super) fn is_wanted(&self, node: usize) -> bool {
        matches!(self.results[node], State::Wanted)
    }

    /// Notes that a node's links are not needed any more. Only the cache keeps results that no further step needs.
    pub(super) fn release(&mut self, node: &CheckedNode) {
        for link in node.links() {
            self.uses[link.node] -= 1;
            if self.uses[link.node] == 0 && matches!(self.results[link.node], State::Known(_)) {
                self.results[link.node] = State::Unneeded;
            }
        }
    }

    /// Notes how a step ended.
    pub(super) fn note(&mut self, step: &Step, done: Result<Done, Trouble>) -> Result<(), Ended> {
        let node = self.run.plan.node(step);
        self.results[step.node] = match done {
            Ok(Done { known, ran, published }) => {
                let (node, kind) = (node.id.clone(), node.kind.id.clone());
                self.summary.steps.push(StepReport { node, kind, ran, published });
                State::Known(known)
            }
            Err(Trouble::Lost(lost)) => return Err(lost.into()),
            Err(Trouble::Failed(failure)) if failure.kind == FailureKind::Cancelled => {
                return Err(Stopped::Cancelled.into());
            }
            Err(Trouble::Failed(failure)) => {
                let failure = inputs::with_source(self.run.plan, node, failure);
                (self.run.emit)(Event::Failed { node: node.id.clone() });
                self.failures.push(StepFailure { node: step.node, failure });
                State::Failed { cause: step.node }
            }
        };
        Ok(())
    }

    /// Notes that a step cannot run, because the node `cause` failed.
    pub(super) fn skip(&mut self, step: &Step, cause: usize) {
        let (node, failed) =
            (self.run.plan.node(step).id.clone(), self.run.plan.graph.nodes[cause].id.clone());
        (self.run.emit)(Event::Skipped { node, failed });
        self.results[step.node] = State::Failed { cause };
    }

    /// The failed node that a step cannot run without.
    pub(super) fn failed_input(&self, node: &CheckedNode) -> Option<usize> {
        node.links().find_map(|link| match self.results[link.node] {
            State::Failed { cause } => Some(cause),
            _ => None,
        })
    }

    pub(super) fn end(self) -> Result<Summary, Stopped> {
        if self.failures.is_empty() { Ok(self.summary) } else { Err(Stopped::Failed(self.failures)) }
    }
}

/// How many steps that will run need each node.
fn remaining_uses(plan: &Plan, results: &[State]) -> Vec<usize> {
    let mut uses = vec![0; plan.graph.nodes.len()];
    for step in &plan.steps {
        if matches!(results[step.node], State::Wanted) {
            plan.node(step).links().for_each(|link| uses[link.node] += 1);
        }
    }
    uses
}

/// The value at a link. That of a result in parts must have been joined.
pub(super) fn value(results: &[State], link: Link) -> Value {
    match &results[link.node] {
        State::Known(Known::Whole(entry)) => entry.outputs.get(link.output).cloned().unwrap_or(Value::None),
        _ => Value::None,
    }
}
