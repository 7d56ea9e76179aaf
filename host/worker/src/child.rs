//! The side of the run: starts workers and survives them.

use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use blake3::Hash;
use dreamwire_engine::{Event, Failure, FailureKind, Level, Nodes, Stopped};
use dreamwire_graph::{Class, Code, Diagnostic};
use dreamwire_session::{CacheFolder, End, Hears, Job, Runner, Settings};
use tempfile::TempDir;

use crate::protocol::{self, Reply, Request, Setup, Work};
use crate::{ending, memory};

/// How often a waiting run looks whether it was cancelled.
const TICK: Duration = Duration::from_millis(20);
/// How long a worker may take to stop.
const GRACE: Duration = Duration::from_millis(1500);
/// After so many crashes of one step it is not tried again.
const MOST_CRASHES: u32 = 2;
/// After so many builds of plugins a new worker is started: old builds stay in its memory.
const MOST_BUILDS: usize = 8;
/// Lines of standard error that are kept for the report of a crash.
const LAST_WORDS: usize = 5;

/// The code of a worker that ended outside a step.
pub const CRASHED: Code = Code::new("worker::crashed");

/// Runs jobs in a worker process, which is started when it is first needed.
pub struct Child {
    program: PathBuf,
    settings: Settings,
    plugins: Vec<PathBuf>,
    index: Option<PathBuf>,
    worker: Option<Worker>,
    crashes: HashMap<Hash, (u32, Failure)>,
    /// The builds that the worker has run with.
    builds: Vec<String>,
    /// Where results are kept if the user wants no cache: a crash must not lose finished steps.
    _temporary: Option<TempDir>,
}

/// A running worker.
struct Worker {
    process: std::process::Child,
    requests: ChildStdin,
    replies: Receiver<Heard>,
    words: Arc<Mutex<VecDeque<String>>>,
}

/// What comes from a worker.
enum Heard {
    Reply(Box<Reply>),
    /// A line of its standard error.
    Line(String),
    Gone,
}

/// The step that is running.
struct Running {
    node: String,
    kind: String,
    identity: Hash,
    since: Instant,
}

/// How one attempt at a job ended.
enum Attempt {
    End(End),
    /// The worker ended during a step, which is not tried again for this job.
    Crashed(Hash, Failure),
    /// The worker ended outside a step, or could not be started; whether for want of memory.
    Lost(String, bool),
}

impl Child {
    /// A runner that starts `program`, which must call [`serve`](crate::serve) for the command `worker`.
    pub fn new(program: PathBuf, settings: &Settings, plugins: Vec<PathBuf>) -> Self {
        let mut settings = settings.clone();
        // Not in a temporary cache, where it would be of use to nobody else.
        let index = settings.cache.as_ref().map(|cache| cache.path().to_owned());
        let mut temporary = None;
        if settings.cache.is_none() {
            // Named as the loader names its folders, so that it is swept if this process is killed.
            let nonce = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.subsec_nanos());
            let name = format!("dreamwire-{}-0-{nonce:08x}", std::process::id());
            temporary = tempfile::Builder::new().prefix(&name).rand_bytes(0).tempdir().ok();
            settings.cache = temporary.as_ref().map(|folder| CacheFolder::at(folder.path().to_owned()));
        }
        let (worker, crashes, builds) = (None, HashMap::new(), Vec::new());
        Child { program, settings, plugins, index, worker, crashes, builds, _temporary: temporary }
    }

    /// The worker; a new one if there is none, or if it has ended since the last job.
    fn start(&mut self) -> std::io::Result<&mut Worker> {
        let has_ended = |worker: &mut Worker| !matches!(worker.process.try_wait(), Ok(None));
        if self.worker.as_mut().is_some_and(has_ended) {
            self.bury();
        }
        if self.worker.is_none() {
            let (settings, plugins) = (self.settings.clone(), self.plugins.clone());
            let setup = Setup { settings, plugins, index: self.index.clone() };
            self.worker = Some(Worker::start(&self.program, setup)?);
        }
        self.worker.as_mut().ok_or_else(|| std::io::Error::other("there is no worker"))
    }

    /// Runs a job until the worker ends it or ends itself.
    fn attempt(&mut self, job: &Job, quarantine: &HashMap<Hash, Failure>, hears: &dyn Hears) -> Attempt {
        let work = Work {
            name: job.source.name.clone(),
            text: job.source.text.clone(),
            texts: job.texts.clone(),
            quarantine: quarantine.iter().map(|(step, failure)| (*step, failure.clone())).collect(),
        };
        let limit = self.settings.limits.step;
        let worker = match self.start() {
            Ok(worker) => worker,
            Err(error) => {
                let memory = error.kind() == std::io::ErrorKind::OutOfMemory;
                return Attempt::Lost(format!("cannot start the worker process: {error}"), memory);
            }
        };
        // If the worker is gone already, that is heard below.
        let _ = protocol::write(&mut worker.requests, &Request::Run(work));
        let mut running: Option<Running> = None;
        let mut stop: Option<Instant> = None;
        loop {
            match worker.replies.recv_timeout(TICK) {
                Ok(Heard::Reply(reply)) => match *reply {
                    Reply::Read(files) => hears.read(files),
                    Reply::Log(level, message) => hears.event(log(None, level, message)),
                    Reply::End(end) => {
                        return Attempt::End(memory::told(end, self.settings.limits.memory));
                    }
                    Reply::Event(event) => {
                        running = after(running, &event);
                        hears.event(event);
                    }
                },
                Ok(Heard::Line(line)) => hears.event(log(running.as_ref(), Level::Info, line)),
                Ok(Heard::Gone) | Err(RecvTimeoutError::Disconnected) => {
                    let (status, words) = self.bury();
                    let limited = self.settings.limits.memory.is_some();
                    return crashed(job, running, status, &words, limited, hears);
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now = Instant::now();
            match stop {
                None if job.cancel.load(Ordering::Relaxed) => {
                    let _ = protocol::write(&mut worker.requests, &Request::Cancel);
                    stop = Some(now + GRACE);
                }
                Some(deadline) if now > deadline => {
                    self.bury();
                    return Attempt::End(End::Stopped(Stopped::Cancelled));
                }
                _ => {}
            }
            if let (Some(step), Some(limit)) = (&running, limit)
                && now.duration_since(step.since) > limit
            {
                let failure = timed_out(plugin_of(job, step), limit);
                let identity = step.identity;
                hears.event(Event::Failed { node: step.node.clone() });
                self.bury();
                return Attempt::Crashed(identity, failure);
            }
        }
    }

    /// Ends the worker, if it has not ended itself.
    fn bury(&mut self) -> (Option<ExitStatus>, Vec<String>) {
        self.worker.take().map_or((None, Vec::new()), Worker::bury)
    }

    /// The problem of a worker that ended without a step; with a limit of memory, that is probably too low.
    fn not_started(&self, message: &str, memory: bool) -> Diagnostic {
        match self.settings.limits.memory {
            Some(bytes) if memory => memory::too_little(bytes),
            Some(bytes) => {
                memory::limited(format!("{message}; it may use {} of memory", memory::amount(bytes)))
            }
            None => Diagnostic::error(CRASHED, Class::Plugin, message),
        }
    }

    /// Ends the worker if it has held many builds of plugins: none is ever unloaded.
    fn renew(&mut self, job: &Job) {
        let current: Vec<String> = job.loader.plugins().into_iter().map(|plugin| plugin.hash).collect();
        if self.worker.is_none() {
            self.builds.clear();
        }
        for build in &current {
            if !self.builds.contains(build) {
                self.builds.push(build.clone());
            }
        }
        if self.builds.len() >= current.len() + MOST_BUILDS {
            self.bury();
            self.builds = current;
        }
    }
}

impl Runner for Child {
    fn run(&mut self, job: &Job, hears: &dyn Hears) -> End {
        self.renew(job);
        let given_up = self.crashes.iter().filter(|(_, (crashes, _))| *crashes >= MOST_CRASHES);
        let mut quarantine: HashMap<Hash, Failure> =
            given_up.map(|(step, (_, failure))| (*step, not_again(failure))).collect();
        loop {
            match self.attempt(job, &quarantine, hears) {
                Attempt::End(end) => return end,
                Attempt::Crashed(step, failure) => {
                    self.crashes.entry(step).or_insert((0, failure.clone())).0 += 1;
                    // The steps that do not depend on it still run, in a new worker.
                    quarantine.insert(step, failure);
                    if job.cancel.load(Ordering::Relaxed) {
                        return End::Stopped(Stopped::Cancelled);
                    }
                }
                Attempt::Lost(message, memory) => {
                    return End::Refused(vec![self.not_started(&message, memory)]);
                }
            }
        }
    }
}

impl Worker {
    fn start(program: &PathBuf, setup: Setup) -> std::io::Result<Self> {
        let mut command = Command::new(program);
        command.arg("worker").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Signals of the terminal are for the program; it tells the worker.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut process = command.spawn()?;
        let pipes = (process.stdin.take(), process.stdout.take(), process.stderr.take());
        let (Some(mut requests), Some(stdout), Some(stderr)) = pipes else {
            return Err(std::io::Error::other("it has no pipes"));
        };
        let (sender, replies) = channel();
        let words = Arc::default();
        let (of_lines, kept) = (sender.clone(), Arc::clone(&words));
        let lines = std::thread::spawn(move || hear_lines(stderr, &kept, &of_lines));
        std::thread::spawn(move || {
            hear_replies(stdout, &sender);
            // The last words come before the end.
            let _ = lines.join();
            let _ = sender.send(Heard::Gone);
        });
        protocol::write(&mut requests, &Request::Setup(Box::new(setup)))?;
        Ok(Worker { process, requests, replies, words })
    }

    fn bury(mut self) -> (Option<ExitStatus>, Vec<String>) {
        // A process that ended itself has its own status already.
        let ended = self.process.try_wait().ok().flatten();
        if ended.is_none() {
            std::thread::sleep(TICK);
        }
        let ended = self.process.try_wait().ok().flatten();
        if ended.is_none() {
            let _ = self.process.kill();
        }
        let status = self.process.wait().ok();
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        (status, words.iter().cloned().collect())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if let Some(worker) = self.worker.take() {
            let Worker { mut process, requests, .. } = worker;
            // It ends with its standard input.
            drop(requests);
            let deadline = Instant::now() + GRACE;
            while Instant::now() < deadline {
                if !matches!(process.try_wait(), Ok(None)) {
                    return;
                }
                std::thread::sleep(Duration::from_millis(2));
            }
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn hear_replies(stdout: impl Read, heard: &Sender<Heard>) {
    let mut stdout = BufReader::new(stdout);
    while let Ok(reply) = protocol::read(&mut stdout) {
        if heard.send(Heard::Reply(Box::new(reply))).is_err() {
            return;
        }
    }
}

fn hear_lines(stderr: impl Read, words: &Mutex<VecDeque<String>>, heard: &Sender<Heard>) {
    for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        if line.is_empty() {
            continue;
        }
        let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
        words.push_back(line.clone());
        if words.len() > LAST_WORDS {
            words.pop_front();
        }
        drop(words);
        let _ = heard.send(Heard::Line(line));
    }
}

/// The running step after an event.
fn after(running: Option<Running>, event: &Event) -> Option<Running> {
    match event {
        Event::Started { node, kind, identity } | Event::Rows { node, kind, identity, .. } => Some(Running {
            node: node.clone(),
            kind: kind.clone(),
            identity: *identity,
            since: Instant::now(),
        }),
        Event::Finished { node, .. } | Event::Failed { node } => running.filter(|step| step.node != *node),
        _ => running,
    }
}

fn log(running: Option<&Running>, level: Level, message: String) -> Event {
    Event::Log { node: running.map_or(String::new(), |step| step.node.clone()), level, message }
}

fn crashed(
    job: &Job,
    running: Option<Running>,
    status: Option<ExitStatus>,
    words: &[String],
    limited: bool,
    hears: &dyn Hears,
) -> Attempt {
    let Some(step) = running else {
        let (message, memory) = ending::of_worker(status, words, limited);
        return Attempt::Lost(message, memory);
    };
    let failure = ending::of_step(plugin_of(job, &step), status, words, limited);
    hears.event(Event::Failed { node: step.node });
    Attempt::Crashed(step.identity, failure)
}

/// The plugin whose step is running.
fn plugin_of<'a>(job: &'a Job, step: &'a Running) -> &'a str {
    job.loader.kinds().get(&step.kind).map_or(step.kind.as_str(), |kind| &kind.plugin)
}

fn timed_out(plugin: &str, limit: Duration) -> Failure {
    let message = format!("plugin `{plugin}` did not end within {} s", limit.as_secs_f64());
    Failure::new(FailureKind::TimedOut, message).hint("it may hang, or need more time")
}

fn not_again(failure: &Failure) -> Failure {
    let message = format!(
        "{}; it is not tried again until its plugin, its params or its inputs change",
        failure.message
    );
    Failure { message, ..failure.clone() }
}
