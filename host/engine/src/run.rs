//! Running a plan.

mod advance;
mod carry;
mod chain;
mod compute;
mod explain;
mod finite;
mod inputs;
mod joined;
mod keys;
mod member;
mod parts;
mod pieces;
mod publish;
mod source;
mod steps;

pub(crate) use carry::{with_record, with_texts};
pub(crate) use inputs::Settled;
pub(crate) use keys::{deep as deep_keys, made_of};

use crate::cache::Cache;
use crate::event::Event;
use crate::{Device, Failure, History, Nodes, Plan, Published, Snapshot, World};
use blake3::Hash;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use steps::{Ended, Lost, State, Steps};

/// The options of a run.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Options {
    /// Where to compute; kinds whose plugins were not built for it compute on the CPU ([`Nodes::device`]).
    pub device: Device,
    /// Thread budget of every step.
    pub threads: usize,
    /// Whether NaN and infinity in results are allowed.
    pub allow_nonfinite: bool,
    /// Whether published pictures carry the graph and more ([`metadata`](crate::metadata)). Nodes are not told the graph
    /// otherwise.
    pub metadata: bool,
}

/// The report of a run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Summary {
    /// One report per step that was reached, in order.
    pub steps: Vec<StepReport>,
    /// The batches that were made in pieces.
    pub batches: Batches,
}

/// The rows of batches that were made in pieces. Those that were only saved do not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batches {
    /// How many there are.
    pub rows: usize,
    /// How many of them were cached as the last steps that make pictures of them give them.
    pub cached: usize,
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
    /// More texts for the pictures that carry the graph, by name. They are in no key: a cached picture gets those of the
    /// run that publishes it. The names `prompt` and `dreamwire` are taken.
    pub texts: &'a BTreeMap<String, String>,
}

impl Run<'_> {
    /// The options for steps of a kind: with the device that it computes on.
    pub(crate) fn options_of(&self, kind: &str) -> Options {
        Options { device: self.nodes.device(kind, self.options.device), ..self.options }
    }
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
        let mut lost = HashSet::new();
        let result = loop {
            match self.run_steps(run, &lost) {
                Ok(summary) => break Ok(summary),
                Err(Ended::Stopped(stopped)) => break Err(stopped),
                // What has been done is cached, so beginning again costs little.
                Err(Ended::Lost(Lost(key))) => {
                    lost.insert(key);
                }
            }
        };
        self.cache.trim();
        result
    }

    fn run_steps(&mut self, run: &Run<'_>, lost: &HashSet<Hash>) -> Result<Summary, Ended> {
        let deep = keys::deep(run)?;
        let results = self.resolve(run.plan, &deep, lost);
        let wanted = results.iter().filter(|state| matches!(state, State::Wanted)).count();
        (run.emit)(Event::Planned { steps: wanted });
        let reasons = run.explain.map(|earlier| explain::reasons(run, earlier, &deep)).transpose()?;
        let mut steps = Steps::new(run, deep, results, reasons.unwrap_or_default(), lost);
        for index in 0..run.plan.steps.len() {
            self.advance(&mut steps, index)?;
        }
        Ok(steps.end()?)
    }

    /// Resolves backwards: a step runs if it is an output or a step that runs needs it, and its result is not cached.
    fn resolve(&mut self, plan: &Plan, deep: &[Hash], lost: &HashSet<Hash>) -> Vec<State> {
        let mut states: Vec<State> = plan.graph.nodes.iter().map(|_| State::Unneeded).collect();
        let mut needed: Vec<bool> = plan.graph.nodes.iter().map(|node| node.kind.output).collect();
        for step in plan.steps.iter().rev() {
            if !needed[step.node] {
                continue;
            }
            states[step.node] = match self.known(deep[step.node], lost) {
                Some(known) => State::Known(known),
                None => {
                    plan.node(step).links().for_each(|link| needed[link.node] = true);
                    State::Wanted
                }
            };
        }
        states
    }
}
