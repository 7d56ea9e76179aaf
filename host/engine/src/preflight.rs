//! Checks of files, which `check` does not open.

use crate::{Plan, Snapshot, World, WorldError};
use dreamwire_graph::{CheckedNode, Class, Code, Diagnostic, Format, Hint, Kinds, Param};

/// Checks before the first step that every file of the plan can be read and that every output can be written, so that
/// a typo costs no work. `kinds` are all that there are: a name may be one that another kind knows.
pub fn preflight(plan: &Plan, files: &Snapshot, world: &dyn World, kinds: &Kinds) -> Vec<Diagnostic> {
    let mut problems = unreadable(plan, files, world, kinds);
    problems.extend(outputs(plan, world));
    problems
}

/// The files of a plan that cannot be read.
pub fn unreadable(plan: &Plan, files: &Snapshot, world: &dyn World, kinds: &Kinds) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for step in &plan.steps {
        let node = plan.node(step);
        for file in &step.files {
            let Err(error) = files.look(&file.path, world) else { continue };
            let message = format!("node `{}` ({}): {}", node.id, node.kind.id, error.message);
            let (span, label) = node.place(&file.param);
            let problem = Diagnostic::error(Code::new("world::file"), Class::Input, message)
                .label(span, label)
                .about(&node.id, &file.param);
            let error = with_names(error, node.kind.params.get(&file.param));
            problems.push(hinted(problem, with_others(error, &file.path.text, kinds)));
        }
    }
    problems
}

/// Why nothing can be published, or what each node cannot publish.
fn outputs(plan: &Plan, world: &dyn World) -> Vec<Diagnostic> {
    let nodes = || plan.steps.iter().map(|step| plan.node(step)).filter(|node| node.kind.output);
    let Some(first) = nodes().next() else { return Vec::new() };
    let refused = |message: String| Diagnostic::error(Code::new("world::output"), Class::Output, message);
    if let Err(error) = world.probe() {
        let problem =
            refused(error.message.clone()).label(first.id_span, "this node publishes").about(&first.id, "");
        return vec![hinted(problem, error)];
    }
    let mut problems = Vec::new();
    for node in nodes() {
        let fixed = node.kind.params.publishes.iter().map(|prefix| ("", prefix.as_str()));
        for (param, prefix) in prefixes(node).chain(fixed) {
            let Err(error) = world.probe_prefix(prefix) else { continue };
            let message = format!("node `{}` ({}): {}", node.id, node.kind.id, error.message);
            let (span, label) = node.place(param);
            problems.push(hinted(refused(message).label(span, label).about(&node.id, param), error));
        }
    }
    problems
}

/// The starts of the names that a node publishes, and their params. One that comes over a link is not known yet.
fn prefixes(node: &CheckedNode) -> impl Iterator<Item = (&str, &str)> {
    let params = node.kind.params.list.iter().filter(|param| param.format == Some(Format::Output));
    params.filter_map(|param| Some((param.name.as_str(), node.params.get(&param.name)?.as_str()?)))
}

fn hinted(problem: Diagnostic, error: WorldError) -> Diagnostic {
    match error.hint {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

/// Adds the built-in names to the hint for a name that is neither a file nor built in.
fn with_names(error: WorldError, param: Option<&Param>) -> WorldError {
    let builtin = || param.map_or(&[][..], |param| &param.builtin).iter().filter(|name| !name.is_empty());
    let name = |name: &String| (!name.ends_with('*')).then(|| format!("`{name}`"));
    let start =
        |name: &String| name.strip_suffix('*').map(|start| format!("names that begin with `{start}`"));
    let all: Vec<String> = builtin().filter_map(name).chain(builtin().filter_map(start)).collect();
    if all.is_empty() { error } else { with_line(error, &format!("built in: {}", all.join(", "))) }
}

/// Adds the kinds that know a name, which is neither a file nor known to the kind that got it.
fn with_others(error: WorldError, name: &str, kinds: &Kinds) -> WorldError {
    let knows = |param: &Param| param.builtin.iter().any(|known| known == name);
    let others = kinds.iter().filter(|kind| kind.params.list.iter().any(knows));
    let others: Vec<String> = others.map(|kind| format!("`{}`", kind.id)).collect();
    match others.is_empty() || name.is_empty() {
        true => error,
        false => with_line(error, &format!("`{name}` is built into other kinds: {}", others.join(", "))),
    }
}

/// Adds a line to a hint. A file that lies where a graph may not read is there: its hint names the setting that lets it.
fn with_line(error: WorldError, line: &str) -> WorldError {
    if error.hint.as_ref().is_some_and(|hint| hint.setting.is_some()) {
        return error;
    }
    let before = error.hint.as_ref().map(|hint| format!("{}\n", hint.text)).unwrap_or_default();
    let hint = Hint { text: format!("{before}{line}"), setting: None };
    WorldError { hint: Some(hint), ..error }
}
