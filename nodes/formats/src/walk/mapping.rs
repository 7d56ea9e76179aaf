//! Dicts, the classes derived from them, and the attributes of objects.

use crate::pickle::{Id, Tree, Value};

use super::call;

/// The pairs of a dict, or of an object that is one.
pub(crate) fn mapping(tree: &Tree<'_>, id: Id) -> Option<Vec<(Id, Id)>> {
    if let Value::Dict(pairs) = tree.get(id) {
        return Some(pairs.clone());
    }
    let call = call(tree, id)?;
    let is_dict = matches!(
        (call.module, call.name),
        ("collections", "OrderedDict" | "defaultdict" | "Counter") | ("builtins" | "__builtin__", "dict")
    );
    if !is_dict && call.object.pairs.is_empty() {
        return None;
    }
    let mut pairs = Vec::new();
    if is_dict {
        for arg in call.args {
            pairs.extend(initial(tree, *arg));
        }
    }
    pairs.extend(&call.object.pairs);
    Some(pairs)
}

/// The pairs that a dict is made with: of another dict, or of a list of pairs, which is how Python 2 writes them.
fn initial(tree: &Tree<'_>, id: Id) -> Vec<(Id, Id)> {
    if let Value::Dict(pairs) = tree.get(id) {
        return pairs.clone();
    }
    let items = tree.sequence(id).unwrap_or_default();
    let pair = |item: &Id| match tree.sequence(*item) {
        Some([key, value]) => Some((*key, *value)),
        _ => None,
    };
    items.iter().filter_map(pair).collect()
}

/// The value of a key that is a text. As in Python, the last counts.
pub(crate) fn lookup(tree: &Tree<'_>, pairs: &[(Id, Id)], key: &str) -> Option<Id> {
    pairs.iter().rev().find(|(name, _)| tree.text(*name) == Some(key)).map(|(_, value)| *value)
}

/// The attributes that an object was given: of its `__dict__`, and of its slots.
pub(crate) fn attributes(tree: &Tree<'_>, state: Id) -> Vec<(Id, Id)> {
    match tree.get(state) {
        Value::Tuple(parts) => parts.iter().filter_map(|part| mapping(tree, *part)).flatten().collect(),
        _ => mapping(tree, state).unwrap_or_default(),
    }
}

/// One attribute of an object.
pub(crate) fn attribute(tree: &Tree<'_>, id: Id, name: &str) -> Option<Id> {
    let state = call(tree, id)?.object.state?;
    lookup(tree, &attributes(tree, state), name)
}
