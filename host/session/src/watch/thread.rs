//! The run thread. It owns the runner, whose cache shortens the next run.

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use dreamwire_engine::Snapshot;

use super::{Listener, Message, Notice};
use crate::{End, InProcess, Job, STACK_BYTES};

/// A run that has ended.
pub(super) struct Ended {
    pub(super) job: Job,
    /// The files that it read.
    pub(super) files: Arc<Snapshot>,
    pub(super) end: End,
    pub(super) elapsed: Duration,
}

/// A handle to the run thread.
pub(super) struct RunThread {
    jobs: Sender<Job>,
    thread: JoinHandle<()>,
}

impl RunThread {
    /// Starts the thread. The runner is created there, because its values must be dropped on a large stack.
    pub(super) fn start(
        runner: impl FnOnce() -> InProcess + Send + 'static,
        listener: Listener,
        sender: Sender<Message>,
    ) -> std::io::Result<Self> {
        let (jobs, queue) = channel::<Job>();
        let body = move || {
            let mut runner = runner();
            for job in queue {
                let start = Instant::now();
                let files = Arc::new(runner.read(&job));
                let _ = sender.send(Message::Began(Arc::clone(&files)));
                let end = runner.run(&job, &files, &|event| listener(Notice::Event(&event)));
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
