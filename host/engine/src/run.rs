//! Running a plan.

use crate::cache::{Cache, Entry};
use crate::event::{Event, Why};
use crate::key::Key;
use crate::plan::{is_path, sources};
use crate::{
    Device, Failure, FailureKind, Input, Nodes, Plan, Published, Request, Services, Step, Value, World,
};
use blake3::Hash;
use dreamwire_graph::{CheckedNode, From, Port, check_param};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How to run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// where to compute
    pub device: Device,
    /// thread budget of every step
    pub threads: usize,
    /// NaN and infinity in results are let through
    pub allow_nonfinite: bool,
}

/// What a run did.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// one per step that was looked at, in order
    pub steps: Vec<StepReport>,
}

/// What became of one step.
#[derive(Clone, Debug)]
pub struct StepReport {
    /// node id
    pub node: String,
    /// kind id
    pub kind: String,
    /// `None`: it did not run, its result was known
    pub ran: Option<Duration>,
    /// its files
    pub published: Vec<Published>,
}

/// Why a run ended early. What was published before stays.
#[derive(Clone, Debug)]
pub enum Stopped {
    /// it was asked to
    Cancelled,
    /// a step failed
    Failed {
        /// index of the node in the graph
        node: usize,
        /// what happened
        failure: Failure,
    },
}

/// Runs plans and remembers results from one run to the next.
pub struct Engine {
    cache: Cache,
    options: Options,
}

/// Steps that are not pure never share a key.
static NONCE: AtomicU64 = AtomicU64::new(1);

impl Engine {
    /// An engine with an empty cache.
    pub fn new(cache: Cache, options: Options) -> Self {
        Self { cache, options }
    }

    /// Runs a plan. Call [`World::begin_run`] before planning, not between plan and run.
    ///
    /// # Errors
    /// The first step that fails ends the run; so does `cancel`.
    pub fn run(
        &mut self,
        plan: &Plan,
        nodes: &dyn Nodes,
        world: &dyn World,
        emit: &(dyn Fn(Event) + Sync),
        cancel: &AtomicBool,
    ) -> Result<Summary, Stopped> {
        plan.touch_files(world);
        let deep = self.deep_keys(plan, nodes, world)?;
        let mut results = self.resolve(plan, &deep, world);
        emit(Event::Planned { steps: results.iter().filter(|state| matches!(state, State::Wanted)).count() });

        let mut summary = Summary::default();
        let mut uses = remaining_uses(plan, &results);
        for step in &plan.steps {
            let node = plan.node(step);
            match &results[step.node] {
                State::Unneeded => {}
                State::Known(entry) => {
                    emit(Event::Cached { node: node.id.clone(), why: Why::Unchanged });
                    summary.steps.push(report(node, None, &entry.published));
                }
                State::Wanted => {
                    if cancel.load(Ordering::Relaxed) {
                        return Err(Stopped::Cancelled);
                    }
                    let running = Running { plan, step, deep: &deep, nodes, world, emit, cancel };
                    let (entry, elapsed) = self.step(&running, &results)?;
                    self.cache.put(deep[step.node], Arc::clone(&entry));
                    summary.steps.push(report(node, elapsed, &entry.published));
                    results[step.node] = State::Known(entry);
                    // What nobody needs any more is the cache's alone.
                    for from in sources(node) {
                        uses[from.node] -= 1;
                        if uses[from.node] == 0 {
                            results[from.node] = State::Unneeded;
                        }
                    }
                }
            }
        }
        Ok(summary)
    }

    /// The deep key of every planned node, by node index.
    fn deep_keys(&self, plan: &Plan, nodes: &dyn Nodes, world: &dyn World) -> Result<Vec<Hash>, Stopped> {
        let mut keys = vec![Hash::from_bytes([0; 32]); plan.graph.nodes.len()];
        for step in &plan.steps {
            let node = plan.node(step);
            let params = serde_json::Value::Object(node.params.clone()).to_string();
            let mut key = self.base_key(plan, step, nodes, world, &params)?;
            for port in &node.ports {
                key.port(port.len());
                port.iter().for_each(|from| key.producer(keys[from.node], from.output));
            }
            for (_, from) in &node.linked_params {
                key.producer(keys[from.node], from.output);
            }
            keys[step.node] = key.finish();
        }
        Ok(keys)
    }

    fn base_key(
        &self,
        plan: &Plan,
        step: &Step,
        nodes: &dyn Nodes,
        world: &dyn World,
        params: &str,
    ) -> Result<Key, Stopped> {
        let node = plan.node(step);
        let failed = |failure| Stopped::Failed { node: step.node, failure };
        let build = nodes.build(&node.kind.id).ok_or_else(|| {
            failed(Failure::new(FailureKind::Plugin, format!("no plugin offers `{}` any more", node.kind.id)))
        })?;
        let mut key = Key::new(&node.kind, build, self.options.device.class(), params);
        for file in &step.files {
            let content = world.read(&file.path).map_err(|error| {
                let (input, help) = (file.param.clone(), error.help);
                failed(Failure { kind: FailureKind::Read, input, message: error.message, help })
            })?;
            key.file(&file.param, content.hash);
        }
        if !node.kind.pure_ {
            key.nonce(NONCE.fetch_add(1, Ordering::Relaxed));
        }
        Ok(key)
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
                    sources(plan.node(step)).for_each(|from| needed[from.node] = true);
                    State::Wanted
                }
            };
        }
        states
    }

    /// A remembered result whose files are still there.
    fn known(&mut self, key: Hash, world: &dyn World) -> Option<Arc<Entry>> {
        let entry = self.cache.get(key)?;
        entry.published.iter().all(|file| world.still_there(file)).then_some(entry)
    }

    /// One step: materialise its inputs, look once more, run it.
    fn step(
        &mut self,
        running: &Running<'_>,
        results: &[State],
    ) -> Result<(Arc<Entry>, Option<Duration>), Stopped> {
        let Running { plan, step, deep, nodes, world, emit, cancel } = *running;
        let node = plan.node(step);
        let failed = |failure: Failure| {
            emit(Event::Failed { node: node.id.clone() });
            Stopped::Failed { node: step.node, failure }
        };
        let (params, mut files) = linked_params(node, results).map_err(failed)?;
        files.splice(0..0, step.files.iter().cloned());
        let params_text = serde_json::Value::Object(params.clone()).to_string();

        let content_step = Step { node: step.node, files };
        let mut key = self.base_key(plan, &content_step, nodes, world, &params_text)?;
        let mut inputs = Vec::with_capacity(node.ports.len());
        for (port, wires) in node.kind.inputs.iter().zip(&node.ports) {
            let values: Vec<Value> = wires.iter().map(|&from| value(results, from)).collect();
            key.port(values.len());
            for (value, from) in values.iter().zip(wires) {
                match value.content() {
                    Some(content) => key.content(content),
                    None => key.producer(deep[from.node], from.output),
                }
            }
            inputs.push(input(plan, port, wires, values).map_err(failed)?);
        }
        let content = key.finish();
        if let Some(entry) = self.known(content, world) {
            emit(Event::Cached { node: node.id.clone(), why: Why::SameInputs });
            return Ok((entry, None));
        }

        emit(Event::Started { node: node.id.clone(), kind: node.kind.id.clone() });
        let texts =
            params.iter().filter_map(|(name, v)| Some((name.clone(), v.as_str()?.to_owned()))).collect();
        let services =
            Services::new(&node.id, &plan.provenance, &content_step.files, texts, world, emit, cancel);
        let start = Instant::now();
        let request = Request {
            node: &node.id,
            kind: &node.kind,
            params: &params_text,
            inputs: &inputs,
            services: &services,
            device: self.options.device,
            threads: self.options.threads,
        };
        let outputs = match nodes.run(&request) {
            Ok(outputs) => outputs,
            Err(failure) if failure.kind == FailureKind::Cancelled => return Err(Stopped::Cancelled),
            Err(failure) => return Err(failed(failure)),
        };
        let elapsed = start.elapsed();
        if !self.options.allow_nonfinite {
            check_finite(node, &outputs).map_err(failed)?;
        }
        let entry = Entry::new(outputs, services.into_published());
        self.cache.put(content, Arc::clone(&entry));
        emit(Event::Finished { node: node.id.clone(), elapsed });
        Ok((entry, Some(elapsed)))
    }
}

/// What a step needs to run.
#[derive(Clone, Copy)]
struct Running<'a> {
    plan: &'a Plan,
    step: &'a Step,
    deep: &'a [Hash],
    nodes: &'a dyn Nodes,
    world: &'a dyn World,
    emit: &'a (dyn Fn(Event) + Sync),
    cancel: &'a AtomicBool,
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
            sources(plan.node(step)).for_each(|from| uses[from.node] += 1);
        }
    }
    uses
}

fn value(results: &[State], from: From) -> Value {
    match &results[from.node] {
        State::Known(entry) => entry.outputs.get(from.output).cloned().unwrap_or(Value::None),
        State::Unneeded | State::Wanted => Value::None,
    }
}

/// What a port gets. An output may hold nothing; a port that is not optional needs something.
fn input(plan: &Plan, port: &Port, wires: &[From], values: Vec<Value>) -> Result<Input, Failure> {
    let empty = values.iter().position(|value| matches!(value, Value::None));
    if let Some(from) = empty.filter(|_| !port.optional || port.many).and_then(|index| wires.get(index)) {
        let source = &plan.graph.nodes[from.node];
        let (output, doc) =
            source.kind.outputs.get(from.output).map_or(("", ""), |port| (&port.name[..], &port.doc[..]));
        let message = format!("output `{output}` of node `{}` holds nothing this time", source.id);
        let mut failure = Failure::new(FailureKind::Argument, message).at(port.name.clone());
        failure.help = (!doc.is_empty()).then(|| format!("`{output}` of {}: {doc}", source.kind.id));
        return Err(failure);
    }
    if port.many {
        return Ok(Input::Many(values));
    }
    Ok(match values.into_iter().next() {
        None | Some(Value::None) => Input::None,
        Some(value) => Input::One(value),
    })
}

type Params = serde_json::Map<String, serde_json::Value>;

/// Puts scalars that came over links into the params, validated like literals.
fn linked_params(node: &CheckedNode, results: &[State]) -> Result<(Params, Vec<crate::FileParam>), Failure> {
    let mut params = node.params.clone();
    let mut files = Vec::new();
    for (name, from) in &node.linked_params {
        let scalar = value(results, *from).scalar();
        let wrong = |message: String| Failure::new(FailureKind::Argument, message).at(name.clone());
        let scalar =
            scalar.ok_or_else(|| wrong(format!("`{name}` wants a scalar, but the link brought none")))?;
        let param = node.kind.params.list.iter().find(|p| p.name == *name);
        let param = param.ok_or_else(|| wrong(format!("`{name}` is no param of `{}`", node.kind.id)))?;
        let checked = check_param(param, &scalar).map_err(|problem| {
            let mut failure = wrong(problem.message);
            failure.help = problem.help;
            failure
        })?;
        if let (Some(dreamwire_graph::Format::File | dreamwire_graph::Format::Weights), Some(text)) =
            (param.format, checked.as_str())
            && is_path(param, text)
        {
            let path = crate::InputPath { text: text.to_owned(), anywhere: false };
            files.push(crate::FileParam { param: name.clone(), path });
        }
        params.insert(name.clone(), checked);
    }
    Ok((params, files))
}

fn check_finite(node: &CheckedNode, outputs: &[Value]) -> Result<(), Failure> {
    for (port, output) in node.kind.outputs.iter().zip(outputs) {
        if let Value::Tensor(tensor) = output
            && let Some((first, count)) = tensor.nonfinite()
        {
            let shape = tensor.shape();
            let message = format!(
                "output `{}` holds {count} values that are NaN or infinite, the first at index {first} of {shape:?}",
                port.name
            );
            let mut failure = Failure::new(FailureKind::Nonfinite, message);
            failure.help = Some("let them through with --allow-nonfinite".to_owned());
            return Err(failure);
        }
    }
    Ok(())
}

fn report(node: &CheckedNode, ran: Option<Duration>, published: &[Published]) -> StepReport {
    StepReport { node: node.id.clone(), kind: node.kind.id.clone(), ran, published: published.to_vec() }
}
