//! What checking cannot see because it opens no files.

use crate::{Plan, World};
use dreamwire_graph::{Class, Code, Diagnostic};

/// Every file that the plan names can be read, and something can be published: asked before the first step runs, so
/// that no work is lost to a typing error.
pub fn preflight(plan: &Plan, world: &dyn World) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for step in &plan.steps {
        let node = plan.node(step);
        for file in &step.files {
            let Err(error) = world.read(&file.path) else { continue };
            let message = format!("node `{}` ({}): {}", node.id, node.kind.id, error.message);
            let mut problem = Diagnostic::error(Code::new("world::file"), Class::Input, message);
            let (span, label) = match node.spans.get(&file.param).copied().flatten() {
                Some(span) => (span, String::new()),
                None => (node.id_span, format!("`{}` of this node", file.param)),
            };
            problem = problem.label(span, label);
            problems.push(match error.help {
                Some(help) => problem.help(help),
                None => problem,
            });
        }
    }
    let publishes = plan.steps.iter().find(|step| plan.node(step).kind.output);
    if let Some(step) = publishes
        && let Err(error) = world.probe()
    {
        let node = plan.node(step);
        let problem = Diagnostic::error(Code::new("world::output"), Class::Output, error.message);
        let problem = problem.label(node.id_span, "this node publishes");
        problems.push(match error.help {
            Some(help) => problem.help(help),
            None => problem,
        });
    }
    problems
}
