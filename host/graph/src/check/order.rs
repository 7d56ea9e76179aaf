use std::collections::{HashMap, VecDeque};

use petgraph::algo::{kosaraju_scc, toposort};
use petgraph::graph::{DiGraph, NodeIndex};

use super::Checker;
use crate::diagnostics::cycle;

/// A topological order of the nodes that are not on cycles; reports every strongly connected component with a cycle.
/// Nothing here recurses: a chain may be as long as the graph.
pub(super) fn of(checker: &mut Checker<'_>) -> Vec<usize> {
    let graph = checker.graph;
    let mut wires: DiGraph<(), ()> = DiGraph::with_capacity(graph.nodes.len(), graph.nodes.len());
    for _ in &graph.nodes {
        wires.add_node(());
    }
    for (index, node) in graph.nodes.iter().enumerate() {
        for input in &node.inputs {
            if let Some(from) = checker.source(input) {
                wires.add_edge(NodeIndex::new(from), NodeIndex::new(index), ());
            }
        }
    }
    if let Ok(order) = toposort(&wires, None) {
        return order.into_iter().map(NodeIndex::index).collect();
    }
    let mut order = Vec::new();
    // The components come in reverse topological order.
    for knot in kosaraju_scc(&wires).into_iter().rev() {
        let Some(start) = knot.iter().copied().min() else { continue };
        match shortest(&wires, &knot, start) {
            Some(path) => report(checker, &path),
            None => order.push(start.index()),
        }
    }
    order
}

/// The shortest cycle through `start` inside a component, `start` first; `None` if there is none.
fn shortest(wires: &DiGraph<(), ()>, knot: &[NodeIndex], start: NodeIndex) -> Option<Vec<usize>> {
    let mut came: HashMap<NodeIndex, Option<NodeIndex>> = knot.iter().map(|node| (*node, None)).collect();
    let mut queue = VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        for next in wires.neighbors(node) {
            if next == start {
                let mut path = vec![node.index()];
                let mut at = node;
                while at != start {
                    at = came.get(&at).copied().flatten()?;
                    path.push(at.index());
                }
                path.reverse();
                return Some(path);
            }
            if let Some(slot) = came.get_mut(&next)
                && slot.is_none()
            {
                *slot = Some(node);
                queue.push_back(next);
            }
        }
    }
    None
}

fn report(checker: &mut Checker<'_>, path: &[usize]) {
    let graph = checker.graph;
    let names: Vec<&str> = path.iter().map(|index| graph.nodes[*index].id.as_str()).collect();
    // The first node links to the last one, which closes the cycle.
    let (Some(&first), Some(&last)) = (path.first(), path.last()) else { return };
    let link = graph.nodes[first].inputs.iter().find(|input| checker.source(input) == Some(last));
    if let Some(link) = link {
        checker.problems.push(cycle::new(&names, link).about(names[0], &link.name));
    }
}
