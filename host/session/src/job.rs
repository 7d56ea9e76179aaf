use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use dreamwire_engine::{Nodes, Options, Plan};
use dreamwire_graph::{Diagnostic, Link, Source};
use dreamwire_loader::Loader;

/// One graph to run: text and plugins as they were when it was read, so that a run never mixes two versions.
#[derive(Clone)]
pub struct Job {
    /// The text, to show places in it.
    pub source: Arc<Source>,
    /// What to do.
    pub plan: Arc<Plan>,
    /// Who does it.
    pub loader: Arc<Loader>,
    /// How.
    pub options: Options,
    /// What checking warned of.
    pub warnings: Vec<Diagnostic>,
    /// Set to stop the run.
    pub cancel: Arc<AtomicBool>,
}

impl Job {
    /// The same once more.
    #[must_use]
    pub fn again(&self) -> Job {
        Job { cancel: Arc::default(), ..self.clone() }
    }

    /// Whether a run of this job gives the result of the other, as far as graph and plugins say.
    pub fn means_the_same(&self, other: &Job) -> bool {
        self.meaning() == other.meaning()
    }

    /// What of a plan and its plugins goes into results.
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
