//! Our diagnostics in the shape of ComfyUI's errors, and which outputs of a prompt can run.

mod entry;
mod reach;

use std::collections::{BTreeMap, HashSet};

use dreamwire_graph::{Checked, Diagnostic, Graph, Kinds, MAX_PROBLEMS};
use serde_json::{Map, Value, json};

use entry::Place;
use reach::Wires;
pub(crate) use reach::needed;

/// What becomes of a prompt.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// The outputs that run, in the order of the prompt. None: it is refused.
    pub(crate) good: Vec<String>,
    /// The outputs that were asked for and cannot run.
    pub(crate) bad: Vec<String>,
    /// Why the prompt is refused: `{type, message, details, extra_info}`.
    pub(crate) error: Option<Value>,
    /// What is wrong with each node, by id: `{errors, dependent_outputs, class_type}`. Nodes that no output needs which
    /// was asked for are not mentioned.
    pub(crate) node_errors: Map<String, Value>,
}

/// Judges a prompt by what parsing and checking it found. `targets` are the outputs that are asked for; without it, all.
///
/// A prompt with a node of unknown kind is refused as a whole: the editor then looks for all such nodes itself.
pub(crate) fn diagnose(
    graph: &Graph,
    checked: Option<&Checked>,
    problems: &[Diagnostic],
    kinds: &Kinds,
    targets: Option<&[String]>,
) -> Verdict {
    if let Some(error) = missing_kind(graph, problems, kinds) {
        return Verdict { error: Some(error), ..Verdict::default() };
    }
    let is_output = |index: usize| kinds.get(&graph.nodes[index].kind).is_some_and(|kind| kind.output);
    let is_asked = |index: usize| targets.is_none_or(|targets| targets.contains(&graph.nodes[index].id));
    let outputs: Vec<usize> =
        (0..graph.nodes.len()).filter(|index| is_output(*index) && is_asked(*index)).collect();
    let errors: Vec<&Diagnostic> = problems.iter().filter(|problem| problem.is_error()).collect();
    if outputs.is_empty() && !graph.damaged {
        let problem = errors.iter().find(|problem| problem.code.as_str() == "graph::no_output");
        let details = problem.map_or_else(String::new, |problem| entry::details(problem));
        return Verdict {
            error: Some(error("prompt_no_outputs", "no node of the prompt saves or shows anything", details)),
            ..Verdict::default()
        };
    }

    let wires = Wires::new(graph);
    let mut by_node: BTreeMap<usize, Vec<(&Diagnostic, Place)>> = BTreeMap::new();
    let mut general = Vec::new();
    for problem in errors {
        match entry::place(problem, graph, &wires) {
            Some(place) => by_node.entry(place.node).or_default().push((problem, place)),
            None => general.push(problem),
        }
    }
    let spoilt = wires.dependents(by_node.keys().copied());
    let needed = wires.sources(outputs.iter().copied());
    let mut node_errors = Map::new();
    let mut lines = Vec::new();
    // More than anyone reads would take time for nothing.
    for (index, found) in by_node.into_iter().filter(|(index, _)| needed[*index]).take(MAX_PROBLEMS) {
        let found = &found[..found.len().min(MAX_PROBLEMS)];
        let node = &graph.nodes[index];
        let dependent = wires.dependents([index]);
        let ids = outputs.iter().filter(|output| dependent[**output]).map(|output| &graph.nodes[*output].id);
        let errors = found.iter().map(|(problem, place)| entry::error(problem, place, graph, kinds, &wires));
        let entry = json!({
            "errors": errors.collect::<Vec<_>>(),
            "dependent_outputs": ids.collect::<Vec<_>>(),
            "class_type": node.kind,
        });
        node_errors.insert(node.id.clone(), entry);
        lines.extend(found.iter().map(|(problem, _)| problem.message.as_str()));
    }

    let runs: HashSet<&str> = checked
        .filter(|_| general.is_empty())
        .into_iter()
        .flat_map(|checked| checked.order.iter().map(|index| checked.nodes[*index].id.as_str()))
        .collect();
    let mut verdict = Verdict { node_errors, ..Verdict::default() };
    for index in outputs {
        let id = &graph.nodes[index].id;
        let good = !spoilt[index] && runs.contains(id.as_str());
        let list = if good { &mut verdict.good } else { &mut verdict.bad };
        list.push(id.clone());
    }
    if verdict.good.is_empty() {
        lines.extend(general.iter().map(|problem| problem.message.as_str()));
        lines.truncate(MAX_PROBLEMS);
        let ty = match general.first() {
            Some(first) if verdict.node_errors.is_empty() => first.code.as_str(),
            _ => "prompt_outputs_failed_validation",
        };
        verdict.error = Some(error(ty, "no output of the prompt can run", lines.join("\n")));
    }
    verdict
}

/// The error of the first node that has no kind, or one that no plugin has.
fn missing_kind(graph: &Graph, problems: &[Diagnostic], kinds: &Kinds) -> Option<Value> {
    let node = graph.nodes.iter().find(|node| kinds.get(&node.kind).is_none())?;
    let message = match node.kind.as_str() {
        "" => {
            let own = problems
                .iter()
                .find(|problem| problem.span().is_some_and(|span| entry::lies_in(span, node.span)));
            own.map_or_else(
                || format!("node `{}` has no `class_type`", node.id),
                |problem| problem.message.clone(),
            )
        }
        kind => format!("node `{}`: unknown kind `{kind}`", node.id),
    };
    let mut error = error("missing_node_type", &message, kinds.hint(&node.kind).unwrap_or_default());
    let title = node.title.as_ref().unwrap_or(&node.kind);
    error["extra_info"] = json!({ "node_id": node.id, "class_type": node.kind, "node_title": title });
    Some(error)
}

/// An error of a prompt as a whole.
pub(crate) fn error(ty: &str, message: &str, details: String) -> Value {
    json!({ "type": ty, "message": message, "details": details, "extra_info": {} })
}

#[cfg(test)]
mod tests;
