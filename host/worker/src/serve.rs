//! The worker: reads jobs from standard input and runs them.

use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use dreamwire_engine::{Event, Plan, Stamps};
use dreamwire_graph::{Class, Code, Diagnostic, Source, parse};
use dreamwire_loader::{Loader, Problem, take_log};
use dreamwire_session::{End, Hears, InProcess, Job, Judging, Runner, Session, understand};

use crate::memory;
use crate::protocol::{self, Reply, Request, Setup, Work};

/// The shortest time between two previews of a node.
const PREVIEW_EVERY: Duration = Duration::from_millis(200);
/// The code of plugins that this process cannot load.
const PLUGINS: Code = Code::new("worker::plugins");
/// The code of overrides that do not fit the graph.
const OVERRIDES: Code = Code::new("worker::overrides");
/// The exit code of a worker that was not started by this program.
const USAGE: i32 = 2;

/// Serves jobs until standard input ends. Call it on a thread with a large stack; it returns the exit code.
pub fn serve() -> i32 {
    let Ok(replies) = take_standard_output() else { return USAGE };
    let replies = Mutex::new(replies);
    let mut requests = io::stdin();
    let Ok(Request::Setup(setup)) = protocol::read::<Request>(&mut requests) else { return USAGE };
    limit_memory(&setup);
    let cancel: Arc<Mutex<Arc<AtomicBool>>> = Arc::default();
    let (sender, queue) = channel();
    let of_reader = Arc::clone(&cancel);
    let limit = setup.settings.limits.memory;
    let reader = std::thread::Builder::new().spawn(move || read_requests(requests, &sender, &of_reader));
    if reader.is_err() {
        // It takes the job to refuse it; the next one gets a new process.
        if let (Some(bytes), Ok(_)) = (limit, protocol::read::<Request>(&mut io::stdin())) {
            say(&replies, &Reply::End(End::Refused(vec![memory::too_little(bytes)])));
        }
        return USAGE;
    }
    match Worker::open(*setup) {
        Ok(worker) => worker.work(&queue, &replies, &cancel),
        Err(problems) => {
            let lines: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
            let refused = match limit {
                Some(bytes) => memory::too_little(bytes),
                None => Diagnostic::error(PLUGINS, Class::Plugin, lines.join("; ")),
            };
            while queue.recv().is_ok() {
                say(&replies, &Reply::End(End::Refused(vec![refused.clone()])));
            }
        }
    }
    0
}

struct Worker {
    session: Session,
    runner: InProcess,
    setup: Setup,
}

impl Worker {
    fn open(setup: Setup) -> Result<Self, Vec<Problem>> {
        let settings = &setup.settings;
        let index = setup.index.as_deref();
        // A library that crashes when it is opened would end this process with every job.
        let opener = std::env::current_exe().ok();
        let threads = settings.options.threads;
        let (session, problems) = Session::open(&setup.plugins, threads, index, opener.as_deref())?;
        if settings.limits.memory.is_some() && !problems.is_empty() {
            // The parent has opened them, so it is the limit that keeps them out.
            return Err(problems);
        }
        let runner = InProcess::new(settings);
        Ok(Self { session, runner, setup })
    }

    fn work(
        mut self,
        queue: &Receiver<Work>,
        replies: &Mutex<impl Write + Send>,
        cancel: &Mutex<Arc<AtomicBool>>,
    ) {
        for work in queue {
            let flag = Arc::new(AtomicBool::new(false));
            *cancel.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&flag);
            self.reload();
            let end = self.run(work, flag, replies);
            for (level, line) in take_log() {
                say(replies, &Reply::Log(level, line));
            }
            say(replies, &Reply::End(end));
        }
    }

    /// Loads plugins that were rebuilt; broken ones leave the old builds in use, which the watch has reported.
    fn reload(&mut self) {
        let threads = self.setup.settings.options.threads;
        let Session { search, loader, index } = &self.session;
        let (new, problems) = Loader::load(search, threads, Some(&**loader), index.as_ref());
        if !problems.iter().any(|problem| problem.fatal) {
            self.session.loader = Arc::new(new);
        }
    }

    fn run(&mut self, work: Work, cancel: Arc<AtomicBool>, replies: &Mutex<impl Write + Send>) -> End {
        let source = Source::new(work.name, &work.text);
        let settings = &self.setup.settings;
        let understood =
            understand(parse(&source), &settings.graph.sets, &*self.session.loader, Judging::Here);
        let mut understood = match understood {
            Ok(understood) => understood,
            Err(what) => {
                return End::Refused(vec![Diagnostic::error(OVERRIDES, Class::Graph, what)]);
            }
        };
        let Some(checked) = understood.whole() else { return End::Refused(understood.problems) };
        let scope = settings.graph.scope(&understood.provenance);
        let job = Job {
            source: Arc::new(source),
            plan: Arc::new(Plan::new(checked, understood.provenance).of(scope)),
            loader: Arc::clone(&self.session.loader),
            options: settings.options,
            warnings: Vec::new(),
            texts: work.texts,
            cancel,
        };
        self.runner.set_quarantine(work.quarantine.into_iter().collect());
        self.runner.run(&job, &Teller::new(replies))
    }
}

/// Sends what happens.
struct Teller<'a, W> {
    replies: &'a Mutex<W>,
    /// The node of the last preview, and when it was.
    previewed: Mutex<Option<(String, Instant)>>,
}

impl<'a, W> Teller<'a, W> {
    fn new(replies: &'a Mutex<W>) -> Self {
        Self { replies, previewed: Mutex::default() }
    }

    /// Whether a picture is sent: megabytes many times a second would slow down the step that makes them.
    fn is_due(&self, node: &str) -> bool {
        let mut previewed = self.previewed.lock().unwrap_or_else(PoisonError::into_inner);
        let due = previewed.as_ref().is_none_or(|(of, at)| of != node || at.elapsed() >= PREVIEW_EVERY);
        if due {
            *previewed = Some((node.to_owned(), Instant::now()));
        }
        due
    }
}

impl<W: Write + Send> Hears for Teller<'_, W> {
    fn read(&self, files: Stamps) {
        say(self.replies, &Reply::Read(files));
    }

    fn event(&self, event: Event) {
        if let Event::Preview { node, .. } = &event
            && !self.is_due(node)
        {
            return;
        }
        say(self.replies, &Reply::Event(event));
    }
}

fn say(replies: &Mutex<impl Write>, reply: &Reply) {
    // If nobody listens any more, standard input has ended too.
    let _ = protocol::write(&mut *replies.lock().unwrap_or_else(PoisonError::into_inner), reply);
}

fn read_requests(mut requests: impl Read, queue: &Sender<Work>, cancel: &Mutex<Arc<AtomicBool>>) {
    loop {
        match protocol::read::<Request>(&mut requests) {
            Ok(Request::Run(work)) => {
                if queue.send(work).is_err() {
                    leave();
                }
            }
            Ok(Request::Cancel) => {
                cancel.lock().unwrap_or_else(PoisonError::into_inner).store(true, Ordering::Relaxed);
            }
            Ok(Request::Setup(_)) => {}
            // The parent is gone, perhaps killed: a step may run for minutes, but nobody wants its result.
            Err(_) => leave(),
        }
    }
}

/// Ends the process without running exit handlers of plugins, whose threads may still use what those destroy.
#[cfg(unix)]
fn leave() -> ! {
    signal_hook::low_level::exit(0)
}

#[cfg(not(unix))]
fn leave() -> ! {
    std::process::exit(0)
}

/// Keeps standard output for the protocol; what plugins print goes to standard error.
#[cfg(unix)]
fn take_standard_output() -> io::Result<impl Write + Send> {
    use std::os::fd::AsFd;
    let replies = io::stdout().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    Ok(std::fs::File::from(replies))
}

#[cfg(not(unix))]
fn take_standard_output() -> io::Result<impl Write + Send> {
    Ok(io::stdout())
}

#[cfg(unix)]
fn limit_memory(setup: &Setup) {
    use rustix::process::{Resource, Rlimit, setrlimit};
    if let Some(bytes) = setup.settings.limits.memory {
        let _ = setrlimit(Resource::As, Rlimit { current: Some(bytes), maximum: Some(bytes) });
    }
}

#[cfg(not(unix))]
fn limit_memory(_: &Setup) {}
