//! Events of a run as messages to the socket that submitted it.
//!
//! Order of one run: `execution_start`, `execution_cached`, then per node `progress_state`, `executing`, progress and
//! previews, `executed` with what it published, `progress_state`; in the end `execution_success`, `execution_error` or
//! `execution_interrupted`.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use dreamwire_engine::{Event, Published, Stamps, StepReport, Stopped};
use dreamwire_graph::Diagnostic;
use dreamwire_session::events::level_name;
use dreamwire_session::{End, Hears};
use serde_json::{Map, Value, json};

use super::Audience;
use crate::hub::{Frame, preview};
use crate::queue::{Outcome, Record, State, now};

/// The shortest time between two reports of progress.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);
/// Where PreviewImage publishes, below the output folder.
const PREVIEWS: &str = "preview";
/// Files that a browser shows as pictures.
const PICTURES: [&str; 7] = ["png", "jpg", "jpeg", "webp", "gif", "bmp", "qoi"];

/// Tells one run.
pub(crate) struct Telling<'a> {
    audience: &'a Audience,
    record: &'a Record,
    told: Mutex<Told>,
}

/// What has been told so far.
#[derive(Default)]
struct Told {
    outcome: Outcome,
    /// By node, of those that have begun: `{value, max, state, ...}`.
    progress: Map<String, Value>,
    /// Nodes from the cache, until something runs.
    cached: Vec<String>,
    /// Whether `execution_cached` was sent.
    ran: bool,
    /// Nodes that ran.
    executed: Vec<String>,
    /// The node that works.
    working: Option<String>,
    /// The node whose files were published and not told yet.
    published: Option<String>,
    last_progress: Option<Instant>,
    /// The node that failed first.
    failed: Option<String>,
}

impl<'a> Telling<'a> {
    /// Begins: `execution_start`.
    pub(super) fn new(audience: &'a Audience, record: &'a Record) -> Self {
        let telling = Telling { audience, record, told: Mutex::default() };
        telling.keep(&mut telling.lock(), "execution_start", json!({}));
        telling
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn id(&self) -> &str {
        &self.record.order.id
    }

    fn frame(&self, frame: &Frame) {
        self.audience.hub.send(self.record.order.client.as_deref(), frame);
    }

    fn send(&self, kind: &str, data: &Value) {
        self.frame(&Frame::text(kind, data));
    }

    /// Keeps a line of the log, and sends it to all who listen, whoever submitted the job.
    fn log(&self, line: &str) {
        let Audience { hub, logs, redactor, .. } = self.audience;
        let entry = logs.push(&redactor.text(line));
        let listeners = logs.listeners();
        if !listeners.is_empty() {
            let data = json!({ "entries": [entry], "size": { "cols": 80, "rows": 24 } });
            let frame = Frame::text("logs", &data);
            listeners.iter().for_each(|client| hub.send(Some(client), &frame));
        }
    }

    /// Sends a message that history keeps, with the job and the time.
    fn keep(&self, told: &mut Told, kind: &str, mut data: Value) -> Value {
        data["prompt_id"] = json!(self.id());
        data["timestamp"] = json!(now());
        self.send(kind, &data);
        told.outcome.messages.push((kind.to_owned(), data.clone()));
        data
    }

    /// Sends `execution_cached`, once, before anything runs.
    fn tell_cached(&self, told: &mut Told) {
        if !std::mem::replace(&mut told.ran, true) {
            let nodes = std::mem::take(&mut told.cached);
            self.keep(told, "execution_cached", json!({ "nodes": nodes }));
        }
    }

    /// Notes that a node's result is in the cache. Some are known to be only when others have run.
    fn found(&self, told: &mut Told, node: String) {
        if !told.ran {
            told.cached.push(node);
            return;
        }
        let data = json!({ "nodes": [node], "prompt_id": self.id(), "timestamp": now() });
        self.send("execution_cached", &data);
        let kept = told.outcome.messages.iter_mut().find(|(kind, _)| kind == "execution_cached");
        if let Some(Value::Array(nodes)) = kept.and_then(|(_, data)| data.get_mut("nodes")) {
            nodes.push(node.into());
        }
    }

    /// Sends `executed` of the node that has published files.
    fn tell_published(&self, told: &mut Told) {
        let Some(node) = told.published.take() else { return };
        self.tell_cached(told);
        let data = json!({
            "node": node, "display_node": node, "output": told.outcome.outputs[&node], "prompt_id": self.id(),
        });
        self.send("executed", &data);
    }

    fn tell_progress(&self, told: &mut Told, node: &str, state: &str, value: u64, max: u64) {
        let entry = json!({
            "value": value, "max": max, "state": state, "node_id": node, "prompt_id": self.id(),
            "display_node_id": node, "parent_node_id": null, "real_node_id": node,
        });
        told.progress.insert(node.to_owned(), entry);
        let data = json!({ "prompt_id": self.id(), "nodes": told.progress });
        self.send("progress_state", &data);
    }

    fn starts(&self, told: &mut Told, node: &str) {
        self.tell_cached(told);
        if told.working.as_deref() == Some(node) {
            return;
        }
        told.working = Some(node.to_owned());
        self.audience.queue.works_on(node);
        // A batch in pieces comes back to its steps.
        let known = told.progress.get(node).map(|entry| (entry["value"].as_u64(), entry["max"].as_u64()));
        let (value, max) = known.map_or((0, 1), |(value, max)| (value.unwrap_or(0), max.unwrap_or(1)));
        self.tell_progress(told, node, "running", value, max);
        let data = json!({ "node": node, "display_node": node, "prompt_id": self.id() });
        self.send("executing", &data);
    }

    fn advances(&self, told: &mut Told, node: &str, done: u64, total: u64, note: &str) {
        let due = told.last_progress.is_none_or(|last| last.elapsed() >= PROGRESS_EVERY) || done == total;
        if !due {
            return;
        }
        told.last_progress = Some(Instant::now());
        // Without a total nobody knows how far it is.
        let max = if total == 0 { done.max(1) } else { total };
        self.tell_progress(told, node, "running", done, max);
        let data = json!({ "value": done, "max": max, "prompt_id": self.id(), "node": node });
        self.send("progress", &data);
        if !note.is_empty() {
            self.frame(&Frame::note(self.id(), node, &self.audience.redactor.text(note)));
        }
    }

    /// Notes and sends the files of cached steps that were there already. No event tells of them, but clients take what a
    /// job has made from its own messages and its own history.
    fn tell_unchanged(&self, told: &mut Told, steps: &[StepReport]) {
        for StepReport { node, published, .. } in steps.iter().filter(|step| !step.published.is_empty()) {
            let output = published.iter().fold(json!({}), with_file);
            if told.outcome.outputs.get(node) != Some(&output) {
                told.outcome.outputs.insert(node.clone(), output);
                told.published = Some(node.clone());
                self.tell_published(told);
            }
        }
    }

    /// Sends the last message of the run and gives what history keeps.
    pub(crate) fn ended(&self, end: &End, problems: &[Diagnostic]) -> (State, Outcome) {
        let mut told = self.lock();
        self.tell_published(&mut told);
        self.tell_cached(&mut told);
        let state = match end {
            End::Done(summary) => {
                self.tell_unchanged(&mut told, &summary.steps);
                self.keep(&mut told, "execution_success", json!({}));
                State::Completed
            }
            End::Stopped(Stopped::Cancelled) => {
                let node = told.working.clone();
                let kind = self.kind(node.as_deref());
                let data = json!({ "node_id": node, "node_type": kind, "executed": told.executed });
                self.keep(&mut told, "execution_interrupted", data);
                State::Cancelled
            }
            End::Refused(_) | End::Stopped(Stopped::Failed(_)) => {
                let data = self.error(&told, problems);
                let data = self.keep(&mut told, "execution_error", data);
                told.outcome.error = Some(data);
                State::Failed
            }
        };
        (state, std::mem::take(&mut told.outcome))
    }

    /// The data of `execution_error`: the first problem, the others as its trace.
    fn error(&self, told: &Told, problems: &[Diagnostic]) -> Value {
        let first = problems.iter().find(|problem| problem.is_error());
        let node = first.and_then(|problem| Some(problem.subject.as_ref()?.node.clone()));
        let node = node.or_else(|| told.failed.clone());
        let inputs = node.as_deref().and_then(|node| self.record.order.prompt[node]["inputs"].as_object());
        let texts = inputs.into_iter().flatten().map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (name.clone(), json!([text]))
        });
        let words = |problem: &Diagnostic| self.audience.redactor.text(&problem.message);
        let hint = |problem: &Diagnostic| {
            let hint = problem.hint.as_ref()?;
            Some(format!("hint: {}", self.audience.redactor.text(&hint.text)))
        };
        let mut trace: Vec<String> = first.and_then(hint).into_iter().collect();
        let others = problems.iter().filter(|problem| problem.is_error()).skip(1);
        trace.extend(others.flat_map(|problem| std::iter::once(words(problem)).chain(hint(problem))));
        json!({
            "node_id": node,
            "node_type": self.kind(node.as_deref()),
            "executed": told.executed,
            "exception_message": first.map_or_else(|| "the job cannot run".to_owned(), words),
            "exception_type": first.map_or("run::failed", |problem| problem.code.as_str()),
            "input_name": first.and_then(|problem| Some(problem.subject.as_ref()?.input.clone())),
            "traceback": trace,
            "current_inputs": Value::Object(texts.collect()),
            "current_outputs": told.executed,
        })
    }

    /// The kind of a node.
    fn kind(&self, node: Option<&str>) -> Value {
        node.map_or(Value::Null, |node| self.record.order.prompt[node]["class_type"].clone())
    }
}

impl Hears for Telling<'_> {
    fn read(&self, _: Stamps) {}

    fn event(&self, event: Event) {
        let mut told = self.lock();
        // What a node publishes comes at once; anything else means that it has published all.
        if !matches!(event, Event::Published { .. } | Event::Log { .. }) {
            self.tell_published(&mut told);
        }
        match event {
            Event::Cached { node, .. } => self.found(&mut told, node),
            Event::Started { node, .. } | Event::Rows { node, .. } => self.starts(&mut told, &node),
            Event::Progress { node, done, total, note } => {
                self.advances(&mut told, &node, done, total, &note)
            }
            Event::Preview { node, image } => {
                if let Some(jpeg) = preview(&image) {
                    self.frame(&Frame::preview(self.id(), &node, jpeg.into()));
                }
            }
            Event::Published { node, file } => {
                if told.published.as_ref().is_some_and(|other| *other != node) {
                    self.tell_published(&mut told);
                }
                let output = told.outcome.outputs.entry(node.clone()).or_insert_with(|| json!({}));
                *output = with_file(output.take(), &file);
                told.published = Some(node);
            }
            Event::Finished { node, .. } => {
                told.executed.push(node.clone());
                told.working = None;
                let max = told.progress.get(&node).and_then(|entry| entry["max"].as_u64()).unwrap_or(1);
                self.tell_progress(&mut told, &node, "finished", max, max);
            }
            Event::Failed { node } => {
                self.tell_cached(&mut told);
                self.tell_progress(&mut told, &node, "error", 0, 1);
                told.failed.get_or_insert(node);
            }
            Event::Log { node, level, message } => {
                let from = if node.is_empty() { String::new() } else { format!(" `{node}`") };
                self.log(&format!("{}{from}: {message}", level_name(level)));
            }
            Event::Device { device, words } => {
                self.log(&format!("{device}: {words}"));
                self.audience.device.set(device, words);
            }
            Event::Planned { .. } | Event::Explained { .. } | Event::Skipped { .. } => {}
        }
    }
}

/// The output of a node, with one more of its files.
fn with_file(mut output: Value, file: &Published) -> Value {
    let (key, entry) = listed(file);
    let list = output.as_object_mut().map(|output| output.entry(key).or_insert_with(|| json!([])));
    if let Some(Value::Array(list)) = list
        && !list.contains(&entry)
    {
        list.push(entry);
    }
    output
}

/// A published file as clients know it, and the list that it belongs to.
fn listed(file: &Published) -> (&'static str, Value) {
    let (kind, name) = match file.name.strip_prefix(PREVIEWS).and_then(|rest| rest.strip_prefix('/')) {
        Some(name) => ("temp", name),
        None => ("output", file.name.as_str()),
    };
    let (folder, name) = name.rsplit_once('/').unwrap_or(("", name));
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let is_picture = PICTURES.iter().any(|known| extension.eq_ignore_ascii_case(known));
    let entry = json!({ "filename": name, "subfolder": folder, "type": kind });
    (if is_picture { "images" } else { "files" }, entry)
}

#[cfg(test)]
mod tests;
