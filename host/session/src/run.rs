use std::collections::HashMap;

use blake3::Hash;
use dreamwire_engine::{
    Cache, Device, Disk, Engine, Event, Failure, History, Nodes, Options, Record, Run, Snapshot, Stamps,
    Stopped, Summary, preflight, unreadable,
};
use dreamwire_graph::Diagnostic;
use serde::{Deserialize, Serialize};

use crate::{Job, Settings, device};

/// Memory for results in bytes; beyond it the least recently used are dropped.
const MEMORY_BYTES: u64 = 4 << 30;

/// How a run ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum End {
    /// All steps are done.
    Done(Summary),
    /// It did not start: files are missing, or nothing can be published.
    Refused(Vec<Diagnostic>),
    /// It was cancelled, or steps failed.
    Stopped(Stopped),
}

impl End {
    /// The problems to report, the first failure first.
    pub fn problems(&self, job: &Job) -> Vec<Diagnostic> {
        match self {
            End::Done(_) | End::Stopped(Stopped::Cancelled) => Vec::new(),
            End::Refused(problems) => problems.clone(),
            End::Stopped(Stopped::Failed(failures)) => failures
                .iter()
                .map(|failed| failed.failure.diagnostic(&job.plan.graph.nodes[failed.node]))
                .collect(),
        }
    }
}

/// Hears what happens during a run, on any thread.
pub trait Hears: Sync {
    /// The run has read its files.
    fn read(&self, files: Stamps);
    /// Something happened.
    fn event(&self, event: Event);
}

/// Runs jobs, one after another.
pub trait Runner {
    /// Runs a job.
    fn run(&mut self, job: &Job, listener: &dyn Hears) -> End;
}

/// Runs jobs in this process. Must be dropped on a thread with [`STACK_BYTES`](crate::STACK_BYTES) of stack.
pub struct InProcess {
    pub(crate) engine: Engine,
    world: Disk,
    pub(crate) settings: Settings,
    /// What the last run was made of.
    history: History,
    quarantine: HashMap<Hash, Failure>,
    /// Where all runs compute, once that is chosen.
    device: Option<Device>,
}

impl InProcess {
    /// A runner of jobs with these settings.
    pub fn new(settings: &Settings) -> Self {
        let cache = Cache::new(MEMORY_BYTES);
        let (cache, history) = match &settings.cache {
            None => (cache, History::default()),
            Some(folder) => (cache.on_disk(folder.results()), folder.history(&settings.graph.path)),
        };
        let world = world(settings);
        let (engine, settings) = (Engine::new(cache), settings.clone());
        InProcess { engine, world, settings, history, quarantine: HashMap::new(), device: None }
    }

    /// Where the run computes: chosen once, and told then. A device that cannot be used is tried again by the next run.
    pub(crate) fn device(&mut self, job: &Job, emit: &dyn Fn(Event)) -> Result<Device, Vec<Diagnostic>> {
        let (plan, loader) = (&job.plan, &*job.loader);
        let asked = (!self.settings.any_device).then_some(job.options.device);
        if let Some(device) = self.device {
            // What was not built for a device that was only chosen computes on the CPU.
            let problem = asked.and_then(|device| device::misfit(plan, device, loader));
            return problem.map_or(Ok(device), |problem| Err(vec![problem]));
        }
        let chosen = device::chosen(plan, asked, loader).map_err(|problem| vec![problem])?;
        if let Some(words) = chosen.words {
            emit(Event::Device { device: chosen.device, words });
        }
        Ok(*self.device.insert(chosen.device))
    }

    /// What the files that a node publishes would be made of if a job ran now, and which files cannot be read. Nothing runs,
    /// and nothing is written. `None` if there is no such node.
    ///
    /// # Errors
    /// The device cannot be used.
    pub fn record(
        &mut self,
        job: &Job,
        node: &str,
        listener: &dyn Hears,
    ) -> Result<(Option<Record>, Vec<Diagnostic>), Vec<Diagnostic>> {
        let files = Snapshot::take(&job.plan, &self.world);
        let device = self.device(job, &|event| listener.event(event))?;
        let run = Run {
            plan: &job.plan,
            files: &files,
            options: Options { device, ..job.options },
            nodes: &*job.loader,
            world: &self.world,
            emit: &|event| listener.event(event),
            cancel: &job.cancel,
            quarantine: &self.quarantine,
            explain: None,
            texts: &job.texts,
        };
        Ok((Record::of(&run, node, 0), unreadable(&job.plan, &files, &self.world, job.loader.kinds())))
    }

    /// Never tries these steps, by [identity](Event::Started), and gives these failures for them.
    pub fn set_quarantine(&mut self, steps: HashMap<Hash, Failure>) {
        self.quarantine = steps;
    }
}

/// Where a run reads and publishes.
pub(crate) fn world(settings: &Settings) -> Disk {
    let disk = Disk::new(settings.graph.roots(), settings.out.clone());
    if settings.graph.foreign { disk.closed() } else { disk }
}

/// Keeps what a run was made of, to explain the next one by it.
fn remember(settings: &Settings, run: &Run<'_>) -> Option<History> {
    let history = History::of(run).ok()?;
    if let Some(folder) = &settings.cache
        && !settings.graph.is_stdin()
    {
        folder.keep_history(&settings.graph.path, &history);
    }
    Some(history)
}

impl Runner for InProcess {
    fn run(&mut self, job: &Job, listener: &dyn Hears) -> End {
        if !self.settings.replaces {
            // It knows what it has published.
            self.world = world(&self.settings);
        }
        let files = Snapshot::take(&job.plan, &self.world);
        listener.read(files.stamps());
        let device = match self.device(job, &|event| listener.event(event)) {
            Ok(device) => device,
            Err(problems) => return End::Refused(problems),
        };
        let problems = preflight(&job.plan, &files, &self.world, job.loader.kinds());
        if problems.iter().any(Diagnostic::is_error) {
            return End::Refused(problems);
        }
        let run = Run {
            plan: &job.plan,
            files: &files,
            options: Options { device, ..job.options },
            nodes: &*job.loader,
            world: &self.world,
            emit: &|event| listener.event(event),
            cancel: &job.cancel,
            quarantine: &self.quarantine,
            explain: self.settings.explain.then_some(&self.history),
            texts: &job.texts,
        };
        let ended = self.engine.run(&run);
        let history = remember(&self.settings, &run);
        self.history = history.unwrap_or_default();
        match ended {
            Ok(summary) => End::Done(summary),
            Err(stopped) => End::Stopped(stopped),
        }
    }
}
