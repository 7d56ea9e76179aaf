//! The inputs of a step: its params, with linked scalars filled in, and the values of its ports.

use super::steps::{State, value};
use crate::plan::{self, FileParam};
use crate::{Failure, FailureKind, Input, Plan, Step, Value};
use dreamwire_graph::{CheckedNode, Format, Link, Port, check_param, prefix};
use std::borrow::Cow;

/// A step's params with all linked scalars filled in.
pub(crate) struct Settled<'a> {
    /// As JSON text.
    pub(crate) params: Cow<'a, str>,
    /// The files that they name.
    pub(crate) files: Cow<'a, [FileParam]>,
    /// The text params, to find the one that caused a bad output name.
    pub(crate) texts: Vec<(String, String)>,
}

/// Fills linked scalars into the params, validated like literals.
pub(super) fn settle<'a>(plan: &Plan, step: &'a Step, results: &[State]) -> Result<Settled<'a>, Failure> {
    let node = plan.node(step);
    let texts = |params: &serde_json::Map<String, serde_json::Value>| {
        params.iter().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
    };
    if node.linked_params.is_empty() {
        let texts = texts(&node.params);
        return Ok(Settled { params: (&step.params).into(), files: (&step.files).into(), texts });
    }
    let mut params = node.params.clone();
    let mut files = step.files.clone();
    for (name, link) in &node.linked_params {
        let wrong = |message: String| Failure::new(FailureKind::Argument, message).at(name.clone());
        let scalar = value(results, *link).scalar();
        let scalar =
            scalar.ok_or_else(|| wrong(format!("`{name}` has no finite number, text or boolean")))?;
        let param = node.kind.params.get(name);
        let param = param.ok_or_else(|| wrong(format!("`{name}` is not a param of `{}`", node.kind.id)))?;
        let checked = check_param(param, &scalar)
            .map_err(|problem| Failure { hint: problem.hint.clone(), ..wrong(problem.without_label()) })?;
        if param.format == Some(Format::Output)
            && let Some(token) = checked.as_str().and_then(prefix::unknown)
        {
            return Err(wrong(format!("`%{token}%` in `{name}` is not known")));
        }
        let file = |text| plan::file(param, text, is_from_outside(plan, link.node, text));
        files.extend(checked.as_str().and_then(file));
        params.insert(name.clone(), checked);
    }
    let texts = texts(&params);
    let params = serde_json::Value::Object(params).to_string();
    Ok(Settled { params: params.into(), files: files.into(), texts })
}

/// Whether the command line gave that text to a node, or to one that gave it to that node. Such a file may lie anywhere,
/// as if the param itself had been given so.
fn is_from_outside(plan: &Plan, node: usize, text: &str) -> bool {
    let mut nodes = vec![node];
    while let Some(node) = nodes.pop() {
        let node = &plan.graph.nodes[node];
        let is_text = |value: &serde_json::Value| value.as_str() == Some(text);
        if node.spans.iter().any(|(name, span)| span.is_none() && node.params.get(name).is_some_and(is_text))
        {
            return true;
        }
        nodes.extend(node.linked_params.iter().map(|(_, link)| link.node));
    }
    false
}

/// Names the node that gave the value of a param that is to blame.
pub(super) fn with_source(plan: &Plan, node: &CheckedNode, mut failure: Failure) -> Failure {
    if let Some((_, link)) = node.linked_params.iter().find(|(name, _)| *name == failure.input) {
        let source = &plan.graph.nodes[link.node];
        failure.message += &format!("; it comes from node `{}` ({})", source.id, source.kind.id);
    }
    failure
}

/// The input of each port.
pub(super) fn ports(
    plan: &Plan,
    node: &CheckedNode,
    mut value: impl FnMut(&Port, Link) -> Value,
) -> Result<Vec<Input>, Failure> {
    let ports = node.kind.inputs.iter().zip(&node.ports);
    let input = |(port, links): (&Port, &Vec<Link>)| {
        let values = links.iter().map(|&link| value(port, link)).collect();
        input(plan, port, links, values)
    };
    ports.map(input).collect()
}

/// The input of one port. A linked output may be empty, but only an optional port accepts that.
fn input(plan: &Plan, port: &Port, links: &[Link], values: Vec<Value>) -> Result<Input, Failure> {
    let empty = values.iter().position(|value| matches!(value, Value::None));
    if let Some(link) = empty.filter(|_| !port.optional || port.many).and_then(|index| links.get(index)) {
        let source = &plan.graph.nodes[link.node];
        let (output, doc) =
            source.kind.outputs.get(link.output).map_or(("", ""), |port| (&port.name[..], &port.doc[..]));
        let message = format!("output `{output}` of node `{}` is empty in this run", source.id);
        let failure = Failure::new(FailureKind::Argument, message).at(port.name.clone());
        return Err(match doc.is_empty() {
            true => failure,
            false => failure.hint(format!("`{output}` of {}: {doc}", source.kind.id)),
        });
    }
    if port.many {
        return Ok(Input::Many(values));
    }
    Ok(match values.into_iter().next() {
        None | Some(Value::None) => Input::None,
        Some(value) => Input::One(value),
    })
}
