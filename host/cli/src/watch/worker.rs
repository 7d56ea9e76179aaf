//! The thread that runs. It owns the engine, whose memory makes the next run short.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use dreamwire_engine::{Disk, Engine, Event, Nodes, Plan, Stopped, Summary, World, preflight};
use dreamwire_graph::{Diagnostic, Source};
use dreamwire_loader::Loader;

use super::Message;
use crate::STACK_BYTES;
use crate::progress::Listener;

/// One graph to run: text and plugins as they were when it was read, so that a run never mixes two.
#[derive(Clone)]
pub(super) struct Job {
    pub(super) source: Arc<Source>,
    pub(super) plan: Arc<Plan>,
    pub(super) loader: Arc<Loader>,
    /// what checking said
    pub(super) warnings: Vec<Diagnostic>,
    /// set to stop this run
    pub(super) cancel: Arc<AtomicBool>,
}

/// A run has read its inputs.
pub(super) struct Began {
    pub(super) asked: Vec<PathBuf>,
    pub(super) contents: Contents,
}

/// A run is over.
pub(super) struct Ended {
    pub(super) job: Job,
    pub(super) asked: Vec<PathBuf>,
    pub(super) end: End,
    pub(super) elapsed: Duration,
}

/// How it ended.
pub(super) enum End {
    Done(Summary),
    /// files are missing, or nothing can be published
    Refused(Vec<Diagnostic>),
    Stopped(Stopped),
}

/// The hash of every file that a plan names; `None`: it cannot be read.
pub(super) type Contents = Vec<Option<[u8; 32]>>;

/// What a world reads for a plan.
pub(super) fn contents(plan: &Plan, world: &dyn World) -> Contents {
    let files = plan.steps.iter().flat_map(|step| &step.files);
    files.map(|file| world.read(&file.path).ok().map(|file| *file.hash.as_bytes())).collect()
}

impl Job {
    /// The same once more.
    pub(super) fn again(&self) -> Job {
        Job { cancel: Arc::new(AtomicBool::new(false)), ..self.clone() }
    }

    /// Whether a run of this gives what a run of the other gives, as far as graph and plugins say.
    pub(super) fn means_the_same(&self, other: &Job) -> bool {
        meaning(&self.plan, &*self.loader) == meaning(&other.plan, &*other.loader)
    }
}

/// What of a plan and its plugins goes into results.
fn meaning(plan: &Plan, nodes: &dyn Nodes) -> Vec<String> {
    let id = |from: &dreamwire_graph::From| format!("{}.{}", plan.graph.nodes[from.node].id, from.output);
    let step = |step: &dreamwire_engine::Step| {
        let node = plan.node(step);
        let ports: Vec<Vec<String>> = node.ports.iter().map(|port| port.iter().map(id).collect()).collect();
        let linked: Vec<(&str, String)> =
            node.linked_params.iter().map(|(p, from)| (p.as_str(), id(from))).collect();
        let build = nodes.build(&node.kind.id);
        format!("{} {} {build:?} {:?} {ports:?} {linked:?}", node.id, node.kind.id, node.params)
    };
    plan.steps.iter().map(step).collect()
}

/// A handle on the thread.
pub(super) struct Worker {
    jobs: Sender<Job>,
    thread: JoinHandle<()>,
}

impl Worker {
    /// Starts the thread; `engine` is made there, because what it holds must be dropped on a large stack.
    pub(super) fn start(
        engine: impl FnOnce() -> Engine + Send + 'static,
        world: Disk,
        listener: Arc<Listener>,
        sender: Sender<Message>,
    ) -> std::io::Result<Self> {
        let (jobs, queue) = channel::<Job>();
        let body = move || {
            let mut engine = engine();
            for job in queue {
                let ended = execute(&mut engine, &world, &listener, &sender, job);
                if sender.send(Message::Ended(Box::new(ended))).is_err() {
                    return;
                }
            }
        };
        let thread =
            std::thread::Builder::new().name("run".to_owned()).stack_size(STACK_BYTES).spawn(body)?;
        Ok(Worker { jobs, thread })
    }

    pub(super) fn start_job(&self, job: Job) {
        // A thread that is gone has panicked, which `is_gone` tells.
        let _ = self.jobs.send(job);
    }

    /// The thread ends only by a fault of this program.
    pub(super) fn is_gone(&self) -> bool {
        self.thread.is_finished()
    }
}

fn execute(
    engine: &mut Engine,
    world: &Disk,
    listener: &Listener,
    sender: &Sender<Message>,
    job: Job,
) -> Ended {
    let start = Instant::now();
    world.begin_run();
    let problems = preflight(&job.plan, world);
    let _ = sender.send(Message::Began(Began { asked: world.asked(), contents: contents(&job.plan, world) }));
    let end = if problems.iter().any(Diagnostic::is_error) {
        End::Refused(problems)
    } else {
        let emit = |event: Event| listener.hear(&event);
        match engine.run(&job.plan, &*job.loader, world, &emit, &job.cancel) {
            Ok(summary) => End::Done(summary),
            Err(stopped) => End::Stopped(stopped),
        }
    };
    listener.clear();
    Ended { job, asked: world.asked(), end, elapsed: start.elapsed() }
}
