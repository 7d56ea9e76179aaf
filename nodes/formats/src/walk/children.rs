//! What lies below a value: the elements of containers, the parts of modules and networks, the attributes of objects.

use std::borrow::Cow;

use crate::pickle::{Id, Tree, Value};

use super::call::{Call, call};
use super::mapping::{attribute, attributes, lookup, mapping};

type Children<'t> = Vec<(Cow<'t, str>, Id)>;

/// The named values below a value, and whether it is a network of TensorFlow, whose names are joined by slashes.
pub(super) fn children<'t>(tree: &'t Tree<'_>, id: Id) -> (Children<'t>, bool) {
    if let Some(items) = tree.sequence(id) {
        return (sequence(tree, items), false);
    }
    if let Some(pairs) = mapping(tree, id) {
        return (named(tree, &pairs), false);
    }
    match call(tree, id) {
        Some(call) if is_network(&call) => (network(tree, id), true),
        Some(call) => (object(tree, &call), false),
        None => (Vec::new(), false),
    }
}

/// Elements are named by their index. A file of StyleGAN for TensorFlow is a tuple of three networks without names.
fn sequence<'t>(tree: &'t Tree<'_>, items: &[Id]) -> Children<'t> {
    let are_networks =
        items.len() == 3 && items.iter().all(|id| call(tree, *id).is_some_and(|call| is_network(&call)));
    if are_networks {
        return ["G", "D", "Gs"].into_iter().map(Cow::from).zip(items.iter().copied()).collect();
    }
    items.iter().enumerate().map(|(index, id)| (Cow::from(index.to_string()), *id)).collect()
}

fn named<'t>(tree: &'t Tree<'_>, pairs: &[(Id, Id)]) -> Children<'t> {
    let name = |key: Id| match tree.get(key) {
        Value::Int(index) => Some(Cow::from(index.to_string())),
        _ => tree.text(key).map(Cow::from),
    };
    pairs.iter().filter_map(|(key, value)| Some((name(*key)?, *value))).collect()
}

fn object<'t>(tree: &'t Tree<'_>, call: &Call<'_>) -> Children<'t> {
    if let Some(state) = persistent_state(tree, call) {
        return module(tree, &mapping(tree, state).unwrap_or_default());
    }
    let is_container = matches!(
        (call.module, call.name),
        ("builtins" | "__builtin__", "set" | "frozenset" | "list" | "tuple")
            | ("torch", "Size")
            | ("torch.jit._pickle", _)
    );
    if let ([list], true) = (call.args, is_container) {
        return sequence(tree, tree.sequence(*list).unwrap_or_default());
    }
    if !call.object.items.is_empty() {
        return sequence(tree, &call.object.items);
    }
    call.object.state.map(|state| module(tree, &attributes(tree, state))).unwrap_or_default()
}

/// The parameters, buffers and children of a module of PyTorch; all attributes of anything else. TorchScript's modules
/// have the names of their tensors as attributes.
fn module<'t>(tree: &'t Tree<'_>, attributes: &[(Id, Id)]) -> Children<'t> {
    let parts = ["_parameters", "_buffers", "_modules"].map(|part| lookup(tree, attributes, part));
    if parts == [None; 3] {
        return named(tree, attributes);
    }
    let parts = parts.into_iter().flatten();
    parts.flat_map(|part| named(tree, &mapping(tree, part).unwrap_or_default())).collect()
}

/// The attributes of an object that NVIDIA's code saved together with its source.
pub(super) fn persistent_state(tree: &Tree<'_>, call: &Call<'_>) -> Option<Id> {
    persistent_meta(tree, call).and_then(|meta| lookup(tree, &meta, "state"))
}

/// Class, source and attributes of such an object.
pub(super) fn persistent_meta(tree: &Tree<'_>, call: &Call<'_>) -> Option<Vec<(Id, Id)>> {
    match call.args {
        [meta, ..] if call.name == "_reconstruct_persistent_obj" => mapping(tree, *meta),
        _ => None,
    }
}

pub(super) fn is_network(call: &Call<'_>) -> bool {
    call.is("dnnlib.tflib.network", "Network") || call.is("tfutil", "Network")
}

/// A network's own variables, and its components.
fn network<'t>(tree: &'t Tree<'_>, id: Id) -> Children<'t> {
    let variables = attribute(tree, id, "variables").and_then(|list| tree.sequence(list)).unwrap_or_default();
    let variable = |pair: &Id| match tree.sequence(*pair) {
        Some([name, value]) => Some((Cow::from(tree.text(*name)?), *value)),
        _ => None,
    };
    let mut all: Children<'t> = variables.iter().filter_map(variable).collect();
    let components = attribute(tree, id, "components").and_then(|parts| mapping(tree, parts));
    all.extend(named(tree, &components.unwrap_or_default()));
    all
}
