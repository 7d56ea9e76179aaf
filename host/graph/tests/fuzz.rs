//! Damaged graph files: whatever the bytes are, there is an answer, its places lie in the text, and a graph that was
//! understood can be written and read again.
//!
//! `PROPTEST_CASES=100000 cargo test -p dreamwire-graph --test fuzz` looks longer.

use dreamwire_graph::{Checked, KindInfo, Kinds, Params, Port, Source, check, parse, sort};
use proptest::prelude::*;
use serde_json::json;

/// One edit of a text, at a place that is scaled to its length.
#[derive(Clone, Debug)]
enum Edit {
    Put(u8),
    Insert(&'static str),
    Remove(usize),
    Repeat(usize),
}

/// What is worth inserting: the grammar's own pieces, and what is outside of it.
const PIECES: [&str; 24] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "//",
    "/*",
    "null",
    "true",
    "1e999",
    "-0",
    "0.5",
    "[\"a\", 0]",
    "\"class_type\"",
    "\"inputs\"",
    "{\"__value__\": [1]}",
    "\\u0000",
    "\\ud800",
    "\u{feff}",
    "\u{202e}",
    "18446744073709551616",
];

fn edits() -> impl Strategy<Value = Vec<(f64, Edit)>> {
    let edit = prop_oneof![
        any::<u8>().prop_map(Edit::Put),
        (0..PIECES.len()).prop_map(|index| Edit::Insert(PIECES[index])),
        (1usize..40).prop_map(Edit::Remove),
        (1usize..40).prop_map(Edit::Repeat),
    ];
    prop::collection::vec((0.0..1.0f64, edit), 0..12)
}

fn apply(seed: &[u8], edits: &[(f64, Edit)]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for (place, edit) in edits {
        let at = (place * bytes.len() as f64) as usize;
        let end = |count: usize| (at + count).min(bytes.len());
        match edit {
            Edit::Put(byte) if at < bytes.len() => bytes[at] = *byte,
            Edit::Put(byte) => bytes.push(*byte),
            Edit::Insert(piece) => drop(bytes.splice(at..at, piece.bytes())),
            Edit::Remove(count) => drop(bytes.drain(at..end(*count))),
            Edit::Repeat(count) => {
                let again = bytes[at..end(*count)].to_vec();
                drop(bytes.splice(at..at, again));
            }
        }
    }
    bytes
}

/// The examples and the faulty graphs of the suite.
fn seeds() -> Vec<Vec<u8>> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut seeds = Vec::new();
    seeds.push(EDITORS.as_bytes().to_vec());
    for folder in ["graphs", "tests/suite"] {
        let files = std::fs::read_dir(root.join(folder)).expect("the folder is there").flatten();
        let graphs =
            files.map(|file| file.path()).filter(|path| path.extension().is_some_and(|e| e == "json"));
        seeds.extend(graphs.filter_map(|path| std::fs::read(path).ok()).filter(|bytes| bytes.len() < 20_000));
    }
    seeds.sort();
    assert!(seeds.len() > 30, "{} seeds", seeds.len());
    seeds
}

/// A graph in the editor's own form with all that it can have.
const EDITORS: &str = r#"{ "nodes": [
    { "id": 1, "type": "LoadImage", "mode": 0, "title": "Cat",
      "widgets_values": ["a.png", "relu1_1", 4, "fixed", 1.5, "8", "\u0023000", true, "[1, 2]"] },
    { "id": 2, "type": "AdaIN", "mode": 4, "inputs": [{ "name": "images", "type": "IMAGE", "link": 1 }],
      "outputs": [{ "name": "IMAGE", "type": "IMAGE", "links": [2] }] },
    { "id": 3, "type": "outer", "inputs": [{ "name": "picture", "type": "IMAGE", "link": 2 },
      { "name": "rate", "type": "FLOAT", "widget": { "name": "rate" }, "link": null }], "widgets_values": [2.5] },
    { "id": 4, "type": "Reroute", "inputs": [{ "name": "", "type": "*", "link": 3 }] },
    { "id": 5, "type": "SaveImage", "inputs": [{ "name": "images", "type": "IMAGE", "link": 4 },
      { "name": "octaves", "type": "INT", "widget": { "name": "octaves" }, "link": 5 }],
      "widgets_values_named": { "octaves": 3, "weights": { "__value__": [1] } } },
    { "id": 6, "type": "PrimitiveNode", "widgets_values": [7, "randomize"] },
    { "id": 7, "type": "Note", "mode": 2, "widgets_values": [{ "a": [] }] }],
  "links": [[1, 1, 0, 2, 0, "IMAGE"], [2, 2, 0, 3, 0, "IMAGE"], [3, 3, 0, 4, 0, "IMAGE"], [4, 4, 0, 5, 0, "*"],
    [5, 6, 0, 5, 1, "INT"]],
  "definitions": { "subgraphs": [
    { "id": "outer", "name": "Outer", "inputs": [{ "name": "picture" }, { "name": "rate" }], "nodes": [
      { "id": 1, "type": "inner", "inputs": [{ "name": "picture", "type": "IMAGE", "link": 1 },
        { "name": "rate", "widget": { "name": "rate" }, "link": 2 }], "properties": { "proxyWidgets": [["1", "rate"]] } }],
      "links": [{ "id": 1, "origin_id": -10, "origin_slot": 0, "target_id": 1, "target_slot": 0 },
        { "id": 2, "origin_id": -10, "origin_slot": 1, "target_id": 1, "target_slot": 1 },
        { "id": 3, "origin_id": 1, "origin_slot": 0, "target_id": -20, "target_slot": 0 }] },
    { "id": "inner", "name": "Inner", "inputs": [{ "name": "picture" }, { "name": "rate" }], "nodes": [
      { "id": 1, "type": "Resize", "inputs": [{ "name": "images", "type": "IMAGE", "link": 1 },
        { "name": "rate", "widget": { "name": "rate" }, "link": 2 }], "widgets_values": ["a.png"] }],
      "links": [{ "id": 1, "origin_id": -10, "origin_slot": 0, "target_id": 1, "target_slot": 0 },
        { "id": 2, "origin_id": -10, "origin_slot": 1, "target_id": 1, "target_slot": 1 },
        { "id": 3, "origin_id": 1, "origin_slot": 0, "target_id": -20, "target_slot": 0 }] }] } }"#;

/// Kinds with ports and params of every sort, by names that the examples use.
fn kinds() -> Kinds {
    let schema = r##"{"type": "object", "properties": {
        "image": {"type": "string", "format": "dw-file", "default": "a.png"},
        "layers": {"type": "string", "x-dw-list": true, "default": "relu4_3"},
        "octaves": {"type": "integer", "minimum": 1, "maximum": 16, "default": 4},
        "rate": {"type": "number", "default": 1.5},
        "bits": {"type": "string", "enum": ["8", "16"], "default": "8"},
        "color": {"type": "string", "format": "dw-color", "default": "#000"},
        "metadata": {"type": "boolean", "default": true},
        "weights": {"type": "array", "items": {"type": "number"}, "default": []}}}"##;
    let (params, doc) = Params::parse(&serde_json::from_str(schema).expect("JSON")).expect("in the subset");
    let port = |name: &str, many: bool| Port {
        name: name.to_owned(),
        types: vec!["IMAGE".to_owned()],
        optional: true,
        many,
        ..Port::default()
    };
    let mut kinds = Kinds::new();
    for id in ["LoadImage", "VGGFeatures", "GradientAscent", "SumObjective", "SaveImage", "AdaIN", "Resize"] {
        kinds.insert(KindInfo {
            id: id.to_owned(),
            version: 1,
            plugin: "org.example".to_owned(),
            file: String::new(),
            title: id.to_owned(),
            category: String::new(),
            doc: doc.clone(),
            inputs: vec![port("images", false), port("objectives", true)],
            outputs: vec![port("IMAGE", false), port("FEATURES", false)],
            params: params.clone(),
            pure_: true,
            output: id == "SaveImage",
            stateful: false,
        });
    }
    kinds
}

/// Nodes without errors: each may link to those before it, and the last saves.
fn nodes() -> impl Strategy<Value = serde_json::Map<String, serde_json::Value>> {
    let kind = prop::sample::select(vec!["LoadImage", "GradientAscent", "SumObjective", "AdaIN", "Resize"]);
    let value = prop_oneof![
        ("[a-z]{1,4}(,[a-z]{1,4})?").prop_map(|layers| ("layers", json!(layers))),
        prop::collection::vec("[a-z]{1,3}", 3).prop_map(|layers| ("layers", json!(layers))),
        (1..17u8).prop_map(|octaves| ("octaves", json!(octaves))),
        any::<i32>().prop_map(|rate| ("rate", json!(rate))),
        (0.0..1e6f64).prop_map(|rate| ("rate", json!(rate))),
        Just(("bits", json!(16))),
        any::<bool>().prop_map(|metadata| ("metadata", json!(metadata))),
        prop::collection::vec(-9.0..9.0f64, 0..4)
            .prop_map(|weights| ("weights", json!({ "__value__": weights }))),
        prop_oneof!["[ -~]{1,8}", "fixed|image|randomize"].prop_map(|image| ("image", json!(image))),
    ];
    let link =
        (prop::sample::select(vec!["images", "objectives", "objectives.3", "objectives.9"]), any::<f64>());
    let link = (link, 0..2u8, any::<bool>());
    let inputs = (prop::collection::vec(value, 0..5), prop::collection::vec(link, 0..3));
    let id = prop_oneof!["[a-z]{1,3}", "[1-9][0-9]{0,2}", "0[0-9]", "[0-9]:[0-9]"];
    prop::collection::vec((id, kind, inputs), 1..8).prop_map(|list| {
        let mut nodes = serde_json::Map::new();
        for (id, kind, (values, links)) in list {
            let ids: Vec<String> = nodes.keys().cloned().collect();
            let mut inputs: serde_json::Map<_, _> =
                values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            for ((name, place), output, is_named) in links {
                let place = place.abs().fract() * ids.len() as f64;
                let Some(from) = ids.get(place as usize) else { continue };
                let output =
                    if is_named { json!(["IMAGE", "FEATURES"][usize::from(output)]) } else { json!(output) };
                inputs.insert(name.to_owned(), json!([from, output]));
            }
            nodes.entry(id).or_insert(json!({ "class_type": kind, "inputs": inputs }));
        }
        let first = nodes.keys().next().cloned();
        nodes.insert(
            "save".to_owned(),
            json!({ "class_type": "SaveImage", "inputs": { "images": [first, 0] } }),
        );
        nodes
    })
}

/// What a checked graph means.
fn meaning(checked: Option<Checked>) -> Vec<String> {
    let nodes = checked.map(|checked| checked.nodes).unwrap_or_default().into_iter();
    nodes.map(|node| format!("{} {} {:?} {:?}", node.id, node.kind.id, node.params, node.ports)).collect()
}

fn look(bytes: &[u8], kinds: &Kinds) {
    let (source, mut problems) = Source::from_bytes("g.json", bytes);
    if problems.is_empty() {
        let (mut graph, found) = parse(&source);
        problems.extend(found);
        problems.extend(graph.name_widgets(kinds));
        for set in ["save.bits=16", "a.b=c", "dream.octaves=x", "=", "vgg.layers=a,b"] {
            let _ = graph.set(set, kinds);
        }
        let (checked, found) = check(&graph, kinds);
        problems.extend(found);
        if let Some(checked) = checked {
            assert!(!graph.damaged);
            for (place, &index) in checked.order.iter().enumerate() {
                let before = &checked.order[..place];
                assert!(checked.nodes[index].links().all(|link| before.contains(&link.node)), "out of order");
            }
        }
        if !graph.damaged {
            let written = graph.to_json(kinds).to_string();
            let (again, problems) = parse(&Source::new("again.json", written.clone()));
            assert!(problems.is_empty(), "{problems:?}\n{written}");
            assert_eq!(again.to_json(kinds).to_string(), written);
            // Of a graph that has not all its parts it is only asked that it can be written.
            let ui = graph.to_ui(kinds).to_string();
            let (_, problems) = parse(&Source::new("ui.json", ui.clone()));
            assert!(problems.iter().all(|problem| !problem.is_error()), "{problems:?}\n{ui}");
        }
    }
    sort(&mut problems);
    for label in problems.iter().flat_map(|problem| &problem.labels) {
        assert!(label.span.start <= label.span.end, "{label:?}");
        let shown = source.text.get(label.span.start..label.span.end);
        assert!(shown.is_some(), "{label:?} of {:?}", source.text);
        let _ = source.position(label.span.start);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_graph_has_an_answer(seed in any::<prop::sample::Index>(), edits in edits()) {
        thread_local!(static GIVEN: (Vec<Vec<u8>>, Kinds) = (seeds(), kinds()));
        GIVEN.with(|(seeds, kinds)| {
            let seed: &Vec<u8> = seed.get(seeds);
            look(&apply(seed, &edits), kinds);
        });
    }

    /// With the larger part of the cases in the editor's own form.
    #[test]
    fn a_damaged_graph_of_the_editor_has_an_answer(edits in edits()) {
        look(&apply(EDITORS.as_bytes(), &edits), &kinds());
    }

    #[test]
    fn a_graph_goes_to_the_editors_own_form_and_back(nodes in nodes()) {
        let kinds = kinds();
        let text = serde_json::Value::Object(nodes).to_string();
        let (graph, problems) = parse(&Source::new("g.json", text.as_str()));
        prop_assert!(problems.is_empty(), "{problems:?}");
        let (before, problems) = check(&graph, &kinds);
        prop_assert!(problems.iter().all(|problem| !problem.is_error()), "{problems:?}\n{text}");
        let ui = graph.to_ui(&kinds);
        let (mut again, mut problems) = parse(&Source::new("ui.json", ui.to_string()));
        problems.extend(again.name_widgets(&kinds));
        prop_assert!(problems.is_empty(), "{problems:?}\n{ui:#}");
        prop_assert_eq!(meaning(check(&again, &kinds).0), meaning(before));
        prop_assert_eq!(again.to_ui(&kinds), ui);
    }

    #[test]
    fn any_bytes_have_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        look(&bytes, &kinds());
    }
}
