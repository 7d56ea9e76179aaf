use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use super::{Checker, MAX_LINKS};
use crate::checked::{CheckedNode, Link};
use crate::diagnostic::{Diagnostic, Subject};
use crate::diagnostics::{
    bare_array, literal_for_port, object_value, param_type, required_input, too_large, two_links,
    unknown_input,
};
use crate::editor;
use crate::graph::{Beside, Input, InputValue, Node, OutputRef};
use crate::kinds::{KindInfo, Port};
use crate::params::{Param, check_param};

/// The links of one port by index: the input, and the output that it links to, if that exists.
type Links<'g> = BTreeMap<usize, (&'g Input, Option<Link>)>;

/// The meaning of a name in a node's `inputs`.
pub(crate) enum Means<'k> {
    /// A port of the kind and one of its links, both by index.
    Port(usize, usize),
    Param(&'k Param),
    /// A name that the editor adds, not an input of the kind.
    Ignored,
    Unknown,
}

/// The value or link of a param.
pub(super) enum Given {
    Value(Value),
    Link(Link),
}

fn blame(problem: &mut Diagnostic, node: &Node, input: &str) {
    problem.subject = Some(Box::new(Subject { node: node.id.clone(), input: input.to_owned() }));
}

/// What a name is to a kind.
pub(crate) fn meaning<'k>(kind: &'k KindInfo, name: &str) -> Means<'k> {
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
    if editor::is_input(name) { Means::Ignored } else { Means::Unknown }
}

impl Checker<'_> {
    /// Checks the inputs of one node. `None` if its kind is unknown or something is wrong with it.
    pub(super) fn node(&mut self, index: usize) -> Option<CheckedNode> {
        let graph = self.graph;
        let node = &graph.nodes[index];
        let kind = self.found[index].clone()?;
        let before = self.problems.len();
        let mut links: Vec<Links<'_>> = vec![Links::new(); kind.inputs.len()];
        let mut given: HashMap<&str, Value> = HashMap::new();
        let mut linked_params = Vec::new();
        let mut spans = HashMap::with_capacity(node.inputs.len());
        // False if a link cannot be followed, even by the fault of another node.
        let mut whole = true;

        for input in &node.inputs {
            let found = self.problems.len();
            let means = meaning(&kind, &input.name);
            // Parsing has left it to the kind whether this is one of its inputs.
            if input.value == InputValue::Unread
                && editor::is_input(&input.name)
                && !matches!(means, Means::Ignored)
            {
                self.problems.push(object_value::new(input.place()));
            }
            match means {
                Means::Ignored => {
                    self.beside.push(Beside { name: input.name.clone(), span: input.name_span });
                    continue;
                }
                Means::Unknown => self.problems.push(unknown_input::new(input, &kind)),
                Means::Port(port, place) => {
                    if let Some((first, _)) = links[port].get(&place) {
                        self.problems.push(two_links::new(first, input));
                    } else if links[port].len() < MAX_LINKS {
                        let link = self.port(node, input, &kind.inputs[port]);
                        whole &= link.is_some();
                        links[port].insert(place, (input, link));
                    } else if !self.problems.iter().any(|problem| problem.code == too_large::CODE) {
                        self.problems.push(too_large::links(input, &kind.inputs[port].name));
                    }
                }
                Means::Param(param) => match self.param(node, input, param) {
                    Some(Given::Value(value)) => {
                        given.insert(input.name.as_str(), value);
                    }
                    Some(Given::Link(link)) => linked_params.push((param.name.clone(), link)),
                    None => whole = false,
                },
            }
            self.problems[found..].iter_mut().for_each(|problem| blame(problem, node, &input.name));
            spans.insert(input.name.clone(), input.value_span);
        }

        self.required(node, &kind, &links);
        if !whole || self.problems.len() > before {
            return None;
        }
        let ports = links.into_iter().map(|port| port.into_values().filter_map(|(_, link)| link).collect());
        let ports = ports.collect();
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

    /// The output that a port links to. `None` if there is none, which has been reported.
    fn port(&mut self, node: &Node, input: &Input, port: &Port) -> Option<Link> {
        match &input.value {
            InputValue::Link(link) => return self.port_link(node, input, link, port),
            InputValue::Varying(varying) => return self.varying_port(node, input, varying, port),
            InputValue::Literal(_) => self.problems.push(literal_for_port::new(input, port)),
            InputValue::List(items) => self.problems.push(bare_array::new(input, "a link", items)),
            InputValue::Unread => {}
        }
        None
    }

    /// The value or link of a param. `None` if it is invalid, which has been reported.
    fn param(&mut self, node: &Node, input: &Input, param: &Param) -> Option<Given> {
        let value = match &input.value {
            InputValue::Link(link) => match &link.output {
                // Two strings are a list, not a link, if the param takes a list and the first names no node.
                OutputRef::Name(name) if param.takes_list() && !self.ids.contains_key(link.node.as_str()) => {
                    &json!([link.node, name])
                }
                _ => return self.param_link(node, input, link, param).map(Given::Link),
            },
            InputValue::Literal(value) => value,
            InputValue::List(items) if param.takes_list() => &Value::Array(items.clone()),
            InputValue::List(items) => {
                self.problems.push(bare_array::new(input, &param.ty.one(), items));
                return None;
            }
            InputValue::Varying(varying) => return self.varying_param(node, input, varying, param),
            InputValue::Unread => return None,
        };
        match check_param(param, value) {
            Ok(value) => Some(Given::Value(value)),
            Err(problem) => {
                self.problems.push(param_type::from_problem(problem, input));
                None
            }
        }
    }

    fn required(&mut self, node: &Node, kind: &KindInfo, links: &[Links<'_>]) {
        for (port, links) in kind.inputs.iter().zip(links) {
            if links.is_empty() && !port.optional {
                let giver = if self.enough() { None } else { self.giver(node, port) };
                self.problems.push(required_input::port(node, port, giver).about(&node.id, &port.name));
            }
        }
        for param in &kind.params.list {
            if param.default.is_none() && node.input(&param.name).is_none() {
                self.problems.push(required_input::param(node, param).about(&node.id, &param.name));
            }
        }
    }
}
