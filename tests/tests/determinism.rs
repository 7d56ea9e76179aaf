//! The same graph gives the same bytes: twice, and at any number of threads.

use dreamwire_tests::{Cmd, Folder};
use serde_json::json;

/// The published files of a small dream, by name, when it runs with these arguments.
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

/// Faults: F8.
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

/// Objectives of other plugins, tiles, descent and a blend: everything that runs in several threads.
/// Faults: F8.
#[test]
fn objectives_and_styles_are_the_same_at_any_number_of_threads() {
    let noise = |seed: u32| json!({ "class_type": "NoiseImage", "inputs": { "width": 44, "height": 37, "seed": seed } });
    let vgg = |layers: &str| json!({ "class_type": "VGGFeatures", "inputs": { "layers": layers } });
    let save = |node: &str| json!({ "class_type": "SaveImage", "inputs": { "images": [node, 0], "filename_prefix": node } });
    let graph = json!({
        "noise": noise(3),
        "other": noise(4),
        "vgg": vgg("relu2_2, relu3_1:0.5"),
        "squeeze": { "class_type": "SqueezeNetFeatures", "inputs": { "layers": "logits" } },
        "loss": { "class_type": "PerceptualLoss", "inputs": { "features": ["vgg", 0], "target": ["other", 0] } },
        "style": { "class_type": "StyleObjective", "inputs": { "features": ["vgg", 0], "style": ["other", 0] } },
        "guide": { "class_type": "GuideObjective", "inputs": { "features": ["vgg", 0], "guide": ["other", 0] } },
        "class": { "class_type": "ClassObjective", "inputs": { "features": ["squeeze", 0], "class": "tench" } },
        "sum": { "class_type": "SumObjective", "inputs": {
            "objectives.0": ["loss", 0], "objectives.1": ["style", 0], "objectives.2": ["guide", 0],
            "objectives.3": ["class", 0], "weights": "1, 10, 0.001, 0.01",
        } },
        "climbed": { "class_type": "GradientAscent", "inputs": {
            "image": ["noise", 0], "objective": ["sum", 0], "octaves": 1, "steps": 2, "normalise": "adam", "blur": 0.5
        } },
        "tiled": { "class_type": "GradientAscent", "inputs": {
            "image": ["noise", 0], "objective": ["vgg", 0], "octaves": 1, "steps": 2, "tile": 16
        } },
        "descended": { "class_type": "AdaIN", "inputs": {
            "content": ["noise", 0], "style": ["other", 0], "features": ["vgg", 0], "decoder": "none", "steps": 2
        } },
        "blended": { "class_type": "Blend", "inputs": { "image1": ["climbed", 0], "image2": ["tiled", 0] } },
        "save_blended": save("blended"),
        "save_descended": save("descended"),
    });
    let once = run(&graph, &["--threads", "1"]);
    assert_eq!(once.len(), 2);
    check(&once, &run(&graph, &["--threads", "2"]));
    check(&once, &run(&graph, &["--threads", "3"]));
}
