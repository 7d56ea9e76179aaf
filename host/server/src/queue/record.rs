//! One job, as the queue keeps it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Where a job is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Pending,
    Running,
    Completed,
    Failed,
    /// Interrupted while it ran.
    Cancelled,
}

const STATES: [(State, &str); 5] = [
    (State::Pending, "pending"),
    (State::Running, "in_progress"),
    (State::Completed, "completed"),
    (State::Failed, "failed"),
    (State::Cancelled, "cancelled"),
];

impl State {
    /// Its name in `/api/jobs`, and in the database.
    pub(crate) fn name(self) -> &'static str {
        STATES.iter().find(|(state, _)| *state == self).map_or("failed", |(_, name)| name)
    }

    /// The state of that name.
    pub(crate) fn of(name: &str) -> Option<Self> {
        STATES.iter().find(|(_, known)| *known == name).map(|(state, _)| *state)
    }

    /// Whether the job will not run any more.
    pub(crate) fn has_ended(self) -> bool {
        !matches!(self, Self::Pending | Self::Running)
    }
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Order {
    /// A canonical UUID.
    pub(crate) id: String,
    /// Jobs run in ascending order of it.
    pub(crate) number: f64,
    /// The socket that hears of it.
    pub(crate) client: Option<String>,
    /// The graph in API form: what is run.
    pub(crate) prompt: Value,
    /// What came with it, without secrets.
    pub(crate) extra: Map<String, Value>,
    /// The output nodes to run.
    pub(crate) targets: Vec<String>,
}

/// A job.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record {
    /// What was asked for.
    pub(crate) order: Order,
    /// Where it is.
    pub(crate) state: State,
    /// When it came, in milliseconds since 1970.
    pub(crate) created: i64,
    /// When it began to run.
    pub(crate) started: Option<i64>,
    /// When it ended.
    pub(crate) ended: Option<i64>,
    /// How often it was begun: more than once if the server ended meanwhile.
    pub(crate) starts: u32,
    /// What it has made.
    pub(crate) outcome: Outcome,
}

/// What a job has made, and what there is to say of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// By output node: `{"images": [{"filename", "subfolder", "type"}]}`.
    pub(crate) outputs: Map<String, Value>,
    /// The messages of the run that history keeps, each `[event, data]`.
    pub(crate) messages: Vec<(String, Value)>,
    /// The data of `execution_error`, if it failed.
    pub(crate) error: Option<Value>,
}

impl Record {
    /// The five elements that `/queue` and `/history` list.
    pub(crate) fn tuple(&self) -> Value {
        let order = &self.order;
        json!([order.number, order.id, order.prompt, order.extra, order.targets])
    }

    /// Its entry in `/history`.
    pub(crate) fn history(&self) -> Value {
        let status = if self.state == State::Completed { "success" } else { "error" };
        let meta = self.outcome.outputs.keys().map(|node| {
            let meta = json!({
                "node_id": node, "display_node": node, "parent_node": null, "real_node_id": node,
            });
            (node.clone(), meta)
        });
        json!({
            "prompt": self.tuple(),
            "outputs": self.outcome.outputs,
            "status": {
                "status_str": status,
                "completed": self.state == State::Completed,
                "messages": self.outcome.messages,
            },
            "meta": Value::Object(meta.collect()),
        })
    }

    /// Its entry in the list of `/api/jobs`.
    pub(crate) fn summary(&self) -> Value {
        let images: Vec<(&String, &Value)> = self.images().collect();
        let saved = images.iter().find(|(_, image)| image["type"] == "output");
        let preview = saved.or(images.first()).map(|(node, image)| {
            json!({
                "filename": image["filename"], "subfolder": image["subfolder"], "type": image["type"],
                "nodeId": node, "mediaType": "images",
            })
        });
        let mut job = json!({
            "id": self.order.id,
            "status": self.state.name(),
            "priority": self.order.number,
            "create_time": self.created,
            "outputs_count": self.count_outputs(),
            "previewable_outputs_count": images.len(),
        });
        let optional = [
            ("execution_start_time", self.started.map(Value::from)),
            ("execution_end_time", self.ended.map(Value::from)),
            ("preview_output", preview),
            ("execution_error", self.outcome.error.clone()),
            ("workflow_id", self.workflow().map(Value::from)),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                job[name] = value;
            }
        }
        job
    }

    /// Its entry in `/api/jobs/{id}`.
    pub(crate) fn detail(&self) -> Value {
        let mut job = self.summary();
        job["outputs"] = Value::Object(self.outcome.outputs.clone());
        job["execution_status"] = self.history()["status"].clone();
        job["workflow"] = json!({ "prompt": self.order.prompt, "extra_data": self.order.extra });
        job
    }

    /// The id of the graph in the editor that it came from.
    pub(crate) fn workflow(&self) -> Option<&str> {
        self.order.extra.get("extra_pnginfo")?.get("workflow")?.get("id")?.as_str()
    }

    fn images(&self) -> impl Iterator<Item = (&String, &Value)> {
        let outputs = self.outcome.outputs.iter();
        outputs.flat_map(|(node, output)| {
            output["images"].as_array().into_iter().flatten().map(move |image| (node, image))
        })
    }

    fn count_outputs(&self) -> usize {
        let lists = self.outcome.outputs.values().filter_map(Value::as_object);
        lists.flat_map(|output| output.values()).filter_map(Value::as_array).map(Vec::len).sum()
    }
}
