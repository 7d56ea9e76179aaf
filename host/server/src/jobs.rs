//! The thread that runs jobs, one after another, in a worker process.

mod prune;
mod tell;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use dreamwire_engine::Plan;
use dreamwire_graph::{Diagnostic, Source, parse};
use dreamwire_session::{End, Job, Judging, Runner, Settings, understand};
use dreamwire_worker::Child;
use serde_json::{Map, Value, json};

use crate::hub::{Frame, Hub};
use crate::plugins::Plugins;
use crate::queue::{Queue, Record, State};
use crate::redact::Redactor;
pub(crate) use prune::prune;
use tell::Telling;

/// What a graph of the queue is called in messages.
const NAME: &str = "prompt";

/// Runs the jobs of a queue.
pub(crate) struct Worker {
    /// The jobs.
    pub(crate) queue: Arc<Queue>,
    /// Who hears of them.
    pub(crate) hub: Arc<Hub>,
    /// The plugins of now.
    pub(crate) plugins: Arc<Plugins>,
    /// How jobs run.
    pub(crate) settings: Settings,
    /// What the words of a run may not show.
    pub(crate) redactor: Redactor,
}

impl Worker {
    /// Runs jobs until the queue is closed.
    pub(crate) fn work(&self, mut runner: Child) {
        while let Some((record, cancel)) = self.queue.take() {
            tell_status(&self.queue, &self.hub);
            let telling = Telling::new(&self.hub, &self.queue, &self.redactor, &record);
            let (state, outcome) = match self.job(&record, cancel) {
                Ok(job) => {
                    let end = runner.run(&job, &telling);
                    telling.ended(&end, &end.problems(&job))
                }
                Err(problems) => telling.ended(&End::Refused(Vec::new()), &problems),
            };
            let id = &record.order.id;
            let kept = match state {
                // It was not the user who stopped it.
                State::Cancelled if self.queue.is_closed() => self.queue.put_back(id),
                _ => self.queue.end(id, state, &outcome),
            };
            if let Err(error) = kept {
                self.hub.tell_all("notification", &json!({ "value": format!("the queue cannot be kept: {error}") }));
            }
            tell_status(&self.queue, &self.hub);
            // Clients of the first protocol wait for exactly this, after history has the job.
            let data = json!({ "node": null, "display_node": null, "prompt_id": id });
            self.hub.send(record.order.client.as_deref(), &Frame::text("executing", &data));
        }
    }

    /// The job of a record, with the plugins of now.
    fn job(&self, record: &Record, cancel: Arc<AtomicBool>) -> Result<Job, Vec<Diagnostic>> {
        let prompt = prune(&record.order.prompt, &record.order.targets);
        let source = Source::new(NAME, &prompt.to_string());
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
