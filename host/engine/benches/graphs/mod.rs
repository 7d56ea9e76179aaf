//! Large graphs, and kinds for them.

use dreamwire_graph::{KindInfo, Kinds, Params, Port};

fn port(name: &str) -> Port {
    Port {
        name: name.to_owned(),
        doc: String::new(),
        types: vec!["IMAGE".to_owned()],
        optional: false,
        many: false,
        rows: false,
    }
}

fn kind(id: &str, inputs: Vec<Port>, outputs: Vec<Port>, output: bool) -> KindInfo {
    let schema = r#"{"type": "object", "description": "a kind", "properties": {
        "amount": {"type": "number", "default": 0.5, "minimum": 0, "maximum": 1},
        "mode": {"type": "string", "enum": ["add", "multiply", "screen"], "default": "add"},
        "seed": {"type": "integer", "default": 0, "minimum": 0, "maximum": 9007199254740991}}}"#;
    let (params, doc) =
        Params::parse(&serde_json::from_str(schema).expect("a schema")).expect("in the subset");
    KindInfo {
        id: id.to_owned(),
        version: 1,
        plugin: "org.example.bench".to_owned(),
        file: String::new(),
        title: id.to_owned(),
        category: String::new(),
        doc,
        inputs,
        outputs,
        params,
        pure_: true,
        output,
        stateful: false,
    }
}

/// The kinds of [`chain`].
pub(crate) fn kinds() -> Kinds {
    let mut kinds = Kinds::new();
    kinds.insert(kind("Source", vec![], vec![port("IMAGE")], false));
    kinds.insert(kind("Mix", vec![port("a"), port("b")], vec![port("IMAGE")], false));
    kinds.insert(kind("Save", vec![port("a")], vec![], true));
    kinds
}

/// The text of a graph of so many nodes, each of which takes the one before it and an earlier one. No two do the same.
pub(crate) fn chain(nodes: usize) -> String {
    let mut text = r#"{"n0": {"class_type": "Source", "inputs": {}}"#.to_owned();
    for i in 1..nodes - 1 {
        let (a, b) = (i - 1, i / 2);
        text += &format!(
            ",\n  \"n{i}\": {{ \"class_type\": \"Mix\", \"inputs\": {{ \"a\": [\"n{a}\", \"IMAGE\"], \"b\": [\"n{b}\", 0], \"amount\": 0.25, \"seed\": {i} }} }}"
        );
    }
    text + &format!(
        ",\n \"save\": {{\"class_type\": \"Save\", \"inputs\": {{\"a\": [\"n{}\", 0]}}}}}}",
        nodes - 2
    )
}
