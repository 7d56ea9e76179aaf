//! Runs a graph, and reruns what changed.
//!
//! The caller's thread watches: when a folder reports a change, it reads and checks the graph, and passes jobs to the
//! run thread (`thread`). `decide` decides what to do next, `graph` holds the state of the graph file, `places` the
//! paths that matter.

mod decide;
mod folders;
mod graph;
mod overridden;
mod places;
mod reload;
mod thread;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use dreamwire_engine::{Disk, Event, Nodes, Plan, Snapshot, Stamps};
use dreamwire_graph::{Diagnostic, Graph, Source};
use dreamwire_loader::Problem;

use crate::{End, Job, PluginChange, Runner, Session, Settings, understand};
use decide::{About, Changes, Due, Runs};
use folders::Folders;
use graph::{Found, Watched};
use overridden::Overridden;
use places::Places;
use thread::{Ended, RunThread};

/// Interval of slow polling, for changes that no folder reports: a replaced folder, a retargeted link, a network disk.
const SLOW_LOOK: Duration = Duration::from_secs(1);
/// How long a run may take to stop.
const STOP: Duration = Duration::from_secs(2);

/// What a watch reports.
pub enum Notice<'a> {
    /// An event of the run in flight.
    Event(&'a Event),
    /// Errors and warnings of the graph.
    Problems {
        /// The text that they are about.
        source: &'a Source,
        /// Unsorted.
        problems: &'a [Diagnostic],
    },
    /// An invalid override.
    BadOverride(&'a str),
    /// The file's value of an overridden input was edited, which has no effect.
    Overridden(&'a str),
    /// A run has ended.
    Ended {
        /// The job that was run.
        job: &'a Job,
        /// How it ended.
        end: &'a End,
        /// How long it took.
        elapsed: Duration,
    },
    /// The graph is missing or empty; the watch waits for it.
    Awaited {
        /// Why it cannot be read.
        why: &'a str,
    },
    /// Plugins were rebuilt, added or removed.
    Plugins {
        /// Problems of loading them.
        problems: &'a [Problem],
        /// What changed; empty if the loaded plugins stay in use.
        changes: &'a [PluginChange],
    },
    /// The system cannot watch folders, so they are polled.
    Polling {
        /// The system's error.
        why: &'a str,
        /// The polling interval.
        every: Duration,
    },
    /// Nothing is left to do until something changes.
    Idle {
        /// Whether a graph has been read.
        seen: bool,
    },
}

/// Receives notices, on any thread.
pub type Listener = Arc<dyn Fn(Notice<'_>) + Send + Sync>;

/// Stops a watch.
#[derive(Clone)]
pub struct Stopper(Sender<Message>);

impl Stopper {
    /// Stops the run in flight and the watch.
    pub fn stop(&self) {
        let _ = self.0.send(Message::Stop);
    }
}

/// The run thread is gone, by a fault of this program, and the watch has ended.
#[derive(Debug)]
pub struct Gone;

/// Messages to the watching thread.
enum Message {
    /// These paths changed; `writing` if their content is not complete yet.
    Changed {
        paths: Vec<PathBuf>,
        writing: bool,
    },
    /// Events were lost.
    Anything,
    /// A run has read its files.
    Began(Stamps),
    Ended(Box<Ended>),
    Stop,
}

/// Watches until it is stopped. `runner` makes the runner, on the thread that will use it; `started` receives the
/// [`Stopper`]. The graph is a file, not standard input.
///
/// # Errors
/// The run thread cannot be started, or was lost.
pub fn watch(
    settings: &Settings,
    session: Session,
    runner: impl FnOnce() -> Box<dyn Runner> + Send + 'static,
    listener: Listener,
    started: impl FnOnce(Stopper),
) -> Result<(), Gone> {
    let (sender, messages) = channel();
    started(Stopper(sender.clone()));
    let thread = RunThread::start(runner, Arc::clone(&listener), sender.clone()).map_err(|_| Gone)?;
    let mut watch = Watch {
        settings,
        places: Places::new(&settings.graph.path, &settings.graph.roots(), &session.search.folders()),
        folders: Folders::new(sender),
        session,
        listener,
        thread,
        changes: Changes::default(),
        graph: Watched::new(),
        overridden: Overridden::default(),
        runs: Runs::Idle,
        latest: None,
        told_idle: false,
    };
    watch.watch_libraries();
    watch.look(Instant::now());
    watch.until_stopped(&messages)
}

struct Watch<'a> {
    settings: &'a Settings,
    session: Session,
    listener: Listener,
    thread: RunThread,
    folders: Folders,
    places: Places,
    changes: Changes,
    graph: Watched,
    overridden: Overridden,
    runs: Runs<Job, Stamps>,
    /// The last valid graph.
    latest: Option<Job>,
    /// [`Notice::Idle`] has been sent.
    told_idle: bool,
}

impl Watch<'_> {
    fn until_stopped(&mut self, messages: &Receiver<Message>) -> Result<(), Gone> {
        loop {
            self.tell_if_idle();
            let now = Instant::now();
            let waits = [self.changes.wait(now), self.graph.wait(now)];
            let wait = waits.into_iter().flatten().min().unwrap_or(SLOW_LOOK);
            match messages.recv_timeout(wait) {
                Ok(Message::Stop) => {
                    self.stop(messages);
                    return Ok(());
                }
                Ok(message) => self.told(message),
                Err(RecvTimeoutError::Timeout) if self.thread.is_gone() => return Err(Gone),
                Err(RecvTimeoutError::Timeout) if wait == SLOW_LOOK => self.slow_look(),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(Gone),
            }
            self.act(Instant::now());
        }
    }

    fn tell(&self, notice: Notice<'_>) {
        (self.listener)(notice);
    }

    fn told(&mut self, message: Message) {
        let now = Instant::now();
        match message {
            Message::Changed { paths, writing } => {
                let about: Vec<About> = paths.iter().filter_map(|path| self.places.about(path)).collect();
                // A link is never closed.
                let writing = writing && !paths.iter().any(|path| path.is_symlink());
                about.into_iter().for_each(|about| self.note(about, writing, now));
            }
            Message::Anything => {
                let all = [About::Graph, About::Inputs, About::Plugins];
                all.into_iter().for_each(|about| self.note(about, false, now));
            }
            Message::Began(files) => {
                self.watch_inputs(&files);
                self.runs.began(files);
            }
            Message::Ended(ended) => self.ended(&ended),
            Message::Stop => {}
        }
    }

    fn note(&mut self, about: About, writing: bool, now: Instant) {
        if about == About::Graph {
            self.graph.note_save(now);
        }
        self.changes.note(about, writing, now);
    }

    fn slow_look(&mut self) {
        if self.graph.is_stale(&self.settings.graph) {
            self.note(About::Graph, false, Instant::now());
        }
    }

    /// Handles changes once the burst of events is over.
    fn act(&mut self, now: Instant) {
        let changes = self.changes.take_due(now);
        if changes != Due::default() {
            let reloaded = changes.plugins && self.reload_plugins();
            if reloaded {
                self.graph.forget();
            }
            let offered = (changes.graph || reloaded) && self.look(now);
            // A new job reads its inputs anyway.
            if changes.inputs && !offered {
                self.inputs_changed();
            }
        }
        if self.graph.wait(now) == Some(Duration::ZERO) {
            self.look(now);
        }
    }

    /// Reads the graph and acts on it. True if there is something to run.
    fn look(&mut self, now: Instant) -> bool {
        let settings = self.settings;
        let found = self.graph.look(&settings.graph, now);
        match found {
            Found::Nothing => return false,
            Found::Awaited { missing, .. } | Found::StillAwaited { missing } => {
                if missing {
                    // Another folder may have taken the name of its folder.
                    self.folders.forget();
                    self.sync_folders();
                }
                if let Found::Awaited { why, .. } = &found {
                    self.told_idle = false;
                    self.tell(Notice::Awaited { why });
                }
                return false;
            }
            Found::Unreadable(..) | Found::Text(..) => {}
        }
        self.told_idle = false;
        self.places.look_at_graph(&settings.graph.path);
        self.sync_folders();
        match found {
            Found::Text(source, parsed) => self.check(source, *parsed),
            Found::Unreadable(source, problems) => {
                self.tell(Notice::Problems { source: &source, problems: &problems });
                false
            }
            _ => false,
        }
    }

    /// Checks a graph and runs it if it is valid.
    fn check(&mut self, source: Source, mut parsed: (Graph, Vec<Diagnostic>)) -> bool {
        let sets = &self.settings.graph.sets;
        // Edits of the editor's own form are known by the names of its values.
        parsed.1.extend(parsed.0.name_widgets(self.session.loader.kinds()));
        for input in self.overridden.edits(&parsed.0, sets) {
            self.tell(Notice::Overridden(&input));
        }
        let mut understood = match understand(parsed, sets, &*self.session.loader, self.settings.judging()) {
            Ok(understood) => understood,
            Err(what) => {
                self.tell(Notice::BadOverride(&what));
                return false;
            }
        };
        let Some(checked) = understood.whole() else {
            self.tell(Notice::Problems { source: &source, problems: &understood.problems });
            return false;
        };
        let scope = self.settings.graph.scope(&understood.provenance);
        self.offer(Job {
            source: Arc::new(source),
            plan: Arc::new(Plan::new(checked, understood.provenance).of(scope)),
            loader: Arc::clone(&self.session.loader),
            options: self.settings.options,
            warnings: understood.problems,
            texts: BTreeMap::new(),
            cancel: Arc::default(),
        });
        true
    }

    /// Runs a job now, or after the run in flight, which is cancelled if its result would differ.
    fn offer(&mut self, job: Job) {
        if let Some(current) = self.runs.current()
            && !current.means_the_same(&job)
        {
            current.cancel.store(true, Ordering::Relaxed);
        }
        self.latest = Some(job.clone());
        if let Some(job) = self.runs.offer(job) {
            self.start(job);
        }
    }

    fn inputs_changed(&mut self) {
        let Some(latest) = &self.latest else { return };
        let job = latest.again();
        if let Runs::Running { job: current, files: Some(files), .. } = &self.runs {
            let world = Disk::new(self.settings.graph.roots(), self.settings.out.clone());
            let now = Snapshot::take(&current.plan, &world).stamps();
            if !now.same_files(files, &current.plan) {
                current.cancel.store(true, Ordering::Relaxed);
            }
        }
        self.offer(job);
    }

    fn start(&mut self, job: Job) {
        self.told_idle = false;
        if !job.warnings.is_empty() {
            self.tell(Notice::Problems { source: &job.source, problems: &job.warnings });
        }
        self.thread.start_job(job);
    }

    fn ended(&mut self, ended: &Ended) {
        let Ended { job, files, end, elapsed } = ended;
        self.tell(Notice::Ended { job, end, elapsed: *elapsed });
        self.watch_inputs(files);
        if let Some(job) = self.runs.ended() {
            // Its warnings were shown when it was offered.
            self.start(Job { warnings: Vec::new(), ..job });
        }
    }

    /// Watches the files that a run has read.
    fn watch_inputs(&mut self, files: &Stamps) {
        self.places.set_inputs(&files.places());
        // Even for the same paths: another folder may have taken the name of a watched one.
        self.sync_folders();
    }

    /// Watches the libraries that are loaded.
    fn watch_libraries(&mut self) {
        let plugins = self.session.loader.plugins();
        self.places.set_libraries(plugins.into_iter().map(|plugin| plugin.path));
        self.sync_folders();
    }

    fn sync_folders(&mut self) {
        if let Some(why) = self.folders.sync(self.places.folders()) {
            self.tell(Notice::Polling { why: &why, every: folders::POLL });
        }
    }

    fn tell_if_idle(&mut self) {
        let now = Instant::now();
        let busy = self.runs.current().is_some()
            || self.graph.wait(now).is_some()
            || self.changes.wait(now).is_some();
        if busy || self.told_idle {
            return;
        }
        self.told_idle = true;
        self.tell(Notice::Idle { seen: self.graph.is_seen() });
    }

    /// Waits for the run in flight to stop, up to a limit.
    fn stop(&mut self, messages: &Receiver<Message>) {
        let Some(current) = self.runs.current() else { return };
        current.cancel.store(true, Ordering::Relaxed);
        let deadline = Instant::now() + STOP;
        while let Ok(message) = messages.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            if matches!(message, Message::Ended(_)) {
                return;
            }
        }
    }
}
