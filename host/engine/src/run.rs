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
    /// NaN and infinity in results are let through.
    pub allow_nonfinite: bool,
}

/// What a run did.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// One per step that was looked at, in order.
    pub steps: Vec<StepReport>,
}

/// What happened to one step.
#[derive(Clone, Debug)]
pub struct StepReport {
    /// Node id.
    pub node: String,
    /// Kind id.
    pub kind: String,
    /// The time that it took; `None`: it did not run, its result was known.
    pub ran: Option<Duration>,
    /// Its files.
    pub published: Vec<Published>,
}

/// Why a run ended early. What was published before stays.
#[derive(Clone, Debug)]
pub enum Stopped {
    /// It was asked to.
    Cancelled,
    /// A step failed.
    Failed {
        /// Index of the node in the graph.
        node: usize,
        /// What happened.
        failure: Failure,
    },
}

/// One run: what it does, with what, and who hears of it.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// The steps.
    pub plan: &'a Plan,
    /// The files that they name.
    pub files: &'a Snapshot,
    /// How.
    pub options: Options,
    /// Who runs nodes.
    pub nodes: &'a dyn Nodes,
    /// Where results are published.
    pub world: &'a dyn World,
    /// Hears what happens, on any thread.
    pub emit: &'a (dyn Fn(Event) + Sync),
    /// Stops the run when it becomes true.
    pub cancel: &'a AtomicBool,
}

/// Runs plans and caches results across runs.
pub struct Engine {
    cache: Cache,
}

impl Engine {
    /// An engine that remembers results in `cache`.
    pub fn new(cache: Cache) -> Self {
        Self { cache }
    }

    /// Runs a plan.
    ///
    /// # Errors
    /// The first step that fails ends the run; so does `cancel`.
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
                    // Results that no step needs any more are held by the cache alone.
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

    /// Backwards: a step is wanted if it is an output or a wanted step needs it, and the cache does not know it.
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

    /// A cached result whose files still exist.
    fn known(&mut self, key: Hash, world: &dyn World) -> Option<Arc<Entry>> {
        let entry = self.cache.get(key)?;
        entry.published.iter().all(|file| world.still_there(file)).then_some(entry)
    }

    /// One step: collects its inputs, looks up the content key, runs it.
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

/// What is known of a node's result.
enum State {
    Unneeded,
    Wanted,
    Known(Arc<Entry>),
}

/// How many wanted steps still need each node.
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
