use dreamwire_engine::{Cache, Disk, Engine, Event, Run, Snapshot, Stopped, Summary, preflight};
use dreamwire_graph::Diagnostic;

use crate::{GraphFile, Job};

/// Cache size in bytes; beyond it the least recently used results are dropped.
const CACHE_BYTES: u64 = 4 << 30;

/// How a run ended.
pub enum End {
    /// All steps are done.
    Done(Summary),
    /// It did not start: files are missing, or nothing can be published.
    Refused(Vec<Diagnostic>),
    /// It was cancelled, or a step failed.
    Stopped(Stopped),
}

impl End {
    /// The problems to report.
    pub fn problems(&self, job: &Job) -> Vec<Diagnostic> {
        match self {
            End::Done(_) | End::Stopped(Stopped::Cancelled) => Vec::new(),
            End::Refused(problems) => problems.clone(),
            End::Stopped(Stopped::Failed { node, failure }) => {
                vec![failure.diagnostic(&job.plan.graph.nodes[*node])]
            }
        }
    }
}

/// Runs jobs in this process and caches results between them. Must be dropped on a thread with
/// [`STACK_BYTES`](crate::STACK_BYTES) of stack.
pub struct InProcess {
    engine: Engine,
    world: Disk,
}

impl InProcess {
    /// A runner that reads from the graph's input folders and publishes under `out`.
    pub fn new(graph: &GraphFile, out: std::path::PathBuf) -> Self {
        InProcess { engine: Engine::new(Cache::new(CACHE_BYTES)), world: Disk::new(graph.roots(), out) }
    }

    /// Reads the files that a job names.
    pub fn read(&self, job: &Job) -> Snapshot {
        Snapshot::take(&job.plan, &self.world)
    }

    /// Runs a job on the files from [`read`](Self::read).
    pub fn run(&mut self, job: &Job, files: &Snapshot, emit: &(dyn Fn(Event) + Sync)) -> End {
        let problems = preflight(&job.plan, files, &self.world);
        if problems.iter().any(Diagnostic::is_error) {
            return End::Refused(problems);
        }
        let run = Run {
            plan: &job.plan,
            files,
            options: job.options,
            nodes: &*job.loader,
            world: &self.world,
            emit,
            cancel: &job.cancel,
        };
        match self.engine.run(&run) {
            Ok(summary) => End::Done(summary),
            Err(stopped) => End::Stopped(stopped),
        }
    }
}
