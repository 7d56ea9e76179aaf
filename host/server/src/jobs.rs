//! The thread that runs jobs, one after another, in a worker process.

mod tell;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use dreamwire_engine::{FailureKind, Plan, Stopped};
use dreamwire_graph::{Diagnostic, Source, parse};
use dreamwire_session::{End, Job, Judging, Runner, Settings, understand};
use dreamwire_worker::{CRASHED, Child};
use serde_json::{Map, Value, json};

use crate::catalogue::machine::DeviceInUse;
use crate::diagnose::needed;
use crate::files::logs::Logs;
use crate::hub::{Frame, Hub};
use crate::plugins::Plugins;
use crate::queue::{Outcome, Queue, Record, State, now};
use crate::redact::Redactor;
use tell::Telling;

/// What a graph of the queue is called in messages.
const NAME: &str = "prompt";

/// From a request to the first message of its job. Clients begin to listen for a job when they have its id, and some
/// (comfy-script, @stable-canvas/comfyui-client) wait for ever for an end that was told before. A job whose results are
/// cached takes less.
const ANSWERED: Duration = Duration::from_millis(50);

/// Runs the jobs of a queue.
pub(crate) struct Worker {
    /// Who hears of them.
    pub(crate) audience: Audience,
    /// The plugins of now.
    pub(crate) plugins: Arc<Plugins>,
    /// How jobs run.
    pub(crate) settings: Settings,
}

/// Who hears of a run, and how.
pub(crate) struct Audience {
    /// The jobs.
    pub(crate) queue: Arc<Queue>,
    /// The connected sockets.
    pub(crate) hub: Arc<Hub>,
    /// The last lines of the log.
    pub(crate) logs: Arc<Logs>,
    /// Where runs compute.
    pub(crate) device: Arc<DeviceInUse>,
    /// What may not be said.
    pub(crate) redactor: Redactor,
}

impl Worker {
    /// Runs jobs until the queue is closed.
    pub(crate) fn work(&self, mut runner: Child) {
        let Audience { queue, hub, .. } = &self.audience;
        while let Some((record, cancel)) = queue.take() {
            std::thread::sleep(until_answered(&record, now()));
            tell_status(queue, hub);
            let (state, outcome) = self.run(&record, cancel, &mut runner);
            let id = &record.order.id;
            let kept = match state {
                // It was not the user who stopped it.
                State::Cancelled if queue.is_closed() => queue.put_back(id),
                _ => queue.end(id, state, &outcome),
            };
            if let Err(error) = kept {
                let words = format!("the queue cannot be kept: {error}");
                hub.tell_all("notification", &json!({ "value": words }));
            }
            tell_status(queue, hub);
            // Clients of the first protocol wait for exactly this, after history has the job.
            let data = json!({ "node": null, "display_node": null, "prompt_id": id });
            hub.send(record.order.client.as_deref(), &Frame::text("executing", &data));
        }
    }

    fn run(&self, record: &Record, cancel: Arc<AtomicBool>, runner: &mut Child) -> (State, Outcome) {
        let telling = Telling::new(&self.audience, record);
        let job = match self.job(record, cancel) {
            Ok(job) => job,
            Err(problems) => return telling.ended(&End::Refused(Vec::new()), &problems),
        };
        let mut end = runner.run(&job, &telling);
        // It may not have been the job: the system takes the largest process when memory runs out. Finished steps are in
        // the cache.
        if was_killed(&end) && !self.audience.queue.is_closed() {
            end = runner.run(&job, &telling);
        }
        telling.ended(&end, &end.problems(&job))
    }

    /// The job of a record, with the plugins of now.
    fn job(&self, record: &Record, cancel: Arc<AtomicBool>) -> Result<Job, Vec<Diagnostic>> {
        let nodes = record.order.prompt.as_object().map(|nodes| needed(nodes, &record.order.targets));
        let source = Source::new(NAME, Value::Object(nodes.unwrap_or_default()).to_string());
        let loader = self.plugins.get();
        let understood = understand(parse(&source), &[], &*loader, Judging::ByTheRunner);
        // There are no overrides that could be wrong.
        let Ok(mut understood) = understood else { return Err(Vec::new()) };
        let Some(checked) = understood.whole() else { return Err(understood.problems) };
        let scope = self.settings.graph.scope(&understood.provenance);
        Ok(Job {
            source: Arc::new(source),
            plan: Arc::new(Plan::new(checked, understood.provenance).of(scope)),
            loader,
            options: self.settings.options,
            warnings: Vec::new(),
            texts: texts(&record.order.extra),
            cancel,
        })
    }
}

/// How long a job is too new for its submitter, at a time in milliseconds since 1970.
fn until_answered(record: &Record, now: i64) -> Duration {
    match u64::try_from(now - record.created) {
        Ok(age) if record.order.client.is_some() => ANSWERED.saturating_sub(Duration::from_millis(age)),
        // Nobody listens, or the clock was set back.
        _ => Duration::ZERO,
    }
}

/// Whether something ended the worker, and no crash of a plugin.
fn was_killed(end: &End) -> bool {
    match end {
        End::Refused(problems) => problems.iter().any(|problem| problem.code == CRASHED),
        End::Stopped(Stopped::Failed(failures)) => {
            failures.iter().any(|failed| failed.failure.kind == FailureKind::Killed)
        }
        End::Done(_) | End::Stopped(Stopped::Cancelled) => false,
    }
}

/// What its pictures are to carry beside the graph: each member of `extra_pnginfo`, such as the editor's own form of the
/// graph as `workflow`.
fn texts(extra: &Map<String, Value>) -> BTreeMap<String, String> {
    let texts = extra.get("extra_pnginfo").and_then(Value::as_object);
    texts.into_iter().flatten().map(|(name, text)| (name.clone(), text.to_string())).collect()
}

/// Tells all sockets how many jobs are left.
pub(crate) fn tell_status(queue: &Queue, hub: &Hub) {
    if let Ok(left) = queue.ask(|store| store.unfinished()) {
        hub.tell_all("status", &json!({ "status": { "exec_info": { "queue_remaining": left } } }));
    }
}
