//! The course of a job: what a server tells of it, as the events of a run here.
//!
//! | message | event |
//! |---|---|
//! | `execution_cached` | planned, cached |
//! | `executing` | started; rows of a batch come back to their steps, which start once |
//! | `progress`, a text | progress with its note |
//! | a preview | preview |
//! | `executed` | the files of a node, which are fetched then |
//! | `progress_state` | finished, failed. Older servers do not send it: there a step ends when the next one begins |
//! | `logs` | log, while the job runs |

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use dreamwire_engine::{Event, Hash, Level, StepReport, Summary, Why};
use serde_json::Value;

use super::frame::{self, Frame};
use super::wires::Wires;

/// What is known of a job.
pub(super) struct Course {
    /// Its id.
    job: String,
    /// The kinds of its nodes.
    kinds: HashMap<String, String>,
    wires: Wires,
    /// Whether it runs, as opposed to waits.
    runs: bool,
    /// Whether it was told how many steps there are.
    is_planned: bool,
    /// Whether the server tells the states of nodes.
    has_states: bool,
    /// The node that works.
    working: Option<String>,
    /// When steps began that have not ended.
    begun: HashMap<String, Instant>,
    /// Those that have ended, in order.
    steps: Vec<StepReport>,
    cached: HashSet<String>,
    failed: Option<String>,
    /// Progress that was not shown yet, because its note comes after it.
    pending: Option<(String, u64, u64)>,
    /// How many other jobs were told last.
    waits: u64,
}

/// What a message means.
pub(super) enum Heard {
    Event(Event),
    /// A node has published files: its `ui` output.
    Files {
        node: String,
        output: Value,
    },
    /// So many other jobs are in the server's queue.
    Waits(u64),
    /// The job has ended.
    Ended,
}

impl Course {
    /// Of a job that was submitted. `kinds` are those of its nodes.
    pub(super) fn new(job: &str, kinds: HashMap<String, String>, wires: Wires) -> Self {
        Course {
            job: job.to_owned(),
            kinds,
            wires,
            runs: false,
            is_planned: false,
            has_states: false,
            working: None,
            begun: HashMap::new(),
            steps: Vec::new(),
            cached: HashSet::new(),
            failed: None,
            pending: None,
            waits: 0,
        }
    }

    /// What a message means for the job.
    pub(super) fn hear(&mut self, frame: Frame) -> Vec<Heard> {
        let mut heard = Vec::new();
        match frame {
            Frame::Note { job, node, text } if self.is_own(job.as_deref()) => {
                self.note(node, text, &mut heard)
            }
            Frame::Note { .. } => {}
            Frame::Preview { job, node, picture } => {
                self.flush(&mut heard);
                let node = node.or_else(|| self.working.clone()).filter(|_| self.is_own(job.as_deref()));
                if let (Some(node), Some(image)) = (node, frame::picture(&picture)) {
                    heard.push(Heard::Event(Event::Preview { node, image }));
                }
            }
            Frame::Told { kind, data } => {
                self.flush(&mut heard);
                match kind.as_str() {
                    "status" => self.queue(&data, &mut heard),
                    "logs" => self.log(&data, &mut heard),
                    _ if data["prompt_id"] == *self.job => self.told(&kind, &data, &mut heard),
                    _ => {}
                }
            }
        }
        heard
    }

    /// What was waiting for more, if nothing comes.
    pub(super) fn quiet(&mut self) -> Vec<Heard> {
        let mut heard = Vec::new();
        self.flush(&mut heard);
        heard
    }

    /// What history adds to what was heard of a job that went well: all, if no socket was there. `messages` are those of
    /// the history.
    pub(super) fn concludes(&mut self, messages: &Value) -> Vec<Heard> {
        let mut heard = Vec::new();
        for message in messages.as_array().into_iter().flatten() {
            if message[0] == "execution_cached" {
                self.found(&message[1]["nodes"], &mut heard);
            }
        }
        // When the others ran is not known.
        let known: HashSet<&String> = self.steps.iter().map(|step| &step.node).collect();
        let mut others: Vec<String> =
            self.wires.wanted(&self.cached).into_iter().filter(|node| !known.contains(node)).collect();
        others.sort();
        let reports: Vec<StepReport> =
            others.iter().map(|node| self.report(node, Some(std::time::Duration::ZERO))).collect();
        self.steps.extend(reports);
        heard
    }

    /// What has run and what was cached, for the last line. Files are told on the way.
    pub(super) fn summary(&mut self) -> Summary {
        Summary { steps: std::mem::take(&mut self.steps), ..Summary::default() }
    }

    /// Notes that a node failed: those that depend on it do not run. Nothing if it was refused before anything ran.
    pub(super) fn fails(&mut self, node: &str) -> Vec<Heard> {
        let mut heard = Vec::new();
        if ![&self.failed, &self.working].contains(&&Some(node.to_owned())) {
            return heard;
        }
        self.failure(node, &mut heard);
        let skipped = self.wires.dependents(node).into_iter();
        let event = |id| Heard::Event(Event::Skipped { node: id, failed: node.to_owned() });
        heard.extend(skipped.map(event));
        heard
    }

    fn is_own(&self, job: Option<&str>) -> bool {
        job.map_or(self.runs, |job| job == self.job)
    }

    fn queue(&mut self, data: &Value, heard: &mut Vec<Heard>) {
        let left = data["status"]["exec_info"]["queue_remaining"].as_u64().unwrap_or(0);
        let others = left.saturating_sub(1);
        if !self.runs && others > 0 && others != self.waits {
            heard.push(Heard::Waits(others));
        }
        self.waits = others;
    }

    fn told(&mut self, kind: &str, data: &Value, heard: &mut Vec<Heard>) {
        self.runs = true;
        match kind {
            "execution_cached" => self.found(&data["nodes"], heard),
            "executing" => match data["node"].as_str() {
                Some(node) => self.starts(node, heard),
                None => {
                    self.no_other_than(None, heard);
                    heard.push(Heard::Ended);
                }
            },
            "progress" => {
                let node = data["node"].as_str().or(self.working.as_deref()).map(str::to_owned);
                let count = |name: &str| data[name].as_f64().map_or(0, |count| count.max(0.0) as u64);
                self.pending = node.map(|node| (node, count("value"), count("max")));
            }
            "progress_state" => {
                self.has_states = true;
                for (node, state) in data["nodes"].as_object().into_iter().flatten() {
                    match state["state"].as_str() {
                        Some("finished") => self.finishes(node, heard),
                        Some("error") => self.failure(node, heard),
                        _ => {}
                    }
                }
            }
            "executed" => {
                if let Some(node) = data["node"].as_str() {
                    heard.push(Heard::Files { node: node.to_owned(), output: data["output"].clone() });
                }
            }
            "execution_success" => {
                self.no_other_than(None, heard);
                heard.push(Heard::Ended);
            }
            "execution_error" | "execution_interrupted" => heard.push(Heard::Ended),
            _ => {}
        }
    }

    fn found(&mut self, nodes: &Value, heard: &mut Vec<Heard>) {
        let nodes: Vec<&str> = nodes.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if !std::mem::replace(&mut self.is_planned, true) {
            let cached = nodes.iter().map(|node| (*node).to_owned()).collect();
            heard.push(Heard::Event(Event::Planned { steps: self.wires.wanted(&cached).len() }));
        }
        for node in nodes {
            if self.cached.insert(node.to_owned()) {
                self.steps.push(self.report(node, None));
                let event = Event::Cached { node: node.to_owned(), why: Why::Unchanged };
                heard.push(Heard::Event(event));
            }
        }
    }

    fn starts(&mut self, node: &str, heard: &mut Vec<Heard>) {
        if !self.has_states {
            self.no_other_than(Some(node), heard);
        }
        self.working = Some(node.to_owned());
        let has_ended = self.steps.iter().any(|step| step.node == node);
        if has_ended || self.begun.contains_key(node) {
            return;
        }
        self.begun.insert(node.to_owned(), Instant::now());
        // Another process knows its steps by other names.
        let identity = Hash::from_bytes([0; 32]);
        let event = Event::Started { node: node.to_owned(), kind: self.kind(node), identity };
        heard.push(Heard::Event(event));
    }

    /// Steps that nothing has said to have ended have, if another one works now.
    fn no_other_than(&mut self, node: Option<&str>, heard: &mut Vec<Heard>) {
        let others = self.begun.keys().filter(|other| Some(other.as_str()) != node);
        let others: Vec<String> = others.cloned().collect();
        others.iter().for_each(|other| self.finishes(other, heard));
    }

    fn finishes(&mut self, node: &str, heard: &mut Vec<Heard>) {
        // Of what was not heard to begin, no time is known.
        let elapsed = self.begun.remove(node).map(|begun| begun.elapsed());
        if self.cached.contains(node) || self.steps.iter().any(|step| step.node == node) {
            return;
        }
        let elapsed = elapsed.unwrap_or_default();
        self.steps.push(self.report(node, Some(elapsed)));
        heard.push(Heard::Event(Event::Finished { node: node.to_owned(), elapsed }));
    }

    fn failure(&mut self, node: &str, heard: &mut Vec<Heard>) {
        self.begun.remove(node);
        if self.failed.is_none() {
            self.failed = Some(node.to_owned());
            heard.push(Heard::Event(Event::Failed { node: node.to_owned() }));
        }
    }

    fn report(&self, node: &str, ran: Option<std::time::Duration>) -> StepReport {
        StepReport { node: node.to_owned(), kind: self.kind(node), ran, published: Vec::new() }
    }

    fn kind(&self, node: &str) -> String {
        self.kinds.get(node).cloned().unwrap_or_default()
    }

    fn note(&mut self, node: String, note: String, heard: &mut Vec<Heard>) {
        match self.pending.take() {
            Some((of, done, total)) if of == node => {
                heard.push(Heard::Event(Event::Progress { node, done, total, note }));
            }
            other => {
                self.pending = other;
                self.flush(heard);
                heard.push(Heard::Event(Event::Progress { node, done: 0, total: 0, note }));
            }
        }
    }

    fn flush(&mut self, heard: &mut Vec<Heard>) {
        if let Some((node, done, total)) = self.pending.take() {
            heard.push(Heard::Event(Event::Progress { node, done, total, note: String::new() }));
        }
    }

    /// Jobs run one after another, so lines are of this one while it runs. What does not have our form, as all that others
    /// write to their consoles, is left out.
    fn log(&self, data: &Value, heard: &mut Vec<Heard>) {
        let lines = data["entries"].as_array().into_iter().flatten().filter_map(|entry| entry["m"].as_str());
        if self.runs {
            heard.extend(lines.filter_map(logged).map(Heard::Event));
        }
    }
}

/// A line of the log: "warning `node`: words".
fn logged(line: &str) -> Option<Event> {
    let (head, message) = line.trim_end().split_once(": ")?;
    let (level, node) = head.split_once(' ').unwrap_or((head, ""));
    let level = match level {
        "error" => Level::Error,
        "warning" => Level::Warn,
        "info" => Level::Info,
        "debug" => Level::Debug,
        "trace" => Level::Trace,
        _ => return None,
    };
    let node = match node {
        "" => "",
        quoted => quoted.strip_prefix('`')?.strip_suffix('`')?,
    };
    Some(Event::Log { node: node.to_owned(), level, message: message.to_owned() })
}

#[cfg(test)]
mod tests;
