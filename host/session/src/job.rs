use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use dreamwire_engine::{Nodes, Options, Plan};
use dreamwire_graph::{Diagnostic, Link, Source};
use dreamwire_loader::Loader;

/// One graph to run, with the text and plugins of the time it was read, so that a run never mixes versions.
#[derive(Clone)]
pub struct Job {
    /// The text, for showing places in it.
    pub source: Arc<Source>,
    /// The steps to run.
    pub plan: Arc<Plan>,
    /// The plugins that run them.
    pub loader: Arc<Loader>,
    /// The options of the run.
    pub options: Options,
    /// Warnings of the check.
    pub warnings: Vec<Diagnostic>,
    /// More texts for the pictures that carry the graph, by name, such as ComfyUI's `workflow`. They change no result:
    /// what is cached is published with those of this job
    /// ([`metadata`](dreamwire_engine::metadata)). A log line names those for which a picture has no room.
    pub texts: BTreeMap<String, String>,
    /// Set to stop the run.
    pub cancel: Arc<AtomicBool>,
}

impl Job {
    /// The same job, not cancelled.
    #[must_use]
    pub fn again(&self) -> Job {
        Job { cancel: Arc::default(), ..self.clone() }
    }

    /// Whether both jobs give the same result, judged by graph and plugins.
    pub fn means_the_same(&self, other: &Job) -> bool {
        self.meaning() == other.meaning()
    }

    /// Everything in a plan and its plugins that affects results.
    fn meaning(&self) -> Vec<String> {
        let plan = &self.plan;
        let id = |link: &Link| format!("{}.{}", plan.graph.nodes[link.node].id, link.output);
        let steps = plan.steps.iter().map(|step| {
            let node = plan.node(step);
            let ports: Vec<Vec<String>> =
                node.ports.iter().map(|port| port.iter().map(id).collect()).collect();
            let linked: Vec<(&str, String)> =
                node.linked_params.iter().map(|(param, link)| (param.as_str(), id(link))).collect();
            let build = self.loader.build(&node.kind.id);
            format!("{} {} {build:?} {} {ports:?} {linked:?}", node.id, node.kind.id, step.params)
        });
        steps.collect()
    }
}
