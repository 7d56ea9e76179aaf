use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::graph::{Graph, InputValue, LinkRef, OutputRef};
use crate::kinds::Kinds;

impl Graph {
    /// The graph as strict JSON that can be opened again: with the changes of `--set`, without comments,
    /// links by index if the kind is known (as ComfyUI needs them). Pictures carry it as metadata.
    pub fn to_json(&self, kinds: &Kinds) -> Value {
        let by_id: HashMap<&str, &str> =
            self.nodes.iter().map(|node| (node.id.as_str(), node.kind.as_str())).collect();
        let index = |link: &LinkRef| match &link.output {
            OutputRef::Index(index) => json!(index),
            OutputRef::Name(name) => {
                let kind = by_id.get(link.node.as_str()).and_then(|kind| kinds.get(kind));
                match kind.and_then(|kind| kind.outputs.iter().position(|port| port.name == *name)) {
                    Some(index) => json!(index),
                    None => json!(name),
                }
            }
        };
        let mut nodes = Map::new();
        for node in &self.nodes {
            let mut inputs = Map::new();
            for input in &node.inputs {
                let value = match &input.value {
                    InputValue::Link(link) => json!([link.node, index(link)]),
                    // A bare array would be parsed as a link.
                    InputValue::Literal(Value::Array(items)) | InputValue::List(items) => {
                        json!({ "__value__": items })
                    }
                    InputValue::Literal(value) => value.clone(),
                    InputValue::Varying(varying) => varying.to_json(|link| json!([link.node, index(link)])),
                    InputValue::Unread => continue,
                };
                inputs.insert(input.name.clone(), value);
            }
            let mut entry = json!({ "class_type": node.kind, "inputs": inputs });
            if let Some(title) = &node.title {
                entry["_meta"] = json!({ "title": title });
            }
            nodes.insert(node.id.clone(), entry);
        }
        Value::Object(nodes)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::kinds;
    use crate::{Source, check, parse};

    #[test]
    fn the_recipe_is_strict_and_has_what_was_set() {
        let text = r#"{ // a comment
            "$schema": "x",
            "photo": {"class_type": "LoadImage", "inputs": {"image": "cat.png"}, "_meta": {"title": "Cat"}},
            "save": {"class_type": "SaveImage", "inputs": {"images": ["photo", "IMAGE"], "filename_prefix": "a",}},
        }"#;
        let kinds = kinds();
        let (mut graph, problems) = parse(&Source::new("g.json", text));
        assert!(problems.is_empty(), "{problems:?}");
        graph.set("save.filename_prefix=b", &kinds).unwrap();
        let recipe = graph.to_json(&kinds).to_string();
        let expected = r#"{"photo":{"class_type":"LoadImage","inputs":{"image":"cat.png"},"_meta":{"title":"Cat"}},"save":{"class_type":"SaveImage","inputs":{"images":["photo",0],"filename_prefix":"b"}}}"#;
        assert_eq!(recipe, expected);
        let (again, problems) = parse(&Source::new("g.json", recipe));
        assert!(problems.is_empty());
        assert!(check(&again, &kinds).0.is_some());
    }
}
