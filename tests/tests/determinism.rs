//! The same graph gives the same bytes: twice, and at any number of threads.

use dreamwire_tests::{Cmd, Folder};
use serde_json::json;

/// What a small dream publishes, by name, when it runs with these arguments.
fn run(graph: &serde_json::Value, arguments: &[&str]) -> Vec<(String, Vec<u8>)> {
    let folder = Folder::with_graph(graph);
    let outcome = Cmd::new(&folder).args(["run", "graph.json", "--out", "out"]).args(arguments).run();
    outcome.exits(0);
    let names = folder.files("out");
    assert!(!names.is_empty(), "nothing was published\n{}", outcome.stderr);
    names.into_iter().map(|name| (name.clone(), folder.read(&format!("out/{name}")))).collect()
}

#[track_caller]
fn check(one: &[(String, Vec<u8>)], other: &[(String, Vec<u8>)]) {
    let names = |files: &[(String, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(one), names(other));
    for ((name, a), (_, b)) in one.iter().zip(other) {
        let at = a.iter().zip(b).position(|(a, b)| a != b);
        assert!(a == b, "{name} differs at byte {at:?} of {} and {}", a.len(), b.len());
    }
}

#[test]
fn a_dream_is_the_same_twice_and_at_any_number_of_threads() {
    let graph = json!({
        "noise": { "class_type": "NoiseImage", "inputs": { "width": 40, "height": 33, "seed": 3 } },
        "vgg": { "class_type": "VGGFeatures", "inputs": { "weights": "vgg16", "layers": "relu3_1:1, relu2_2:0.5" } },
        "dream": { "class_type": "GradientAscent", "inputs": {
            "image": ["noise", 0], "objective": ["vgg", 0], "octaves": 2, "steps": 2, "seed": 11
        } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["dream", 0], "filename_prefix": "dream" } },
    });
    let once = run(&graph, &["--threads", "1"]);
    check(&once, &run(&graph, &["--threads", "1"]));
    check(&once, &run(&graph, &["--threads", "2"]));
    check(&once, &run(&graph, &["--threads", "5"]));
}
