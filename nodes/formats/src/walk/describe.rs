//! What a pickle says beside its tensors, as JSON: numbers, texts, and what networks were built with.

use serde_json::{Map, Value as Json};

use crate::numpy::scalar;
use crate::pickle::{Id, Tree, Value};

use super::call::call;
use super::children::{is_network, persistent_meta};
use super::mapping::{attribute, attributes, lookup, mapping};

/// Values that are told, nesting, and bytes of a text: metadata is for people and for a few lookups.
const VALUES: usize = 20_000;
const DEPTH: usize = 32;
const TEXT: usize = 4096;

/// The metadata of a file, if there is any.
pub(super) fn describe(tree: &Tree<'_>) -> Option<Map<String, Json>> {
    let mut left = VALUES;
    match value(tree, tree.root(), 0, &mut left)? {
        Json::Object(map) => Some(map),
        // The networks of a file for TensorFlow.
        Json::Array(items) if items.len() == 3 && items.iter().all(Json::is_object) => {
            Some(["G", "D", "Gs"].map(str::to_owned).into_iter().zip(items).collect())
        }
        _ => None,
    }
}

/// Nothing for tensors, and for what only holds tensors.
fn value(tree: &Tree<'_>, id: Id, depth: usize, left: &mut usize) -> Option<Json> {
    *left = left.checked_sub(1)?;
    if depth > DEPTH {
        return None;
    }
    match tree.get(id) {
        Value::None => Some(Json::Null),
        Value::Bool(value) => Some(Json::from(*value)),
        Value::Int(value) => i64::try_from(*value).ok().map(Json::from),
        Value::Float(value) => Some(Json::from(*value)),
        Value::Str(text) => (text.len() <= TEXT).then(|| Json::from(text.as_ref())),
        Value::Bytes(_) => tree.text(id).filter(|text| text.len() <= TEXT).map(Json::from),
        Value::Global(global) => Some(Json::from(format!("{}.{}", global.module, global.name))),
        Value::Huge | Value::Persistent(_) => None,
        Value::List(items) | Value::Tuple(items) | Value::Set(items) => list(tree, items, depth, left),
        Value::Dict(pairs) => object(tree, pairs, depth, left).map(Json::Object),
        Value::Object(_) => made(tree, id, depth, left),
    }
}

/// Nothing if an element cannot be told, because the others would change their places.
fn list(tree: &Tree<'_>, items: &[Id], depth: usize, left: &mut usize) -> Option<Json> {
    items.iter().map(|item| value(tree, *item, depth + 1, left)).collect::<Option<Vec<_>>>().map(Json::Array)
}

fn object(tree: &Tree<'_>, pairs: &[(Id, Id)], depth: usize, left: &mut usize) -> Option<Map<String, Json>> {
    let mut map = Map::new();
    for (key, item) in pairs {
        let key = match tree.get(*key) {
            Value::Int(index) => index.to_string(),
            _ => match tree.text(*key) {
                Some(text) if text.len() <= TEXT => text.to_owned(),
                _ => continue,
            },
        };
        if let Some(item) = value(tree, *item, depth + 1, left) {
            map.insert(key, item);
        }
    }
    (!map.is_empty() || pairs.is_empty()).then_some(map)
}

fn made(tree: &Tree<'_>, id: Id, depth: usize, left: &mut usize) -> Option<Json> {
    let call = call(tree, id)?;
    if let Some(number) = scalar(tree, &call) {
        return Some(number);
    }
    if call.name.starts_with("_rebuild_") || call.is_numpy("_reconstruct") || call.is_numpy("_frombuffer") {
        return None;
    }
    if let Some(pairs) = mapping(tree, id) {
        return object(tree, &pairs, depth, left).map(Json::Object);
    }
    if let Some(meta) = persistent_meta(tree, &call) {
        let state = lookup(tree, &meta, "state").and_then(|state| mapping(tree, state)).unwrap_or_default();
        let mut told: Vec<_> =
            meta.into_iter().filter(|(key, _)| tree.text(*key) == Some("class_name")).collect();
        let built = |key: &str| matches!(key, "_init_args" | "_init_kwargs");
        told.extend(state.into_iter().filter(|(key, _)| tree.text(*key).is_some_and(built)));
        return object(tree, &told, depth, left).map(Json::Object);
    }
    let class = Json::from(format!("{}.{}", call.module, call.name));
    let mut map = Map::from_iter([("class".to_owned(), class)]);
    if is_network(&call) {
        for key in ["name", "version", "static_kwargs", "build_func_name"] {
            let told = attribute(tree, id, key).and_then(|item| value(tree, item, depth + 1, left));
            map.extend(told.map(|told| (key.to_owned(), told)));
        }
    } else if call.is("argparse", "Namespace") {
        let state = call.object.state.map(|state| attributes(tree, state)).unwrap_or_default();
        return object(tree, &state, depth, left).map(Json::Object);
    }
    Some(Json::Object(map))
}
