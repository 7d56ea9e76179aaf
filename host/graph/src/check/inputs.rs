use std::collections::HashMap;

use serde_json::{Map, Value};

use super::Checker;
use crate::checked::{self, CheckedNode};
use crate::diagnostics::{literal_for_port, param_type, required_input, two_links, unknown_input};
use crate::graph::{Input, InputValue, Node};
use crate::kinds::KindInfo;
use crate::params::{Param, check_param};

/// The links of one port: place, input, and where it comes from if it leads anywhere.
type Links<'g> = Vec<(usize, &'g Input, Option<checked::From>)>;

/// What a name in a node's `inputs` stands for.
enum Means<'k> {
    /// A port of the kind, by index, and the place among its links.
    Port(usize, usize),
    Param(&'k Param),
    /// `upload` and the like: the editor's own, no input of the kind.
    Ignored,
    Unknown,
}

/// The names that the editor adds to the inputs of kinds that do not have them.
const EDITORS_OWN: [&str; 1] = ["upload"];

fn meaning<'k>(kind: &'k KindInfo, name: &str) -> Means<'k> {
    if let Some(index) = kind.inputs.iter().position(|port| port.name == name) {
        return Means::Port(index, 0);
    }
    if let Some(param) = kind.params.get(name) {
        return Means::Param(param);
    }
    if let Some((base, number)) = name.rsplit_once('.')
        && let Ok(place) = number.parse::<usize>()
        && let Some(index) = kind.inputs.iter().position(|port| port.many && port.name == base)
    {
        return Means::Port(index, place);
    }
    if EDITORS_OWN.contains(&name) { Means::Ignored } else { Means::Unknown }
}

impl Checker<'_> {
    /// Checks the inputs of one node. `None` where its kind is not known or something is wrong with it.
    pub(super) fn node(&mut self, index: usize) -> Option<CheckedNode> {
        let graph = self.graph;
        let node = &graph.nodes[index];
        let kind = self.found[index].clone()?;
        let before = self.problems.len();
        let mut links: Vec<Links<'_>> = vec![Vec::new(); kind.inputs.len()];
        let mut given: HashMap<&str, Value> = HashMap::new();
        let mut linked_params = Vec::new();
        let mut spans = HashMap::new();

        for input in &node.inputs {
            match meaning(&kind, &input.name) {
                Means::Ignored => continue,
                Means::Unknown => self.problems.push(unknown_input::new(input, &kind)),
                Means::Port(port, place) => {
                    if let Some((_, first, _)) = links[port].iter().find(|(other, _, _)| *other == place) {
                        self.problems.push(two_links::new(first, input));
                        continue;
                    }
                    let from = match &input.value {
                        InputValue::Link(link) => self.port_link(node, input, link, &kind.inputs[port]),
                        InputValue::Literal(_) => {
                            self.problems.push(literal_for_port::new(input, &kind.inputs[port]));
                            None
                        }
                        InputValue::Unread => None,
                    };
                    links[port].push((place, input, from));
                }
                Means::Param(param) => match &input.value {
                    InputValue::Link(link) => {
                        if let Some(from) = self.param_link(node, input, link, param) {
                            linked_params.push((param.name.clone(), from));
                        }
                    }
                    InputValue::Literal(value) => match check_param(param, value) {
                        Ok(value) => {
                            given.insert(input.name.as_str(), value);
                        }
                        Err(problem) => self.problems.push(param_type::from_problem(problem, input)),
                    },
                    InputValue::Unread => {}
                },
            }
            spans.insert(input.name.clone(), input.value_span);
        }

        self.required(node, &kind, &links);
        if self.problems.len() > before {
            return None;
        }
        let mut ports = Vec::with_capacity(links.len());
        for mut port in links {
            port.sort_by_key(|(place, _, _)| *place);
            ports.push(port.into_iter().filter_map(|(_, _, from)| from).collect());
        }
        let mut params = Map::new();
        for param in &kind.params.list {
            if linked_params.iter().any(|(name, _)| *name == param.name) {
                continue;
            }
            let value = given.remove(param.name.as_str()).or_else(|| param.default.clone());
            if let Some(value) = value {
                params.insert(param.name.clone(), value);
            }
        }
        Some(CheckedNode {
            id: node.id.clone(),
            kind,
            span: node.span,
            id_span: node.id_span,
            title: node.title.clone(),
            params,
            spans,
            ports,
            linked_params,
        })
    }

    fn required(&mut self, node: &Node, kind: &KindInfo, links: &[Links<'_>]) {
        for (port, links) in kind.inputs.iter().zip(links) {
            if links.is_empty() && !port.optional {
                let giver = if self.enough() { None } else { self.giver(node, port) };
                self.problems.push(required_input::port(node, port, giver));
            }
        }
        for param in &kind.params.list {
            if param.default.is_none() && node.input(&param.name).is_none() {
                self.problems.push(required_input::param(node, param));
            }
        }
    }
}
