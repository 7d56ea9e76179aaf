//! Running a plan.

mod finite;
mod inputs;
mod keys;

pub(crate) use inputs::Settled;
pub(crate) use keys::{deep as deep_keys, made_of};

use crate::cache::{Cache, Entry, Saved};
use crate::event::{Event, Why};
use crate::{
    Device, Failure, FailureKind, History, NewFile, Nodes, Origin, Plan, Published, Request, Services,
    Snapshot, Step, Value, World,
};
use blake3::Hash;
use dreamwire_graph::{CheckedNode, Link};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The options of a run.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Options {
    /// Where to compute.
    pub device: Device,
    /// Thread budget of every step.
    pub threads: usize,
    /// Whether NaN and infinity in results are allowed.
    pub allow_nonfinite: bool,
}

/// The report of a run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Summary {
    /// One report per step that was reached, in order.
    pub steps: Vec<StepReport>,
}

/// The report of one step.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StepReport {
    /// Node id.
    pub node: String,
    /// Kind id.
    pub kind: String,
    /// Its duration; `None` if its result was cached.
    pub ran: Option<Duration>,
    /// The files that it published.
    pub published: Vec<Published>,
}

/// Why a run did not do everything. What was published stays, and what was computed is cached.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Stopped {
    /// It was cancelled.
    Cancelled,
    /// Steps failed, at least one, in the order of the run. The steps that do not depend on them have run.
    Failed(Vec<StepFailure>),
}

/// A failed step.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StepFailure {
    /// Index of the node in the graph.
    pub node: usize,
    /// Why it failed.
    pub failure: Failure,
}

/// One run: its plan, its files, its surroundings and its listener.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// The steps to run.
    pub plan: &'a Plan,
    /// The files that the steps name.
    pub files: &'a Snapshot,
    /// The options of the run.
    pub options: Options,
    /// Runs the nodes.
    pub nodes: &'a dyn Nodes,
    /// Where results are published.
    pub world: &'a dyn World,
    /// Receives events, on any thread.
    pub emit: &'a (dyn Fn(Event) + Sync),
    /// Cancels the run when set.
    pub cancel: &'a AtomicBool,
    /// Steps that must not be tried, by [identity](Event::Started), and why.
    pub quarantine: &'a HashMap<Hash, Failure>,
    /// An earlier run of the graph, to explain by it why steps run.
    pub explain: Option<&'a History>,
}

/// Runs plans and caches results across runs.
pub struct Engine {
    cache: Cache,
}

impl Engine {
    /// An engine that keeps results in `cache`.
    pub fn new(cache: Cache) -> Self {
        Self { cache }
    }

    /// Runs a plan. After a failure, steps that do not depend on the failed one still run.
    ///
    /// # Errors
    /// Steps failed, or the run was cancelled.
    pub fn run(&mut self, run: &Run<'_>) -> Result<Summary, Stopped> {
        let result = self.run_steps(run);
        self.cache.trim();
        result
    }

    fn run_steps(&mut self, run: &Run<'_>) -> Result<Summary, Stopped> {
        let plan = run.plan;
        let deep = keys::deep(run)?;
        let mut results = self.resolve(plan, &deep);
        let wanted = results.iter().filter(|state| matches!(state, State::Wanted)).count();
        (run.emit)(Event::Planned { steps: wanted });
        if let Some(history) = run.explain {
            explain(run, history, &deep, &results)?;
        }

        let mut summary = Summary::default();
        let mut failures = Vec::new();
        let mut uses = remaining_uses(plan, &results);
        for step in &plan.steps {
            let node = plan.node(step);
            let done = match &results[step.node] {
                State::Unneeded | State::Failed { .. } => continue,
                State::Known(entry) => {
                    let entry = Arc::clone(entry);
                    publish_again(run, node, &entry).map(|published| {
                        (run.emit)(Event::Cached { node: node.id.clone(), why: Why::Unchanged });
                        Done { entry, ran: None, published }
                    })
                }
                State::Wanted => {
                    if run.cancel.load(Ordering::Relaxed) {
                        return Err(Stopped::Cancelled);
                    }
                    if let Some(cause) = failed_input(node, &results) {
                        let failed = plan.graph.nodes[cause].id.clone();
                        (run.emit)(Event::Skipped { node: node.id.clone(), failed });
                        results[step.node] = State::Failed { cause };
                        continue;
                    }
                    let done = self.step(run, step, &deep, &results);
                    let done = done.map_err(|failure| inputs::with_source(plan, node, failure));
                    // Only the cache keeps results that no further step needs.
                    for link in node.links() {
                        uses[link.node] -= 1;
                        if uses[link.node] == 0 && matches!(results[link.node], State::Known(_)) {
                            results[link.node] = State::Unneeded;
                        }
                    }
                    done
                }
            };
            results[step.node] = match done {
                Ok(done) => {
                    summary.steps.push(report(node, &done));
                    State::Known(done.entry)
                }
                Err(failure) if failure.kind == FailureKind::Cancelled => return Err(Stopped::Cancelled),
                Err(failure) => {
                    (run.emit)(Event::Failed { node: node.id.clone() });
                    failures.push(StepFailure { node: step.node, failure });
                    State::Failed { cause: step.node }
                }
            };
        }
        if failures.is_empty() { Ok(summary) } else { Err(Stopped::Failed(failures)) }
    }

    /// Resolves backwards: a step runs if it is an output or a step that runs needs it, and its result is not cached.
    fn resolve(&mut self, plan: &Plan, deep: &[Hash]) -> Vec<State> {
        let mut states: Vec<State> = plan.graph.nodes.iter().map(|_| State::Unneeded).collect();
        let mut needed: Vec<bool> = plan.graph.nodes.iter().map(|node| node.kind.output).collect();
        for step in plan.steps.iter().rev() {
            if !needed[step.node] {
                continue;
            }
            states[step.node] = match self.cache.get(deep[step.node]) {
                Some(entry) => State::Known(entry),
                None => {
                    plan.node(step).links().for_each(|link| needed[link.node] = true);
                    State::Wanted
                }
            };
        }
        states
    }

    /// Runs one step: collects its inputs, looks up its content key, and computes it if that is not cached.
    fn step(
        &mut self,
        run: &Run<'_>,
        step: &Step,
        deep: &[Hash],
        results: &[State],
    ) -> Result<Done, Failure> {
        let (plan, emit) = (run.plan, run.emit);
        let node = plan.node(step);
        let deep_key = deep[step.node];
        let identity = keys::identity(run, step, deep_key);
        if let Some(failure) = run.quarantine.get(&identity) {
            return Err(failure.clone());
        }
        let settled = inputs::settle(plan, step, results)?;
        let inputs = inputs::ports(plan, node, results)?;
        let key = keys::content(run, step, &settled, &inputs, deep)?;
        if let Some(entry) = self.cache.get(key) {
            let published = publish_again(run, node, &entry)?;
            emit(Event::Cached { node: node.id.clone(), why: Why::SameInputs });
            if step.repeats {
                self.cache.put(&[deep_key], &entry);
            }
            return Ok(Done { entry, ran: None, published });
        }

        emit(Event::Started { node: node.id.clone(), kind: node.kind.id.clone(), identity });
        let services = Services::new(run, &node.id, &settled);
        let start = Instant::now();
        let outputs = run.nodes.run(&Request {
            node: &node.id,
            kind: &node.kind,
            params: &settled.params,
            inputs: &inputs,
            services: &services,
            device: run.options.device,
            threads: run.options.threads,
        })?;
        let elapsed = start.elapsed();
        if !run.options.allow_nonfinite {
            finite::check(node, &outputs)?;
        }
        let (published, saved) = services.into_published();
        let entry = Arc::new(Entry::new(outputs, saved));
        // A deep key with a step in it that does not repeat never comes again.
        match (step.repeats, node.kind.pure_) {
            (true, _) => self.cache.put(&[deep_key, key], &entry),
            (false, true) => self.cache.put(&[key], &entry),
            (false, false) => {}
        }
        emit(Event::Finished { node: node.id.clone(), elapsed });
        Ok(Done { entry, ran: Some(elapsed), published })
    }
}

/// A step that has its result.
struct Done {
    entry: Arc<Entry>,
    ran: Option<Duration>,
    published: Vec<Published>,
}

/// The state of a node's result.
enum State {
    Unneeded,
    Wanted,
    Known(Arc<Entry>),
    /// It failed, or the node `cause` did, which it depends on.
    Failed {
        cause: usize,
    },
}

/// Publishes the files of a cached step; those that exist are not written again.
fn publish_again(run: &Run<'_>, node: &CheckedNode, entry: &Entry) -> Result<Vec<Published>, Failure> {
    let inputs = if entry.saved.is_empty() { HashSet::new() } else { run.files.inputs() };
    let publish = |(index, file): (usize, &Saved)| {
        let origin = Origin { node: node.id.clone(), index };
        let (template, bytes) = (&file.template, &file.bytes);
        let new = NewFile { origin, template, bytes, inputs: &inputs, cached: true };
        let published = run.world.publish(&new).map_err(|error| Failure {
            hint: error.hint,
            ..Failure::new(FailureKind::Publish, error.message)
        })?;
        if published.written {
            (run.emit)(Event::Published { node: node.id.clone(), file: published.clone() });
        }
        Ok(published)
    };
    entry.saved.iter().enumerate().map(publish).collect()
}

/// The failed node that a step cannot run without.
fn failed_input(node: &CheckedNode, results: &[State]) -> Option<usize> {
    node.links().find_map(|link| match results[link.node] {
        State::Failed { cause } => Some(cause),
        _ => None,
    })
}

/// Emits why each step that is not cached will run.
fn explain(run: &Run<'_>, earlier: &History, deep: &[Hash], results: &[State]) -> Result<(), Stopped> {
    let now = History::with_keys(run, deep)?;
    for step in &run.plan.steps {
        if let State::Wanted = results[step.node] {
            let node = run.plan.node(step);
            let reasons = now.reasons(&node.id, earlier, node.kind.pure_);
            (run.emit)(Event::Explained { node: node.id.clone(), reasons });
        }
    }
    Ok(())
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

fn value(results: &[State], link: Link) -> Value {
    match &results[link.node] {
        State::Known(entry) => entry.outputs.get(link.output).cloned().unwrap_or(Value::None),
        State::Unneeded | State::Wanted | State::Failed { .. } => Value::None,
    }
}

fn report(node: &CheckedNode, done: &Done) -> StepReport {
    let published = done.published.clone();
    StepReport { node: node.id.clone(), kind: node.kind.id.clone(), ran: done.ran, published }
}
