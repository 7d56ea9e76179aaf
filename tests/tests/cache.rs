//! The cache on disk: what one process leaves for the next.

use dreamwire_tests::{Cmd, Folder, Outcome};
use serde_json::{Value, json};

/// Noise at two sizes, saved.
fn graph(width: u32, prefix: &str) -> Value {
    json!({
        "noise": { "class_type": "NoiseImage", "inputs": { "width": 16, "height": 16 } },
        "small": { "class_type": "Resize", "inputs": { "image": ["noise", 0], "width": width, "height": 8 } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["small", 0], "filename_prefix": prefix } },
    })
}

fn run(folder: &Folder, arguments: &[&str]) -> Outcome {
    let outcome = Cmd::new(folder)
        .args(["run", "graph.json", "--out", "out", "--progress", "json", "--cache", "cache"])
        .args(arguments)
        .run();
    outcome.exits(0);
    outcome
}

fn nodes(outcome: &Outcome, event: &str) -> Vec<String> {
    let events = outcome.stdout.lines().map(|line| serde_json::from_str::<Value>(line).expect("an event"));
    let named = events.filter(|value| value["event"] == event);
    named.map(|value| value["node"].as_str().expect("a node").to_owned()).collect()
}

/// Faults: F2, F4.
#[test]
fn a_second_process_runs_nothing_and_an_edit_only_what_it_affects() {
    let folder = Folder::with_graph(&graph(8, "it"));
    assert_eq!(nodes(&run(&folder, &[]), "started"), ["noise", "small", "save"]);
    let picture = folder.read("out/it_00001_.png");
    let again = run(&folder, &[]);
    assert_eq!((nodes(&again, "started"), nodes(&again, "cached")), (vec![], vec!["save".to_owned()]));
    assert_eq!(nodes(&run(&folder, &["--set", "small.width=4"]), "started"), ["small", "save"]);
    assert_eq!(nodes(&run(&folder, &["--set", "save.bits=16"]), "started"), ["save"]);
    assert_eq!(nodes(&run(&folder, &["--isolate"]), "started"), [""; 0]);
    assert_eq!(folder.files("out"), ["it_00001_.png", "it_00002_.png", "it_00003_.png"]);
    assert!(folder.read("out/it_00001_.png") == picture);
}

#[test]
fn a_file_that_is_gone_is_saved_again_without_running() {
    let folder = Folder::with_graph(&graph(8, "it"));
    run(&folder, &[]);
    let picture = folder.read("out/it_00001_.png");
    std::fs::remove_dir_all(folder.join("out")).expect("it is there");
    let again = run(&folder, &[]);
    assert_eq!(nodes(&again, "started"), [""; 0]);
    assert!(folder.read("out/it_00001_.png") == picture);
    let published = nodes(&again, "published");
    assert_eq!(published, ["save"], "told once");
}

#[test]
fn a_picture_carries_the_graph_that_it_was_saved_by() {
    let folder = Folder::with_graph(&graph(8, "it"));
    let of = |name: &str| {
        let mut other = graph(8, "it");
        other["note"] = json!({ "class_type": "NoiseImage", "inputs": { "seed": 77_777 } });
        folder.write(name, format!("{other:#}"));
        let outcome = Cmd::new(&folder).args(["run", name, "--out", "other", "--cache", "cache"]).run();
        outcome.exits(0);
        folder.read("other/it_00001_.png")
    };
    run(&folder, &[]);
    let text = String::from_utf8_lossy(&of("second.json")).into_owned();
    assert!(text.contains("77777"), "it has the text of the first graph");
}

#[test]
fn no_cache_leaves_nothing_and_finds_nothing() {
    let folder = Folder::with_graph(&graph(8, "it"));
    for _ in 0..2 {
        let outcome = Cmd::new(&folder).args(["run", "graph.json", "--no-cache", "--progress", "json"]).run();
        assert_eq!(nodes(&outcome, "started"), ["noise", "small", "save"]);
    }
    assert_eq!(folder.files("."), ["graph.json", "out/it_00001_.png"]);
}

#[test]
fn the_cache_is_shown_and_emptied() {
    let folder = Folder::with_graph(&graph(8, "it"));
    let cache = |command: &[&str]| Cmd::new(&folder).args(["cache", "--cache", "cache"]).args(command).run();
    let results = || -> u64 {
        let outcome = cache(&["info", "--json"]);
        let info: Value = serde_json::from_str(&outcome.exits(0).stdout).expect("JSON");
        info["results"].as_u64().expect("a number")
    };
    assert_eq!(results(), 0);
    run(&folder, &[]);
    assert_eq!(results(), 5, "each step has two keys, equal where there is no input");
    cache(&["clear"]).exits(0);
    assert_eq!(results(), 0);
    assert_eq!(nodes(&run(&folder, &[]), "started").len(), 3);
    Cmd::new(&folder).args(["cache", "info"]).run().exits(2).says("the cache is off");
}

#[test]
fn the_limit_is_kept() {
    let folder = Folder::with_graph(&graph(8, "it"));
    for width in 4..40 {
        let width = format!("small.width={width}");
        run(&folder, &["--cache-limit", "30KB", "--set", &width]);
    }
    let bytes: u64 = folder
        .files("cache")
        .iter()
        .filter(|name| name.starts_with("results/") || name.starts_with("blobs/"))
        .map(|name| folder.join(&format!("cache/{name}")).metadata().expect("it is there").len())
        .sum();
    assert!(bytes <= 40_000, "{bytes} bytes");
}

#[test]
fn each_step_says_why_it_runs() {
    let folder = Folder::with_graph(&graph(8, "it"));
    let explain = |arguments: &[&str]| {
        Cmd::new(&folder).args(["run", "graph.json", "--cache", "cache", "--explain"]).args(arguments).run()
    };
    explain(&[]).exits(0).says("`noise` runs: no earlier run of this graph had it");
    explain(&["--set", "small.width=4"])
        .exits(0)
        .says("`small` runs: param `width` was 8 and is 4")
        .says("`save` runs: input `images` comes from `small`, which has changed")
        .says_not("`noise` runs");
    explain(&["--set", "small.width=4"]).exits(0).says_not(" runs: ");
}

#[test]
fn doctor_tells_what_there_is_and_what_a_graph_lacks() {
    let folder = Folder::with_graph(&graph(8, "it"));
    let doctor = |arguments: &[&str]| Cmd::new(&folder).args(["doctor"]).args(arguments).run();
    let well = doctor(&["graph.json"]);
    well.exits(0);
    for part in ["processor", "memory", "org.dreamwire.image", "cache", "3 steps"] {
        assert!(well.stdout.contains(part), "`{part}` in\n{}", well.stdout);
    }
    let mut broken = graph(8, "it");
    broken["noise"] = json!({ "class_type": "LoadImage", "inputs": { "image": "none.png" } });
    folder.write("graph.json", format!("{broken:#}"));
    let lacks = doctor(&["graph.json", "--json"]);
    lacks.exits(5);
    let findings: Vec<Value> = serde_json::from_str(&lacks.stdout).expect("JSON");
    let error = findings.iter().find(|finding| finding["state"] == "error").expect("an error");
    assert_eq!((&error["about"], &error["exit"]), (&json!("input"), &json!(5)));
    assert!(folder.files("out").is_empty());
}
