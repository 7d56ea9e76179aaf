//! The part of a graph that some outputs need.

use std::collections::HashSet;

use serde_json::{Map, Value};

/// The nodes of a graph in API form that `targets` need, themselves included, in the order of the graph.
pub(crate) fn prune(prompt: &Value, targets: &[String]) -> Value {
    let Some(nodes) = prompt.as_object() else { return prompt.clone() };
    let mut needed: HashSet<&str> = HashSet::new();
    let mut open: Vec<&str> = targets.iter().map(String::as_str).collect();
    while let Some(id) = open.pop() {
        let Some(node) = nodes.get(id) else { continue };
        if needed.insert(id) {
            let inputs = node["inputs"].as_object().into_iter().flat_map(Map::values);
            open.extend(inputs.filter_map(source));
        }
    }
    let kept = nodes.iter().filter(|(id, _)| needed.contains(id.as_str()));
    Value::Object(kept.map(|(id, node)| (id.clone(), node.clone())).collect())
}

/// The node that a value links to, if it is a link.
fn source(value: &Value) -> Option<&str> {
    match value.as_array()?.as_slice() {
        [node, Value::Number(_) | Value::String(_)] => node.as_str(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_the_targets_need_is_kept() {
        let prompt = json!({
            "a": { "class_type": "A" },
            "b": { "class_type": "B", "inputs": { "x": ["a", 0], "list": [1, 2], "gone": ["none", 0] } },
            "c": { "class_type": "C", "inputs": { "x": ["b", 0] } },
            "d": { "class_type": "D", "inputs": { "x": ["a", "image"] } },
        });
        let ids = |targets: &[&str]| {
            let targets: Vec<String> = targets.iter().map(|id| (*id).to_owned()).collect();
            prune(&prompt, &targets).as_object().unwrap().keys().cloned().collect::<Vec<_>>()
        };
        assert_eq!(ids(&["d"]), ["a", "d"]);
        assert_eq!(ids(&["c", "d"]), ["a", "b", "c", "d"]);
        assert!(ids(&["none"]).is_empty());
    }

    #[test]
    fn a_long_chain_and_a_cycle_end() {
        let node = |to: usize| json!({ "class_type": "A", "inputs": { "x": [to.to_string(), 0] } });
        let chain: Map<String, Value> = (0..50_000usize).map(|n| (n.to_string(), node((n + 1) % 50_000))).collect();
        let kept = prune(&Value::Object(chain), &["7".to_owned()]);
        assert_eq!(kept.as_object().unwrap().len(), 50_000);
    }
}
