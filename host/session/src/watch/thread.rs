//! The run thread. It owns the runner, whose cache shortens the next run.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use dreamwire_engine::{Event, Stamps};

use super::{Listener, Message, Notice};
use crate::{End, Hears, Job, Runner, STACK_BYTES};

/// A run that has ended.
pub(super) struct Ended {
    pub(super) job: Job,
    /// The files that it read.
    pub(super) files: Stamps,
    pub(super) end: End,
    pub(super) elapsed: Duration,
}

/// Passes on what happens during a run.
struct Ears<'a> {
    listener: &'a Listener,
    sender: &'a Sender<Message>,
    files: Mutex<Stamps>,
}

impl Hears for Ears<'_> {
    fn read(&self, files: Stamps) {
        let _ = self.sender.send(Message::Began(files.clone()));
        *self.files.lock().unwrap_or_else(PoisonError::into_inner) = files;
    }

    fn event(&self, event: Event) {
        (self.listener)(Notice::Event(&event));
    }
}

/// A handle to the run thread.
pub(super) struct RunThread {
    jobs: Sender<Job>,
    thread: JoinHandle<()>,
}

impl RunThread {
    /// Starts the thread. The runner is created there, because its values must be dropped on a large stack.
    pub(super) fn start(
        runner: impl FnOnce() -> Box<dyn Runner> + Send + 'static,
        listener: Listener,
        sender: Sender<Message>,
    ) -> std::io::Result<Self> {
        let (jobs, queue) = channel::<Job>();
        let body = move || {
            let mut runner = runner();
            for job in queue {
                let start = Instant::now();
                let hears = Ears { listener: &listener, sender: &sender, files: Mutex::default() };
                let end = runner.run(&job, &hears);
                let files = hears.files.into_inner().unwrap_or_else(PoisonError::into_inner);
                let ended = Ended { job, files, end, elapsed: start.elapsed() };
                if sender.send(Message::Ended(Box::new(ended))).is_err() {
                    return;
                }
            }
        };
        let thread =
            std::thread::Builder::new().name("run".to_owned()).stack_size(STACK_BYTES).spawn(body)?;
        Ok(RunThread { jobs, thread })
    }

    pub(super) fn start_job(&self, job: Job) {
        // If the thread is gone, it has panicked, which `is_gone` reports.
        let _ = self.jobs.send(job);
    }

    /// Whether the thread has ended, which only a fault of this program can cause.
    pub(super) fn is_gone(&self) -> bool {
        self.thread.is_finished()
    }
}
