use super::Checker;
use crate::checked::Checked;
use crate::diagnostics::{no_output, unused_node};

/// Reports a graph without output nodes, and nodes that no output node needs.
pub(super) fn check(checker: &mut Checker<'_>) {
    // An unknown kind may be an output, and an unread part may link to any node.
    if !checker.complete() {
        return;
    }
    let graph = checker.graph;
    let count = graph.nodes.len();
    let is_output = |index: &usize| checker.found[*index].as_ref().is_some_and(|kind| kind.output);
    let sources = |index: usize| graph.nodes[index].inputs.iter().filter_map(|input| checker.source(input));
    let outputs: Vec<usize> = (0..count).filter(is_output).collect();
    if outputs.is_empty() {
        let mut used = vec![false; count];
        (0..count).flat_map(sources).for_each(|index| used[index] = true);
        let last = (0..count).rev().find(|index| !used[*index]).map(|index| &graph.nodes[index]);
        let problem = no_output::new(last, checker.kinds);
        checker.problems.push(problem);
        return;
    }
    let needed = ancestors(count, outputs, sources);
    let unused = graph.nodes.iter().zip(needed).filter(|(_, needed)| !needed);
    let problems: Vec<_> = unused.map(|(node, _)| unused_node::new(node)).collect();
    checker.problems.extend(problems);
}

/// The nodes of a checked graph that its outputs need.
pub(super) fn needed(checked: &Checked) -> Vec<bool> {
    let outputs = (0..checked.nodes.len()).filter(|&index| checked.nodes[index].kind.output).collect();
    let sources = |index: usize| checked.nodes[index].links().map(|link| link.node);
    ancestors(checked.nodes.len(), outputs, sources)
}

/// Marks `roots` and everything that they depend on.
fn ancestors<I: Iterator<Item = usize>>(
    count: usize,
    roots: Vec<usize>,
    sources: impl Fn(usize) -> I,
) -> Vec<bool> {
    let mut marked = vec![false; count];
    let mut waiting = roots;
    while let Some(index) = waiting.pop() {
        if !std::mem::replace(&mut marked[index], true) {
            waiting.extend(sources(index));
        }
    }
    marked
}
