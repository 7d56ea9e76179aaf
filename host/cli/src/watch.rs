//! `dreamwire watch`: runs a graph, and again whatever changed.
//!
//! One thread looks (this one): it reads the graph when a folder says that something changed, checks it, and hands jobs
//! to the thread that runs (`worker`). What to do next is decided in `decide`, which paths matter in `places`.

mod decide;
mod folders;
mod places;
mod reload;
mod worker;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant, SystemTime};

use dreamwire_engine::Plan;
use dreamwire_graph::{Source, parse};
use dreamwire_loader::take_log;
use serde_json::json;

use crate::args::{Global, RunArgs};
use crate::console::Console;
use crate::exit::Exit;
use crate::progress::Listener;
use crate::run::{engine, explain, options};
use crate::session::{Session, understand, world};
use crate::{graph_file, interrupt};
use decide::{About, Changes, Look, Next, Runs, next};
use folders::Folders;
use places::Places;
use worker::{Began, Contents, End, Ended, Job, Worker, contents};

/// A slow look catches what no folder tells: a replaced folder, a swapped link, a network disk.
const SLOW_LOOK: Duration = Duration::from_secs(1);
/// How long a run may take to stop.
const STOP: Duration = Duration::from_secs(2);

/// What the looking thread is told.
enum Message {
    /// these paths changed
    Changed(Vec<PathBuf>),
    /// events were lost
    Anything,
    Began(Began),
    Ended(Box<Ended>),
    Interrupted,
}

/// `dreamwire watch`
pub(crate) fn watch(args: &RunArgs, global: &Global, console: Console) -> Exit {
    if graph_file::is_stdin(&args.graph.path) {
        console.talk("error: `watch` needs a file, not standard input");
        return Exit::USAGE;
    }
    let session = match Session::open(&global.plugins, args.threads(), console) {
        Ok(session) => session,
        Err(exit) => return exit,
    };
    let listener = Arc::new(Listener::new(args.progress, console));
    let (sender, messages) = channel();
    let (signal, told) = (sender.clone(), Arc::clone(&listener));
    interrupt::on_signal(move || {
        told.talk("stopping; once more to stop at once");
        let _ = signal.send(Message::Interrupted);
    });
    let options = options(args);
    let start = move || engine(options);
    let worker = match Worker::start(start, world(args), Arc::clone(&listener), sender.clone()) {
        Ok(worker) => worker,
        Err(error) => {
            console.talk(&format!("error: cannot start a thread: {error}"));
            return Exit::BUG;
        }
    };
    let mut watch = Watch {
        args,
        places: Places::new(&args.graph.path, &session.search.folders()),
        folders: Folders::new(sender),
        session,
        listener,
        worker,
        changes: Changes::default(),
        runs: Runs::new(),
        again: None,
        saved: None,
        stamp: None,
        seen: None,
        latest: None,
        current: None,
        asked: Vec::new(),
        idle: false,
    };
    watch.sync_folders();
    watch.look(Instant::now());
    watch.until_interrupted(&messages)
}

struct Watch<'a> {
    args: &'a RunArgs,
    session: Session,
    listener: Arc<Listener>,
    worker: Worker,
    folders: Folders,
    places: Places,
    changes: Changes,
    runs: Runs<Job>,
    /// when to look at the graph again
    again: Option<Instant>,
    /// the last sign of a save
    saved: Option<Instant>,
    stamp: Option<(u64, SystemTime)>,
    /// the bytes that were last checked
    seen: Option<Vec<u8>>,
    /// the last valid graph
    latest: Option<Job>,
    /// the run in flight, and what its files hold once it has read them
    current: Option<(Job, Option<Contents>)>,
    asked: Vec<PathBuf>,
    /// it has been said that nothing is left to do
    idle: bool,
}

impl Watch<'_> {
    fn until_interrupted(&mut self, messages: &Receiver<Message>) -> Exit {
        loop {
            self.tell_if_idle();
            let now = Instant::now();
            let again = self.again.map(|at| at.saturating_duration_since(now));
            let wait = [self.changes.wait(now), again].into_iter().flatten().min().unwrap_or(SLOW_LOOK);
            match messages.recv_timeout(wait) {
                Ok(Message::Interrupted) => return self.stop(messages),
                Ok(message) => self.told(message),
                Err(RecvTimeoutError::Timeout) if self.worker.is_gone() => return Exit::BUG,
                Err(RecvTimeoutError::Timeout) if wait == SLOW_LOOK => self.slow_look(),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Exit::BUG,
            }
            self.act(Instant::now());
        }
    }

    fn told(&mut self, message: Message) {
        let now = Instant::now();
        match message {
            Message::Changed(paths) => {
                let about: Vec<About> = paths.iter().filter_map(|path| self.places.about(path)).collect();
                about.into_iter().for_each(|about| self.note(about, now));
            }
            Message::Anything => {
                [About::Graph, About::Inputs, About::Plugins]
                    .into_iter()
                    .for_each(|about| self.note(about, now));
            }
            Message::Began(began) => {
                if let Some((_, contents)) = &mut self.current {
                    *contents = Some(began.contents);
                }
                self.watch_inputs(began.asked);
            }
            Message::Ended(ended) => self.ended(*ended),
            Message::Interrupted => {}
        }
    }

    fn note(&mut self, about: About, now: Instant) {
        if about == About::Graph {
            self.saved = Some(now);
        }
        self.changes.note(about, now);
    }

    fn slow_look(&mut self) {
        if graph_file::stamp(&self.args.graph.path) != self.stamp {
            self.note(About::Graph, Instant::now());
        }
    }

    /// Looks at what has changed once the burst of events is over.
    fn act(&mut self, now: Instant) {
        if self.changes.wait(now) == Some(Duration::ZERO) {
            let changes = std::mem::take(&mut self.changes);
            let reloaded = changes.plugins && self.reload_plugins();
            if reloaded {
                // The same text may mean something else now.
                self.seen = None;
            }
            let offered = (changes.graph || reloaded) && self.look(now);
            // A new graph reads its inputs anew anyway.
            if changes.inputs && !offered {
                self.inputs_changed();
            }
        }
        if self.again.is_some_and(|at| at <= now) {
            self.look(now);
        }
    }

    /// Reads the graph and does what follows from it. True: there is something to run.
    fn look(&mut self, now: Instant) -> bool {
        self.again = None;
        let args = self.args;
        let path = &args.graph.path;
        self.stamp = graph_file::stamp(path);
        let read = graph_file::bytes(path);
        let mut found = None;
        let look = match &read {
            Err(_) => Look::Missing,
            Ok(bytes) if bytes.iter().all(u8::is_ascii_whitespace) => Look::Empty,
            Ok(bytes) if self.seen.as_ref() == Some(bytes) => Look::Same,
            Ok(bytes) => {
                let (source, problems) = Source::from_bytes(path.display().to_string(), bytes);
                let whole = problems.is_empty() && !parse(&source).0.damaged;
                found = Some((source, problems));
                if whole { Look::Whole } else { Look::Broken }
            }
        };
        // Without any sign of a save nobody is in the middle of one.
        let since = self.saved.map_or(Duration::MAX, |saved| now.saturating_duration_since(saved));
        match next(look, since) {
            Next::Nothing => false,
            Next::Again(wait) => {
                self.again = Some(now + wait);
                false
            }
            Next::Wait => {
                self.wait_for_graph(look, read.err());
                false
            }
            Next::Check => {
                self.idle = false;
                self.places.look_at_graph(path);
                self.sync_folders();
                self.seen = read.ok();
                match found {
                    Some((source, problems)) if problems.is_empty() => self.check(source),
                    Some((source, mut problems)) => {
                        self.listener.problems(&source, &mut problems);
                        false
                    }
                    None => false,
                }
            }
        }
    }

    fn wait_for_graph(&mut self, look: Look, error: Option<std::io::Error>) {
        // Back again, it is new even if it is the same.
        if self.seen.take().is_some() || !self.idle {
            self.idle = false;
            let why = error.map_or_else(|| "it is empty".to_owned(), |error| error.to_string());
            self.listener.talk(&format!("waiting for `{}`: {why}", self.args.graph.path.display()));
        }
        if look == Look::Missing {
            // Its folder may have been replaced by another one of the same name.
            self.folders.forget();
            self.sync_folders();
        }
    }

    /// Checks a graph that could be read, and runs it if it means something.
    fn check(&mut self, source: Source) -> bool {
        match understand(&source, &self.args.graph.set, self.session.kinds()) {
            Err(what) => {
                self.listener.talk(&format!("error: {what}"));
                self.listener.tell(&json!({ "event": "error", "code": "usage", "message": what }));
                false
            }
            Ok(understood) => match understood.checked {
                None => {
                    let mut problems = understood.problems;
                    self.listener.problems(&source, &mut problems);
                    false
                }
                Some(checked) => {
                    let plan = Plan::new(checked, understood.provenance);
                    self.offer(Job {
                        source: Arc::new(source),
                        plan: Arc::new(plan),
                        loader: Arc::clone(&self.session.loader),
                        warnings: understood.problems,
                        cancel: Arc::new(AtomicBool::new(false)),
                    });
                    true
                }
            },
        }
    }

    /// Runs a job now, or after the run in flight, which is stopped if the job means something else.
    fn offer(&mut self, job: Job) {
        if let Some((current, _)) = &self.current
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
        // Reads the files afresh; the world of the run in flight keeps what it has read.
        if let Some((current, Some(had))) = &self.current
            && contents(&current.plan, &world(self.args)) != *had
        {
            current.cancel.store(true, Ordering::Relaxed);
        }
        self.offer(job);
    }

    fn start(&mut self, job: Job) {
        self.idle = false;
        let mut warnings = job.warnings.clone();
        self.listener.problems(&job.source, &mut warnings);
        self.current = Some((job.clone(), None));
        self.worker.start_job(job);
    }

    fn ended(&mut self, ended: Ended) {
        self.current = None;
        self.listener.log(take_log());
        match &ended.end {
            End::Done(summary) => self.listener.done(summary, ended.elapsed),
            End::Refused(problems) => {
                self.listener.problems(&ended.job.source, &mut problems.clone());
            }
            End::Stopped(stopped) => {
                explain(&self.listener, &ended.job.source, &ended.job.plan, stopped);
            }
        }
        self.watch_inputs(ended.asked);
        if let Some(job) = self.runs.ended() {
            // What is asked for twice warns once.
            self.start(Job { warnings: Vec::new(), ..job });
        }
    }

    /// Watches the files that a run has asked for.
    fn watch_inputs(&mut self, asked: Vec<PathBuf>) {
        if asked != self.asked {
            self.places.set_inputs(&asked);
            self.asked = asked;
            self.sync_folders();
        }
    }

    fn sync_folders(&mut self) {
        if let Some(text) = self.folders.sync(self.places.folders()) {
            self.listener.talk(&text);
        }
    }

    fn tell_if_idle(&mut self) {
        let busy = self.runs.running() || self.again.is_some() || self.changes.wait(Instant::now()).is_some();
        if busy || self.idle {
            return;
        }
        self.idle = true;
        self.listener.tell(&json!({ "event": "waiting" }));
        if self.seen.is_some() {
            self.listener.talk(&format!("watching `{}`", name(&self.args.graph.path)));
        }
    }

    /// Waits for the run in flight to stop, but not for ever.
    fn stop(&mut self, messages: &Receiver<Message>) -> Exit {
        let Some((current, _)) = &self.current else { return Exit::INTERRUPTED };
        current.cancel.store(true, Ordering::Relaxed);
        let deadline = Instant::now() + STOP;
        while let Ok(message) = messages.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            if matches!(message, Message::Ended(_)) {
                break;
            }
        }
        Exit::INTERRUPTED
    }
}

fn name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}
