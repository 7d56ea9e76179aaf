//! Running a plan.

mod finite;
mod inputs;
mod keys;

pub(crate) use inputs::Settled;

use crate::cache::{Cache, Entry};
use crate::event::{Event, Why};
use crate::{
    Device, Failure, FailureKind, Nodes, Plan, Published, Request, Services, Snapshot, Step, Value, World,
};
use blake3::Hash;
use dreamwire_graph::{CheckedNode, Link};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The options of a run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Where to compute.
    pub device: Device,
    /// Thread budget of every step.
    pub threads: usize,
    /// Whether NaN and infinity in results are allowed.
    pub allow_nonfinite: bool,
}

/// The report of a run.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// One report per step that was reached, in order.
    pub steps: Vec<StepReport>,
}

/// The report of one step.
#[derive(Clone, Debug)]
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

/// Why a run ended early. Files that were published before stay.
#[derive(Clone, Debug)]
pub enum Stopped {
    /// It was cancelled.
    Cancelled,
    /// A step failed.
    Failed {
        /// Index of the node in the graph.
        node: usize,
        /// Why it failed.
        failure: Failure,
    },
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

    /// Runs a plan.
    ///
    /// # Errors
    /// A step failed, or the run was cancelled.
    pub fn run(&mut self, run: &Run<'_>) -> Result<Summary, Stopped> {
        let plan = run.plan;
        let deep = keys::deep(run)?;
        let mut results = self.resolve(plan, &deep, run.world);
        let wanted = results.iter().filter(|state| matches!(state, State::Wanted)).count();
        (run.emit)(Event::Planned { steps: wanted });

        let mut summary = Summary::default();
        let mut uses = remaining_uses(plan, &results);
        for step in &plan.steps {
            let node = plan.node(step);
            match &results[step.node] {
                State::Unneeded => {}
                State::Known(entry) => {
                    (run.emit)(Event::Cached { node: node.id.clone(), why: Why::Unchanged });
                    summary.steps.push(report(node, None, &entry.published));
                }
                State::Wanted => {
                    if run.cancel.load(Ordering::Relaxed) {
                        return Err(Stopped::Cancelled);
                    }
                    let (entry, elapsed) = self.step(run, step, &deep, &results)?;
                    self.cache.put(deep[step.node], Arc::clone(&entry));
                    summary.steps.push(report(node, elapsed, &entry.published));
                    results[step.node] = State::Known(entry);
                    // Only the cache keeps results that no further step needs.
                    for link in node.links() {
                        uses[link.node] -= 1;
                        if uses[link.node] == 0 {
                            results[link.node] = State::Unneeded;
                        }
                    }
                }
            }
        }
        Ok(summary)
    }

    /// Resolves backwards: a step runs if it is an output or a step that runs needs it, and its result is not cached.
    fn resolve(&mut self, plan: &Plan, deep: &[Hash], world: &dyn World) -> Vec<State> {
        let mut states: Vec<State> = plan.graph.nodes.iter().map(|_| State::Unneeded).collect();
        let mut needed: Vec<bool> = plan.graph.nodes.iter().map(|node| node.kind.output).collect();
        for step in plan.steps.iter().rev() {
            if !needed[step.node] {
                continue;
            }
            states[step.node] = match self.known(deep[step.node], world) {
                Some(entry) => State::Known(entry),
                None => {
                    plan.node(step).links().for_each(|link| needed[link.node] = true);
                    State::Wanted
                }
            };
        }
        states
    }

    /// The cached result of a key, if its files still exist.
    fn known(&mut self, key: Hash, world: &dyn World) -> Option<Arc<Entry>> {
        let entry = self.cache.get(key)?;
        entry.published.iter().all(|file| world.still_there(file)).then_some(entry)
    }

    /// Runs one step: collects its inputs, looks up its content key, and computes it if that is not cached.
    fn step(
        &mut self,
        run: &Run<'_>,
        step: &Step,
        deep: &[Hash],
        results: &[State],
    ) -> Result<(Arc<Entry>, Option<Duration>), Stopped> {
        let (plan, emit) = (run.plan, run.emit);
        let node = plan.node(step);
        let failed = |failure: Failure| {
            emit(Event::Failed { node: node.id.clone() });
            Stopped::Failed { node: step.node, failure }
        };
        let settled = inputs::settle(node, step, results).map_err(failed)?;
        let inputs = inputs::ports(plan, node, results).map_err(failed)?;
        let key = keys::content(run, step, &settled, &inputs, deep)?;
        if let Some(entry) = self.known(key, run.world) {
            emit(Event::Cached { node: node.id.clone(), why: Why::SameInputs });
            return Ok((entry, None));
        }

        emit(Event::Started { node: node.id.clone(), kind: node.kind.id.clone() });
        let services = Services::new(run, &node.id, &settled);
        let start = Instant::now();
        let request = Request {
            node: &node.id,
            kind: &node.kind,
            params: &settled.params,
            inputs: &inputs,
            services: &services,
            device: run.options.device,
            threads: run.options.threads,
        };
        let outputs = match run.nodes.run(&request) {
            Ok(outputs) => outputs,
            Err(failure) if failure.kind == FailureKind::Cancelled => return Err(Stopped::Cancelled),
            Err(failure) => return Err(failed(failure)),
        };
        let elapsed = start.elapsed();
        if !run.options.allow_nonfinite {
            finite::check(node, &outputs).map_err(failed)?;
        }
        let entry = Entry::new(outputs, services.into_published());
        self.cache.put(key, Arc::clone(&entry));
        emit(Event::Finished { node: node.id.clone(), elapsed });
        Ok((entry, Some(elapsed)))
    }
}

/// The state of a node's result.
enum State {
    Unneeded,
    Wanted,
    Known(Arc<Entry>),
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
        State::Unneeded | State::Wanted => Value::None,
    }
}

fn report(node: &CheckedNode, ran: Option<Duration>, published: &[Published]) -> StepReport {
    StepReport { node: node.id.clone(), kind: node.kind.id.clone(), ran, published: published.to_vec() }
}
