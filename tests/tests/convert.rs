//! `convert`, and graphs in the editor's own form wherever a graph is taken.

use std::path::Path;

use dreamwire_tests::{Cmd, Folder, Outcome, photo, repository};
use serde_json::{Value, json};

fn convert(folder: &Folder, args: &[&str]) -> Outcome {
    Cmd::new(folder).args(["convert"]).args(args).run()
}

fn converted(folder: &Folder, args: &[&str]) -> Value {
    let outcome = convert(folder, args);
    outcome.exits(0);
    serde_json::from_str(&outcome.stdout).expect("it is JSON")
}

fn is_link(value: &Value) -> bool {
    matches!(value.as_array().map(Vec::as_slice), Some([Value::String(_), Value::Number(_)]))
}

fn same(a: &Value, b: &Value) -> bool {
    let numbers = a.as_f64().zip(b.as_f64()).is_some_and(|(a, b)| a == b);
    let lists = a["__value__"].as_array().zip(b["__value__"].as_array());
    let lists = lists.is_some_and(|(a, b)| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)));
    // A list may be a text with commas.
    let joined = a["__value__"].as_array().is_some_and(|items| {
        let words: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
        words.is_some_and(|words| b.as_str() == Some(&words.join(",")))
    });
    a == b || numbers || lists || joined
}

/// What an input is in a run of one row, which is all that the editor's own form can have; `None` for the labels of rows.
fn alone(value: &Value) -> Option<Value> {
    match value.as_object() {
        Some(object) if object.contains_key("__previous__") => Some(object["first"].clone()),
        Some(object) if object.contains_key("__curve__") => {
            object["__curve__"].as_object().and_then(|keys| keys.values().next().cloned())
        }
        Some(object) if object.contains_key("__rows__") => {
            Some(object["__rows__"].clone()).filter(Value::is_array)
        }
        _ => Some(value.clone()),
    }
}

/// Every input of one graph is an input of the other, which has nothing more but values of widgets.
fn compare(name: &str, before: &Value, after: &Value) {
    let ids = |graph: &Value| graph.as_object().expect("nodes").keys().cloned().collect::<Vec<_>>();
    assert_eq!(ids(before), ids(after), "{name}");
    for (id, node) in before.as_object().expect("nodes") {
        let other = &after[id];
        assert_eq!(
            (&node["class_type"], &node["_meta"]),
            (&other["class_type"], &other["_meta"]),
            "{name}: {id}"
        );
        for (input, value) in node["inputs"].as_object().expect("inputs") {
            let found = &other["inputs"][input];
            let Some(value) = alone(value) else { continue };
            assert!(same(&value, found), "{name}: {id}.{input} was {value} and is {found}");
        }
        for (input, value) in other["inputs"].as_object().expect("inputs") {
            assert!(
                node["inputs"].get(input).is_some() || !is_link(value),
                "{name}: {id}.{input} is {value}"
            );
        }
    }
}

#[test]
fn every_example_there_and_back() {
    let folder = Folder::new();
    let mut count = 0;
    for file in std::fs::read_dir(repository().join("graphs")).expect("examples").flatten() {
        let path = file.path();
        if path.extension().is_none_or(|extension| extension != "json") || path.ends_with("schema.json") {
            continue;
        }
        let path = path.to_str().expect("a name");
        let before = converted(&folder, &[path, "--to", "api"]);
        let ui = converted(&folder, &[path]);
        folder.write("ui.json", ui.to_string());
        compare(path, &before, &converted(&folder, &["ui.json"]));
        assert_eq!(converted(&folder, &["ui.json", "--to", "ui"]), ui, "{path}");
        count += 1;
    }
    assert!(count > 15, "{count} examples");
}

fn api() -> Value {
    json!({
        "photo": { "class_type": "LoadImage", "inputs": { "image": "in.png" } },
        "small": { "class_type": "Resize", "inputs": { "image": ["photo", 0], "width": 6, "height": 4 } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["small", 0] } },
    })
}

fn pixels(path: &Path) -> Vec<u8> {
    image::open(path).expect("a picture").to_rgb8().into_raw()
}

#[test]
fn a_graph_in_the_editors_own_form_runs() {
    let folder = Folder::with_graph(&api());
    photo(&folder.join("in.png"), 12, 8);
    convert(&folder, &["graph.json", "-o", "ui.json"]).exits(0);
    Cmd::new(&folder).args(["check", "ui.json"]).run().exits(0).says("3 nodes");
    Cmd::new(&folder).args(["describe", "ui.json"]).run().exits(0);
    let run = |graph: &str, out: &str| {
        Cmd::new(&folder).args(["run", graph, "--out", out]).run().exits(0);
        pixels(&folder.join(&format!("{out}/dreamwire_00001_.png")))
    };
    let expected = run("graph.json", "one");
    assert_eq!(run("ui.json", "two"), expected);
    // The picture carries the graph as a graph file.
    let carried = converted(&folder, &["two/dreamwire_00001_.png", "--to", "api"]);
    assert_eq!(carried["small"]["inputs"]["width"], 6);
    Cmd::new(&folder)
        .args(["run", "ui.json", "--isolate", "--set", "small.width=3", "--out", "three"])
        .run()
        .exits(0);
    assert_eq!(pixels(&folder.join("three/dreamwire_00001_.png")).len(), 3 * 4 * 3);
}

#[test]
fn convert_overrides_and_writes_files_whole() {
    let folder = Folder::with_graph(&api());
    let set = converted(&folder, &["graph.json", "--to", "api", "--set", "small.width=9"]);
    assert_eq!(set["small"]["inputs"]["width"], 9);
    convert(&folder, &["graph.json", "-o", "graph.json", "--force"])
        .exits(2)
        .says("is the file that is read");
    convert(&folder, &["graph.json", "-o", "ui.json"]).exits(0);
    let ui = folder.read("ui.json");
    convert(&folder, &["graph.json", "-o", "ui.json"]).exits(2).says("--force");
    assert_eq!(folder.read("ui.json"), ui);
    convert(&folder, &["graph.json", "-o", "ui.json", "--to", "api", "--force"]).exits(0);
    let api: Value = serde_json::from_slice(&folder.read("ui.json")).expect("it is JSON");
    assert_eq!(api["small"]["class_type"], "Resize");
    folder.write("bad.json", r#"{ "nodes": [{ "id": 1, "type": "Nothing" }] }"#);
    let outcome = convert(&folder, &["bad.json", "-o", "none.json"]);
    outcome.exits(4).says("unknown kind `Nothing`");
    assert!(!folder.join("none.json").exists());
}
