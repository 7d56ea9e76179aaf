mod inputs;
mod links;
mod mend;
mod order;
mod prefixes;
mod reach;
mod varying;

pub(crate) use inputs::{Means, meaning};

use std::collections::HashMap;
use std::sync::Arc;

use crate::checked::{Checked, CheckedNode};
use crate::diagnostic::{Diagnostic, MAX_PROBLEMS};
use crate::diagnostics::{editors_own, unknown_kind};
use crate::graph::{Beside, Graph, Input};
use crate::kinds::{KindInfo, Kinds};

/// The most links into a port.
pub(crate) const MAX_LINKS: usize = 1024;

/// Checks a graph against its kinds and reports all problems at once: unknown kinds, ports, links, types, params,
/// cycles, nothing to run; warnings for nodes that no output needs.
///
/// There is a result if at least one output can run, even if others cannot; a caller that wants all or nothing looks
/// for errors among the problems. A damaged graph gives no result.
pub fn check(graph: &Graph, kinds: &Kinds) -> (Option<Checked>, Vec<Diagnostic>) {
    let mut checker = Checker::new(graph, kinds);
    checker.resolve_kinds();
    let mut nodes: Vec<Option<CheckedNode>> =
        (0..graph.nodes.len()).map(|index| checker.node(index)).collect();
    checker.prefixes(&mut nodes);
    checker.problems.extend(editors_own::new(&checker.beside));
    let order = order::of(&mut checker);
    reach::check(&mut checker);
    let problems = checker.problems;
    let checked = if graph.damaged { None } else { keep_good(nodes, &order) };
    (checked, problems)
}

/// The nodes without errors in themselves or in the nodes that they depend on. `None` if no output is among them.
fn keep_good(mut nodes: Vec<Option<CheckedNode>>, order: &[usize]) -> Option<Checked> {
    let mut good = vec![false; nodes.len()];
    for &index in order {
        good[index] = nodes[index].as_ref().is_some_and(|node| node.links().all(|link| good[link.node]));
    }
    let mut places = vec![0; nodes.len()];
    let mut kept = Vec::with_capacity(nodes.len());
    for (index, node) in nodes.iter_mut().enumerate().filter(|(index, _)| good[*index]) {
        places[index] = kept.len();
        kept.extend(node.take());
    }
    for node in &mut kept {
        let ports = node.ports.iter_mut().flatten();
        let links = ports.chain(node.linked_params.iter_mut().map(|(_, link)| link));
        links.for_each(|link| link.node = places[link.node]);
    }
    let mut checked = Checked { nodes: kept, order: Vec::new() };
    let needed = reach::needed(&checked);
    let places = order.iter().filter(|index| good[**index]).map(|index| places[*index]);
    checked.order = places.filter(|place| needed[*place]).collect();
    (!checked.order.is_empty()).then_some(checked)
}

struct Checker<'a> {
    graph: &'a Graph,
    kinds: &'a Kinds,
    /// Index of each node.
    ids: HashMap<&'a str, usize>,
    /// Kind of each node, if known.
    found: Vec<Option<Arc<KindInfo>>>,
    /// What an editor wrote beside the graph.
    beside: Vec<Beside>,
    problems: Vec<Diagnostic>,
}

impl<'a> Checker<'a> {
    fn new(graph: &'a Graph, kinds: &'a Kinds) -> Self {
        let mut ids = HashMap::with_capacity(graph.nodes.len());
        for (index, node) in graph.nodes.iter().enumerate() {
            ids.entry(node.id.as_str()).or_insert(index);
        }
        Checker { graph, kinds, ids, found: Vec::new(), beside: graph.beside.clone(), problems: Vec::new() }
    }

    fn resolve_kinds(&mut self) {
        for node in &self.graph.nodes {
            let kind = self.kinds.get(&node.kind).cloned();
            if kind.is_none() && !node.kind.is_empty() {
                self.problems.push(unknown_kind::new(node, self.kinds).about(&node.id, ""));
            }
            self.found.push(kind);
        }
    }

    /// The node that an input links to, if it exists.
    fn source(&self, input: &Input) -> Option<usize> {
        input.value.link().and_then(|link| self.ids.get(link.node.as_str()).copied())
    }

    /// Whether there are so many problems that further ones are not shown, so that suggestions are a waste of time.
    fn enough(&self) -> bool {
        self.problems.len() >= MAX_PROBLEMS
    }

    /// Whether the whole graph was parsed, so that what is missing is not merely unread.
    fn complete(&self) -> bool {
        !self.graph.damaged && self.found.iter().all(Option::is_some)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{codes, kinds};
    use crate::{Checked, Source, check, parse};

    fn checked(text: &str) -> Checked {
        let (graph, problems) = parse(&Source::new("test.json", text));
        assert!(problems.is_empty(), "{problems:#?}");
        let (checked, problems) = check(&graph, &kinds());
        checked.unwrap_or_else(|| panic!("{problems:#?}"))
    }

    const DREAM: &str = r#"{
        "$schema": "./schema.json", "$dreamwire": 1, "x-note": [1, {"any": "thing"}],
        "save": { "class_type": "SaveImage", "inputs": { "images": ["dream", 0.0] }, "_meta": {"title": "Save"} },
        "dream": { "class_type": "GradientAscent", "inputs": {
            "image": ["photo", "IMAGE"], "objective": ["sum", 0], "octaves": 5.0, "rate": 2, "seed": ["n", "INT"] } },
        "sum": { "class_type": "SumObjective", "inputs": {
            "objectives.1": ["vgg", 0], "objectives.0": ["vgg", "FEATURES"], "weights": {"__value__": [1, 2]} } },
        "vgg": { "class_type": "VGGFeatures" },
        "n": { "class_type": "Integer", "inputs": { "value": 3 } },
        "photo": { "class_type": "LoadImage", "inputs": { "image": "cat.png", "upload": "image" } },
    }"#;

    #[test]
    fn a_whole_graph() {
        let checked = checked(DREAM);
        let dream = &checked.nodes[1];
        assert_eq!(checked.nodes[0].title.as_deref(), Some("Save"));
        assert_eq!(
            serde_json::Value::Object(dream.params.clone()),
            json!({ "octaves": 5, "rate": 2.0, "carry": "detail" })
        );
        assert_eq!(dream.linked_params.len(), 1);
        assert_eq!(dream.linked_params[0].0, "seed");
        assert_eq!(dream.ports.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 0]);
        assert_eq!(checked.nodes[2].ports[0].len(), 2);
        assert_eq!(checked.nodes[2].params["weights"], json!([1.0, 2.0]));
        for (place, node) in checked.order.iter().enumerate() {
            for from in checked.nodes[*node].ports.iter().flatten() {
                let before = checked.order.iter().position(|other| *other == from.node).unwrap();
                assert!(before < place);
            }
        }
    }

    #[test]
    fn good_outputs_are_kept_when_others_are_bad() {
        let text = r#"{
            "bad": { "class_type": "LoadImag", "inputs": { "image": "a.png" } },
            "lost": { "class_type": "SaveImage", "inputs": { "images": ["blur", 0] } },
            "blur": { "class_type": "Blur", "inputs": { "image": ["bad", 0] } },
            "one": { "class_type": "Blur", "inputs": { "image": ["two", 0] } },
            "two": { "class_type": "Blur", "inputs": { "image": ["one", 0] } },
            "round": { "class_type": "SaveImage", "inputs": { "images": ["two", 0] } },
            "good": { "class_type": "SaveImage", "inputs": { "images": ["soft", 0] } },
            "soft": { "class_type": "Blur", "inputs": { "image": ["photo", 0] } },
            "photo": { "class_type": "LoadImage", "inputs": { "image": "a.png" } }
        }"#;
        let (graph, _) = parse(&Source::new("test.json", text));
        let (checked, problems) = check(&graph, &kinds());
        let checked = checked.expect("one output is good");
        let ids: Vec<&str> = checked.order.iter().map(|index| checked.nodes[*index].id.as_str()).collect();
        assert_eq!(ids, ["photo", "soft", "good"]);
        let mut about: Vec<_> = problems.iter().filter_map(|problem| problem.subject.clone()).collect();
        about.sort_by(|a, b| a.node.cmp(&b.node));
        let about: Vec<_> =
            about.iter().map(|subject| (subject.node.as_str(), subject.input.as_str())).collect();
        assert_eq!(about, [("bad", ""), ("one", "image")]);
        let (nothing, _) =
            check(&parse(&Source::new("t", r#"{ "s": { "class_type": "SaveImage" } }"#)).0, &kinds());
        assert!(nothing.is_none());
    }

    #[test]
    fn a_chain_of_ten_thousand_nodes() {
        let mut text = String::from("{\n");
        text += r#""n0": { "class_type": "LoadImage", "inputs": { "image": "a.png" } },"#;
        for index in 1..10_000 {
            let before = index - 1;
            text += &format!(
                "\n\"n{index}\": {{ \"class_type\": \"Blur\", \"inputs\": {{ \"image\": [\"n{before}\", 0] }} }},"
            );
        }
        text += r#""save": { "class_type": "SaveImage", "inputs": { "images": ["n9999", 0] } } }"#;
        assert_eq!(checked(&text).order.len(), 10_001);
    }

    /// Faults: A21.
    #[test]
    fn everything_at_once_in_file_order() {
        let found = codes(
            r#"{
            "photo": { "class_type": "LoadImag", "inputs": { "image": "a.png" } },
            "dream": { "class_type": "GradientAscent", "inputs": {
                "image": ["phto", 0], "octaves": 99, "rate": "fast", "carry": "detial", "speed": 1 } },
            "save": { "class_type": "SaveImage", "inputs": { "images": ["vgg", 0] }, "tags": [] },
            "vgg": { "class_type": "VGGFeatures", "inputs": { "layers": ["a", "b", "c"] } }
        }"#,
        );
        assert_eq!(
            found,
            [
                "graph::unknown_kind",
                "graph::required_input",
                "graph::missing_node",
                "graph::param_range",
                "graph::param_type",
                "graph::param_choice",
                "graph::unknown_input",
                "graph::type_mismatch",
                "graph::unknown_field",
                "graph::bare_array",
            ]
        );
    }
}
