//! The graph of one row of a run: what differs from row to row is put in.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::graph::{Graph, Input, InputValue, LinkRef, Node, OutputRef};
use crate::kinds::Kinds;
use crate::source::Span;
use crate::varying::Varying;

/// An output of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputName {
    /// `node.OUTPUT`.
    pub name: String,
    /// The types that it gives.
    pub types: Vec<String>,
}

impl Graph {
    /// Puts the values that curves have at a frame in their places.
    pub fn at_frame(&mut self, frame: i64, kinds: &Kinds) {
        for node in &mut self.nodes {
            let kind = kinds.get(&node.kind);
            for input in &mut node.inputs {
                let InputValue::Varying(varying) = &input.value else { continue };
                let Varying::Curve(curve) = varying.as_ref() else { continue };
                if let Some(param) = kind.and_then(|kind| kind.params.get(&input.name)) {
                    input.value = InputValue::Literal(curve.value(frame, &param.ty));
                }
            }
        }
    }

    /// Replaces inputs that vary by what `by` gives for them.
    pub fn replace_varying(&mut self, mut by: impl FnMut(&Varying) -> Option<InputValue>) {
        for input in self.nodes.iter_mut().flat_map(|node| &mut node.inputs) {
            if let InputValue::Varying(varying) = &input.value
                && let Some(value) = by(varying)
            {
                input.value = value;
            }
        }
    }

    /// Adds a node that is not in the file; problems with it are shown at `span`.
    pub fn add_node(&mut self, id: &str, kind: &str, span: Span, inputs: Vec<(String, InputValue)>) {
        let input = |(name, value)| Input { name, name_span: span, value, value_span: Some(span) };
        self.nodes.push(Node {
            id: id.to_owned(),
            id_span: span,
            span,
            kind: kind.to_owned(),
            kind_span: span,
            inputs: inputs.into_iter().map(input).collect(),
            title: None,
            widgets: None,
        });
    }

    /// The output that a link names. `None` if there is none.
    pub fn output(&self, link: &LinkRef, kinds: &Kinds) -> Option<OutputName> {
        let node = self.nodes.iter().find(|node| node.id == link.node)?;
        let outputs = &kinds.get(&node.kind)?.outputs;
        let output = match &link.output {
            OutputRef::Index(index) => outputs.get(usize::try_from(*index).ok()?),
            OutputRef::Name(name) => outputs.iter().find(|output| output.name == *name),
        }?;
        Some(OutputName { name: format!("{}.{}", node.id, output.name), types: output.types.clone() })
    }

    /// The ids of the nodes that need the values of all rows.
    pub fn after_all_rows(&self) -> HashSet<String> {
        let is_seed = |input: &&Input| match &input.value {
            InputValue::Varying(varying) => matches!(varying.as_ref(), Varying::Rows(_) | Varying::Labels),
            _ => false,
        };
        let mut dependents: HashMap<&str, Vec<&str>> = HashMap::new();
        for node in &self.nodes {
            for link in node.inputs.iter().filter_map(|input| input.value.link()) {
                dependents.entry(&link.node).or_default().push(&node.id);
            }
        }
        let mut found = HashSet::new();
        let seeds = self.nodes.iter().filter(|node| node.inputs.iter().any(|input| is_seed(&input)));
        let mut waiting: Vec<&str> = seeds.map(|node| node.id.as_str()).collect();
        while let Some(id) = waiting.pop() {
            if found.insert(id.to_owned()) {
                waiting.extend(dependents.get(id).into_iter().flatten().copied());
            }
        }
        found
    }

    /// Replaces the text of a param, or adds it; unlike one of [`set`](Self::set) it counts as written in the file.
    pub fn put_text(&mut self, node: usize, name: &str, text: String) {
        let Some(node) = self.nodes.get_mut(node) else { return };
        let value = InputValue::Literal(Value::String(text));
        match node.inputs.iter_mut().find(|input| input.name == name) {
            Some(input) => input.value = value,
            None => {
                let (name, name_span) = (name.to_owned(), node.id_span);
                node.inputs.push(Input { name, name_span, value, value_span: Some(name_span) });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::kinds;
    use crate::{InputValue, Source, Varying, check, parse};

    const TEXT: &str = r#"{
        "photo": { "class_type": "LoadImage", "inputs": { "image": "a.png" } },
        "dream": { "class_type": "GradientAscent", "inputs": { "objective": ["vgg", 0],
            "image": {"__previous__": ["dream", 0], "first": ["photo", 0]},
            "rate": {"__curve__": {"1": 1, "3": 2}}, "octaves": {"__curve__": {"1": 1, "4": 8}} } },
        "vgg": { "class_type": "VGGFeatures" },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["dream", 0] } },
        "soft": { "class_type": "Blur", "inputs": { "image": {"__rows__": ["dream", 0]} } },
        "sheet": { "class_type": "SaveImage", "inputs": { "images": ["soft", 0] } } }"#;

    #[test]
    fn a_row_has_values_in_place_of_what_varies() {
        let kinds = kinds();
        let (mut graph, _) = parse(&Source::new("g.json", TEXT));
        graph.at_frame(2, &kinds);
        let dream = &graph.nodes[1];
        assert_eq!(dream.input("rate").unwrap().value, InputValue::Literal(1.5.into()));
        assert_eq!(dream.input("octaves").unwrap().value, InputValue::Literal(3.into()));
        let mut after: Vec<_> = graph.after_all_rows().into_iter().collect();
        after.sort();
        assert_eq!(after, ["sheet", "soft"]);
        let mut of = None;
        graph.replace_varying(|varying| match varying {
            Varying::Previous { of: link, first } => {
                of = Some(link.clone());
                Some(InputValue::Link(first.clone()))
            }
            _ => None,
        });
        let found = graph.output(&of.unwrap(), &kinds).unwrap();
        assert!(found.name.starts_with("dream.") && found.types.contains(&"IMAGE".to_owned()), "{found:?}");
        graph.put_text(3, "filename_prefix", "row".into());
        let (checked, problems) = check(&graph, &kinds);
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(checked.unwrap().nodes[3].params["filename_prefix"], "row");
    }

    #[test]
    fn a_graph_is_written_with_what_varies() {
        let kinds = kinds();
        let (graph, _) = parse(&Source::new("g.json", TEXT));
        let (again, problems) = parse(&Source::new("g.json", graph.to_json(&kinds).to_string()));
        assert!(problems.is_empty(), "{problems:?}");
        let kinds_of =
            |graph: &crate::Graph| graph.varying().map(|place| place.input.to_owned()).collect::<Vec<_>>();
        assert_eq!(kinds_of(&again), kinds_of(&graph));
        assert_eq!(graph.to_json(&kinds), again.to_json(&kinds));
    }
}
