//! Checks of files, which `check` does not open.

use crate::{Plan, Snapshot, World, WorldError};
use dreamwire_graph::{Class, Code, Diagnostic, Hint, Param};

/// Checks before the first step that every file of the plan can be read and that files can be published, so that a
/// typo costs no work.
pub fn preflight(plan: &Plan, files: &Snapshot, world: &dyn World) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for step in &plan.steps {
        let node = plan.node(step);
        for file in &step.files {
            let Err(error) = files.read(&file.path, world) else { continue };
            let message = format!("node `{}` ({}): {}", node.id, node.kind.id, error.message);
            let (span, label) = node.place(&file.param);
            let problem = Diagnostic::error(Code::new("world::file"), Class::Input, message)
                .label(span, label)
                .about(&node.id, &file.param);
            problems.push(hinted(problem, with_names(error, node.kind.params.get(&file.param))));
        }
    }
    let publishes = plan.steps.iter().find(|step| plan.node(step).kind.output);
    if let Some(step) = publishes
        && let Err(error) = world.probe()
    {
        let node = plan.node(step);
        let problem = Diagnostic::error(Code::new("world::output"), Class::Output, error.message.clone())
            .label(node.id_span, "this node publishes")
            .about(&node.id, "");
        problems.push(hinted(problem, error));
    }
    problems
}

fn hinted(problem: Diagnostic, error: WorldError) -> Diagnostic {
    match error.hint {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

/// Adds the built-in names to the hint for a name that is neither a file nor built in.
fn with_names(error: WorldError, param: Option<&Param>) -> WorldError {
    let names: Vec<String> = param
        .map_or(&[][..], |param| &param.builtin)
        .iter()
        .filter(|name| !name.is_empty())
        .map(|name| format!("`{name}`"))
        .collect();
    if names.is_empty() {
        return error;
    }
    let before = error.hint.as_ref().map(|hint| format!("{}\n", hint.text)).unwrap_or_default();
    let hint = Hint {
        text: format!("{before}built in: {}", names.join(", ")),
        setting: error.hint.and_then(|h| h.setting),
    };
    WorldError { hint: Some(hint), ..error }
}
