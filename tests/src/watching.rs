use crate::{Cmd, Folder, built};
use serde_json::Value;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::Child;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Far more than any test needs: only a hang reaches this.
const LIMIT: Duration = Duration::from_secs(60);

/// A running `dreamwire watch`, read through its `--progress json`. It ends when this is dropped.
pub struct Watching {
    child: Child,
    lines: Receiver<String>,
    talk: Arc<Mutex<String>>,
}

impl Watching {
    /// Watches `graph.json` of a folder; files are published under `out` in it.
    pub fn start<S: AsRef<OsStr>>(folder: &Folder, arguments: impl IntoIterator<Item = S>) -> Self {
        Self::of(&built().binary, folder, arguments)
    }

    /// As [`start`](Self::start), with a copy of the program.
    pub fn of<S: AsRef<OsStr>>(
        program: &Path,
        folder: &Folder,
        arguments: impl IntoIterator<Item = S>,
    ) -> Self {
        let words = ["watch", "graph.json", "--out", "out", "--progress", "json"];
        let command = Cmd::of(program, folder.path()).args(words);
        let mut child = command.args(arguments).start();
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let talk = Arc::new(Mutex::new(String::new()));
        let mut stderr = child.stderr.take().expect("stderr is a pipe");
        let heard = Arc::clone(&talk);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = stderr.read(&mut buffer) {
                let text = String::from_utf8_lossy(&buffer[..n]);
                heard.lock().unwrap_or_else(PoisonError::into_inner).push_str(&text);
            }
        });
        Self { child, lines, talk }
    }

    fn parse(line: &str) -> Value {
        serde_json::from_str(line).unwrap_or_else(|e| panic!("`{line}` is no event: {e}"))
    }

    /// What it has said to people so far.
    pub fn talk(&self) -> String {
        self.talk.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The events up to and including the first of this name.
    ///
    /// # Panics
    /// If it does not come, or the program ends.
    #[track_caller]
    pub fn until(&self, event: &str) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            match self.lines.recv_timeout(LIMIT) {
                Ok(line) => events.push(Self::parse(&line)),
                Err(why) => panic!("no `{event}` ({why}) after {events:#?}\n--- stderr\n{}", self.talk()),
            }
            if events.last().is_some_and(|last| last["event"] == event) {
                return events;
            }
        }
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// The number of its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Waits until no event has arrived for a while.
    ///
    /// # Panics
    /// If it has ended.
    #[track_caller]
    pub fn settle(&self) -> Vec<Value> {
        self.quiet(Duration::from_millis(1200))
    }

    /// Waits until no event has arrived for this long.
    ///
    /// # Panics
    /// If it has ended.
    #[track_caller]
    pub fn quiet(&self, time: Duration) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            match self.lines.recv_timeout(time) {
                Ok(line) => events.push(Self::parse(&line)),
                Err(RecvTimeoutError::Timeout) => return events,
                Err(RecvTimeoutError::Disconnected) => panic!("it has ended\n{}", self.talk()),
            }
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
