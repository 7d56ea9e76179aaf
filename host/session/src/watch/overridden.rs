use std::collections::HashMap;

use dreamwire_graph::{Graph, InputValue};

/// Finds edits of the graph file that overrides make ineffective.
#[derive(Default)]
pub(super) struct Overridden {
    /// The file's last value of each overridden input.
    last: HashMap<String, Option<InputValue>>,
}

impl Overridden {
    /// The overridden inputs whose value in the file has changed since the last call.
    pub(super) fn edits(&mut self, graph: &Graph, sets: &[String]) -> Vec<String> {
        let mut edited = Vec::new();
        for target in sets.iter().filter_map(|set| set.split_once('=')).map(|(target, _)| target) {
            let found = target.match_indices('.').find_map(|(dot, _)| {
                let node = graph.nodes.iter().find(|node| node.id == target[..dot])?;
                Some(node.input(&target[dot + 1..]).map(|input| input.value.clone()))
            });
            let Some(value) = found else { continue };
            let before = self.last.insert(target.to_owned(), value.clone());
            if before.is_some_and(|before| !same(before.as_ref(), value.as_ref())) {
                edited.push(target.to_owned());
            }
        }
        edited
    }
}

/// Whether two values are equal; places are ignored.
fn same(a: Option<&InputValue>, b: Option<&InputValue>) -> bool {
    match (a, b) {
        (Some(InputValue::Link(a)), Some(InputValue::Link(b))) => {
            (&a.node, &a.output) == (&b.node, &b.output)
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_graph::{Source, parse};

    #[test]
    fn an_edit_of_an_overridden_input_is_found_once() {
        let mut overridden = Overridden::default();
        let sets = ["a.b.n=3".to_owned(), "c.d=1".to_owned(), "odd".to_owned()];
        let mut edits = |input: &str| {
            let text = format!(r#"{{ "a.b": {{ "class_type": "X", "inputs": {{ {input} }} }} }}"#);
            overridden.edits(&parse(&Source::new("g", text)).0, &sets)
        };
        assert!(edits(r#""n": 1"#).is_empty(), "nothing is known of before");
        assert!(edits(r#" "n":  1, "m": 2"#).is_empty(), "another edit");
        assert_eq!(edits(r#""n": 2"#), ["a.b.n"]);
        assert!(edits(r#""n": 2"#).is_empty());
        assert_eq!(edits(""), ["a.b.n"]);
        assert_eq!(edits(r#""n": ["x", 0]"#), ["a.b.n"]);
        assert!(edits(r#""n":   ["x", 0]"#).is_empty());
    }
}
