use super::Checker;
use crate::diagnostics::{no_output, unused_node};
use crate::graph::InputValue;

/// Reports a graph without output nodes, and nodes that no output node needs.
pub(super) fn check(checker: &mut Checker<'_>) {
    // An unknown kind may be an output, and what could not be read may use any node.
    if !checker.complete() {
        return;
    }
    let graph = checker.graph;
    let mut used = vec![false; graph.nodes.len()];
    let mut needed = vec![false; graph.nodes.len()];
    let mut waiting: Vec<usize> = Vec::new();
    for (index, kind) in checker.found.iter().enumerate() {
        if kind.as_ref().is_some_and(|kind| kind.output) {
            needed[index] = true;
            waiting.push(index);
        }
    }
    let ids = &checker.ids;
    let givers = move |index: usize| {
        graph.nodes[index].inputs.iter().filter_map(move |input| match &input.value {
            InputValue::Link(link) => ids.get(link.node.as_str()).copied(),
            InputValue::Literal(_) | InputValue::Unread => None,
        })
    };
    if waiting.is_empty() {
        for index in 0..graph.nodes.len() {
            for giver in givers(index) {
                used[giver] = true;
            }
        }
        let last = (0..graph.nodes.len()).rev().find(|index| !used[*index]).map(|index| &graph.nodes[index]);
        let problem = no_output::new(last, checker.kinds);
        checker.problems.push(problem);
        return;
    }
    while let Some(index) = waiting.pop() {
        for giver in givers(index) {
            if !needed[giver] {
                needed[giver] = true;
                waiting.push(giver);
            }
        }
    }
    for (index, node) in graph.nodes.iter().enumerate() {
        if !needed[index] {
            checker.problems.push(unused_node::new(node));
        }
    }
}
