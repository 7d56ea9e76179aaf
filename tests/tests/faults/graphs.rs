//! Invalid graphs, and very large ones.

use dreamwire_tests::{Cmd, Folder, Outcome};
use serde_json::{Map, Value, json};

fn run(graph: &str) -> (Folder, Outcome) {
    let folder = Folder::new();
    folder.write("graph.json", graph);
    let outcome = Cmd::new(&folder).args(["run", "graph.json", "--out", "out", "--progress", "json"]).run();
    (folder, outcome)
}

#[track_caller]
fn refused(graph: &str, said: &str) {
    let (folder, outcome) = run(graph);
    outcome.exits(3).says(said).says("graph.json");
    assert!(!outcome.stdout.contains("\"started\""), "something ran:\n{}", outcome.stdout);
    assert_eq!(folder.files("."), ["graph.json"]);
}

/// Faults: A15.
#[test]
fn two_links_into_one_input_are_named() {
    let twice = r#"{
        "a": { "class_type": "NoiseImage", "inputs": { "seed": 1 } },
        "b": { "class_type": "NoiseImage", "inputs": { "seed": 2 } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["a", 0], "images": ["b", 0] } }
    }"#;
    refused(twice, "`images` is there twice");
    let counted = r#"{
        "smooth": { "class_type": "TotalVariation" },
        "sum": { "class_type": "SumObjective",
                 "inputs": { "objectives": ["smooth", 0], "objectives.0": ["smooth", 0] } }
    }"#;
    refused(counted, "`objectives` and `objectives.0` are the same input");
}

/// Faults: A15.
#[test]
fn inputs_that_are_not_given_are_named() {
    let graph = r#"{ "photo": { "class_type": "LoadImage" }, "save": { "class_type": "SaveImage" } }"#;
    refused(graph, "`image` of `photo` is not given");
    refused(graph, "`images` of `save` is not connected");
}

/// Noise of one pixel, saved.
fn seeded(seed: &str) -> String {
    format!(
        r#"{{
            "noise": {{ "class_type": "NoiseImage", "inputs": {{ "width": 1, "height": 1, "seed": {seed} }} }},
            "save": {{ "class_type": "SaveImage", "inputs": {{ "images": ["noise", 0], "metadata": false }} }}
        }}"#
    )
}

/// Faults: A17, A18.
#[test]
fn a_seed_that_is_no_exact_integer_is_refused() {
    refused(&seeded("0.5"), "`seed` must be an integer, but 0.5 has a fraction");
    refused(&seeded("18446744073709551616"), "number 18446744073709551616 is too large");
    refused(&seeded("1e300"), "too large to be exact");
    refused(&seeded("1e999"), "number 1e999 is too large");
    refused(&seeded("18446744073709551616.0"), "too large to be exact");
    refused(&seeded("-1"), "`seed` is -1, which is out of range");
    refused(&seeded("\"7\""), "`seed` must be an integer, but this is a string");
}

/// Faults: A18.
#[test]
fn the_largest_seed_is_not_the_one_before_it() {
    let picture = |seed| {
        let (folder, outcome) = run(&seeded(seed));
        outcome.exits(0);
        folder.read("out/dreamwire_00001_.png")
    };
    let largest = picture("18446744073709551615");
    assert_ne!(largest, picture("18446744073709551614"));
    // The first integer that no float has.
    assert_ne!(picture("9007199254740993"), picture("9007199254740992"));
    let exact = picture("9007199254740991");
    assert_eq!(exact, picture("9007199254740991.0"), "written as a float it is the same number");
}

/// Faults: A19.
#[test]
fn what_no_output_needs_is_told_and_not_run() {
    let (folder, outcome) = run(r#"{
        "noise": { "class_type": "NoiseImage", "inputs": { "width": 4, "height": 4 } },
        "spare": { "class_type": "Resize", "inputs": { "image": ["noise", 0], "width": 2 } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["noise", 0] } }
    }"#);
    outcome.exits(0).says("`spare` is not run: no output needs it");
    assert!(outcome.stdout.contains(r#""node":"noise""#), "{}", outcome.stdout);
    assert!(!outcome.stdout.contains(r#""event":"started","node":"spare""#), "{}", outcome.stdout);
    assert_eq!(folder.files("out").len(), 1);
}

/// Faults: A19.
#[test]
fn a_graph_without_an_output_is_refused() {
    refused(r#"{ "noise": { "class_type": "NoiseImage" } }"#, "nothing to run");
}

/// Faults: A8, A22.
#[cfg(unix)]
#[test]
fn a_graph_may_come_from_standard_input() {
    let from_input = |graph: &str| {
        let folder = Folder::new();
        folder.write("graph.json", graph);
        let script = "\"$0\" run - --out out < graph.json";
        let shell = Cmd::of(std::path::Path::new("/bin/sh"), folder.path()).args(["-c", script]);
        (shell.args([&dreamwire_tests::built().binary]).run(), folder)
    };
    let (outcome, folder) = from_input(&seeded("7"));
    outcome.exits(0);
    let (expected, outcome) = run(&seeded("7"));
    outcome.exits(0);
    assert!(folder.read("out/dreamwire_00001_.png") == expected.read("out/dreamwire_00001_.png"));
    let (outcome, folder) = from_input(&" ".repeat(17_000_000));
    outcome.exits(8).says("graph file has 17000000 bytes, the limit is 16 MiB");
    assert!(folder.files("out").is_empty());
}

/// A chain of 10,000 nodes, and one output that nearly all of them use.
/// Faults: A20.
#[test]
fn ten_thousand_nodes_run_one_after_another() {
    const BLENDS: usize = 9_997;
    let noise = |seed: u32| json!({ "class_type": "NoiseImage", "inputs": { "width": 1, "height": 1, "seed": seed } });
    let mut graph = Map::new();
    graph.insert("n0".to_owned(), noise(1));
    graph.insert("shared".to_owned(), noise(2));
    for index in 0..BLENDS {
        // Another factor for each: with equal ones a repeated result would end the chain early.
        let inputs = json!({
            "image1": [format!("n{index}"), 0], "image2": ["shared", 0], "factor": index as f64 / 20_000.0
        });
        graph.insert(format!("n{}", index + 1), json!({ "class_type": "Blend", "inputs": inputs }));
    }
    let save = json!({ "images": [format!("n{BLENDS}"), 0], "metadata": false });
    graph.insert("save".to_owned(), json!({ "class_type": "SaveImage", "inputs": save }));
    assert_eq!(graph.len(), 10_000);

    let (folder, outcome) = run(&Value::Object(graph).to_string());
    outcome.exits(0);
    let finished = outcome.stdout.lines().filter(|line| line.contains(r#""event":"finished""#)).count();
    assert_eq!(finished, 10_000);
    assert_eq!(folder.files("out"), ["dreamwire_00001_.png"]);
}
