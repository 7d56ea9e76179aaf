//! Weights that cannot be used, and layers that do not exist.

use dreamwire_tests::safetensors::zeros;
use dreamwire_tests::{Cmd, Folder, Outcome};
use serde_json::json;

/// Runs a tiny dream with weights from a file called `w.safetensors`.
fn run(content: Option<&[u8]>, layers: &str) -> Outcome {
    let weights = if layers.is_empty() { "w.safetensors" } else { "vgg16" };
    let layers = if layers.is_empty() { "relu1_1" } else { layers };
    let folder = Folder::with_graph(&json!({
        "noise": { "class_type": "NoiseImage", "inputs": { "width": 16, "height": 16 } },
        "vgg": { "class_type": "VGGFeatures", "inputs": { "weights": weights, "layers": layers } },
        "dream": { "class_type": "GradientAscent", "inputs": {
            "image": ["noise", 0], "objective": ["vgg", 0], "octaves": 1, "steps": 1
        } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["dream", 0] } },
    }));
    if let Some(content) = content {
        folder.write("w.safetensors", content);
    }
    let outcome = Cmd::new(&folder).args(["run", "graph.json", "--out", "out"]).run();
    assert!(folder.files("out").is_empty(), "nothing is published");
    outcome
}

fn check(content: &[u8], said: &[&str]) {
    let outcome = run(Some(content), "");
    outcome.exits(5).says("w.safetensors");
    for text in said {
        outcome.says(text);
    }
}

/// Faults: C1.
#[test]
fn weights_that_are_not_there_are_named_with_the_places_that_were_looked_at() {
    run(None, "").exits(5).says("w.safetensors").says("looked for");
}

/// Faults: C2.
#[test]
fn truncated_weights_are_refused_with_both_sizes() {
    let whole = zeros(&[("features.0.weight", &[64, 3, 3, 3]), ("features.0.bias", &[64])]);
    let cut = &whole[..whole.len() - 1000];
    check(cut, &[&format!("must have {} bytes, found {}", whole.len(), cut.len())]);
    check(&whole[..100], &["must have", "found 100"]);
    check(&whole[..5], &["an unknown kind of file"]);
    check(b"", &["an empty file"]);
}

/// Faults: C2.
#[test]
fn weights_with_something_appended_are_refused() {
    let mut long = zeros(&[("features.0.weight", &[64, 3, 3, 3])]);
    long.extend([0; 10]);
    check(&long, &["must have"]);
}

/// Faults: C2.
#[test]
fn headers_that_lie_are_refused() {
    let header = br#"{"a":{"dtype":"F32","shape":[1000000000,1000000000,1000000000],"data_offsets":[0,4]}}"#;
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header);
    file.extend([0; 4]);
    check(&file, &["safetensors"]);
    let mut file = u64::MAX.to_le_bytes().to_vec();
    file.extend([b' '; 100]);
    check(&file, &["safetensors"]);
}

/// Faults: C5.
#[test]
fn tensors_of_another_network_are_listed_with_their_shapes() {
    let file = zeros(&[
        ("features.0.weight", &[64, 3, 3, 3]),
        ("features.0.bias", &[60]),
        ("features.2.weight", &[64, 64, 3, 3]),
    ]);
    check(
        &file,
        &[
            "`features.0.bias` must be [64], found [60]",
            "`features.2.bias` [64] is missing",
            "`features.5.weight` [128, 64, 3, 3] is missing",
            "more",
        ],
    );
    // Nothing tells which network it is.
    let file = zeros(&[("features.0.weight", &[64, 3, 5, 5]), ("head", &[2])]);
    check(&file, &["2 tensors of no network that is known", "`features.0.weight`", "needed is a VGG"]);
}

/// Faults: C4.
#[test]
fn other_files_are_recognised() {
    check(b"<!DOCTYPE html><html><body>404</body></html>", &["HTML"]);
    check(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n", &["Git LFS"]);
}

#[test]
fn a_layer_that_does_not_exist_gets_the_list_of_layers() {
    let outcome = run(None, "relu9_9");
    outcome.exits(3).says("there is no layer `relu9_9`").says("node `vgg` (VGGFeatures)");
    for layer in ["conv1_1", "relu3_1", "pool4", "relu5_3", "pool5"] {
        outcome.says(layer);
    }
}
