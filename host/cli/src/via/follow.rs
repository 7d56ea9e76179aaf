//! Follows a job to its end: by the server's socket, and by its history where there is no socket.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use dreamwire_engine::{Disk, Summary};
use dreamwire_graph::{Diagnostic, Graph};
use serde_json::Value;

use super::client::Client;
use super::course::{Course, Heard};
use super::files::Fetched;
use super::problems;
use super::socket::Socket;
use crate::exit::Exit;
use crate::output::Refused;
use crate::progress::Listener;

/// After so long without a message the history is looked at.
const SILENCE: Duration = Duration::from_secs(10);
/// The pause between two looks where there is no socket.
const PAUSE: Duration = Duration::from_millis(500);
/// How long a server may be away, as one that is started again.
const AWAY: Duration = Duration::from_secs(60);
/// How long a job that has ended may take to be in the history.
const SETTLE: Duration = Duration::from_secs(10);

/// How a job ended.
pub(super) enum End {
    Done(Summary),
    Cancelled,
    Failed(Vec<Diagnostic>),
}

/// What following a job needs.
pub(super) struct Follow<'a> {
    pub(super) client: &'a Client,
    /// The name of our socket.
    pub(super) name: &'a str,
    pub(super) job: &'a str,
    pub(super) graph: &'a Graph,
    pub(super) disk: &'a Disk,
    pub(super) listener: &'a Listener,
    pub(super) cancel: &'a AtomicBool,
    pub(super) course: Course,
    pub(super) fetched: Fetched,
}

impl Follow<'_> {
    /// Follows it.
    ///
    /// # Errors
    /// The server is away for too long, or does not know the job any more.
    pub(super) fn until_end(mut self, mut socket: Option<Socket>) -> Result<End, Refused> {
        let (mut heard, mut away) = (Instant::now(), None);
        while !self.cancel.load(Ordering::Relaxed) {
            let Some(connected) = &mut socket else {
                std::thread::sleep(PAUSE);
                match self.entry() {
                    Ok(Some(entry)) => return Ok(self.settled(&entry)),
                    Ok(None) => away = None,
                    Err(refused) => {
                        let since: &mut Instant = away.get_or_insert_with(Instant::now);
                        if refused.exit != Exit::TRY_LATER || since.elapsed() > AWAY {
                            return Err(self.lost(refused));
                        }
                        continue;
                    }
                }
                socket = open(self.client, self.name);
                continue;
            };
            match connected.next() {
                Ok(Some(frame)) => {
                    heard = Instant::now();
                    let found = self.course.hear(frame);
                    if self.show(found) {
                        return self.ended();
                    }
                }
                Ok(None) => {
                    let found = self.course.quiet();
                    self.show(found);
                    if heard.elapsed() > SILENCE {
                        heard = Instant::now();
                        if let Ok(Some(entry)) = self.entry() {
                            return Ok(self.settled(&entry));
                        }
                    }
                }
                Err(_) => socket = None,
            }
        }
        Ok(End::Cancelled)
    }

    /// Shows what was heard. True if the job has ended.
    fn show(&mut self, heard: Vec<Heard>) -> bool {
        let mut ended = false;
        for heard in heard {
            match heard {
                Heard::Event(event) => self.listener.hear(&event),
                Heard::Files { node, output } => self.fetch(&node, &output),
                Heard::Waits(others) => {
                    let are = if others == 1 { "job is" } else { "jobs are" };
                    self.listener.note(&format!("waiting: {others} other {are} in the server's queue"));
                }
                Heard::Ended => ended = true,
            }
        }
        ended
    }

    fn fetch(&mut self, node: &str, output: &Value) {
        for event in self.fetched.fetch(self.graph, node, output, self.disk, self.client) {
            self.listener.hear(&event);
        }
    }

    /// What history has of the job, if it has ended.
    ///
    /// # Errors
    /// No answer, or neither the history nor the queue knows the job.
    fn entry(&self) -> Result<Option<Value>, Refused> {
        let look = || {
            let mut history = self.client.get(&format!("/history/{}", self.job), &[])?.json();
            Ok::<_, Refused>(history.get_mut(self.job).map(Value::take))
        };
        if let Some(entry) = look()? {
            return Ok(Some(entry));
        }
        let queue = self.client.get("/queue", &[])?.json();
        let lists = ["queue_running", "queue_pending"].map(|list| queue[list].as_array());
        let mut jobs = lists.iter().flatten().flat_map(|jobs| jobs.iter());
        if !queue.is_object() || jobs.any(|job| job[1] == *self.job) {
            return Ok(None);
        }
        // It may have ended between the two.
        match look()? {
            Some(entry) => Ok(Some(entry)),
            None => Err(Refused {
                message: format!("the server {} does not know the job any more", self.client.address),
                hint: Some("it was started anew, or somebody has deleted the job".to_owned()),
                exit: Exit::USAGE,
            }),
        }
    }

    fn lost(&self, refused: Refused) -> Refused {
        match refused.exit {
            Exit::TRY_LATER => Refused {
                hint: Some(format!("its job {} may go on; run the graph again for its files", self.job)),
                ..refused
            },
            _ => Refused { exit: Exit::TRY_LATER, ..refused },
        }
    }

    /// Waits until history has a job that has ended: its files and its errors are there.
    fn ended(mut self) -> Result<End, Refused> {
        let began = Instant::now();
        while !self.cancel.load(Ordering::Relaxed) {
            match self.entry() {
                Ok(Some(entry)) => return Ok(self.settled(&entry)),
                Ok(None) if began.elapsed() < SETTLE => std::thread::sleep(Duration::from_millis(20)),
                Ok(None) => {
                    let message =
                        format!("the server {} does not tell how the job ended", self.client.address);
                    return Err(Refused { message, hint: None, exit: Exit::TRY_LATER });
                }
                Err(refused) => return Err(self.lost(refused)),
            }
        }
        Ok(End::Cancelled)
    }

    /// The end of a job, by its history.
    fn settled(&mut self, entry: &Value) -> End {
        for (node, output) in entry["outputs"].as_object().into_iter().flatten() {
            self.fetch(node, output);
        }
        let problems = std::mem::take(&mut self.fetched.problems);
        let verdict = verdict(entry);
        if verdict == Verdict::Success {
            let found = self.course.concludes(&entry["status"]["messages"]);
            self.show(found);
        }
        match verdict {
            Verdict::Success if problems.is_empty() => End::Done(self.course.summary()),
            Verdict::Success => End::Failed(problems),
            Verdict::Interrupted => End::Cancelled,
            Verdict::Failed(data) => {
                let skipped = data["node_id"].as_str().map(|node| self.course.fails(node));
                self.show(skipped.unwrap_or_default());
                let mut failed = problems::of_run(self.graph, &data);
                failed.extend(problems);
                End::Failed(failed)
            }
        }
    }
}

/// Connects, and asks for the lines of the log.
pub(super) fn open(client: &Client, name: &str) -> Option<Socket> {
    let socket = Socket::connect(&client.address, client.bearer.as_deref(), name).ok()?;
    client.subscribe(name);
    Some(socket)
}

#[derive(Debug, PartialEq)]
enum Verdict {
    Success,
    Interrupted,
    /// The data of `execution_error`.
    Failed(Value),
}

/// How a job ended that is in the history.
fn verdict(entry: &Value) -> Verdict {
    let status = &entry["status"];
    let messages = status["messages"].as_array().into_iter().flatten();
    for message in messages {
        match message[0].as_str() {
            Some("execution_interrupted") => return Verdict::Interrupted,
            Some("execution_error") => return Verdict::Failed(message[1].clone()),
            _ => {}
        }
    }
    // A job that was cancelled before it began, and one of a server that keeps no messages.
    match (status["status_str"].as_str(), status["completed"].as_bool()) {
        (Some("success"), _) | (None, None | Some(true)) => Verdict::Success,
        _ => Verdict::Failed(Value::Null),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn history_says_how_a_job_ended() {
        let of = |status: Value| verdict(&json!({ "status": status }));
        let success =
            json!({ "status_str": "success", "completed": true, "messages": [["execution_start", {}]] });
        assert_eq!(of(success), Verdict::Success);
        let stopped = json!({ "status_str": "error", "messages": [["execution_interrupted", {}]] });
        assert_eq!(of(stopped), Verdict::Interrupted);
        let data = json!({ "node_id": "a" });
        let failed = json!({ "status_str": "error", "messages": [["execution_error", data]] });
        assert_eq!(of(failed), Verdict::Failed(json!({ "node_id": "a" })));
        assert_eq!(of(json!({ "status_str": "error" })), Verdict::Failed(Value::Null));
        assert_eq!(verdict(&json!({})), Verdict::Success);
    }
}
