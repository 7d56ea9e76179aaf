//! Gradients across plugins: computed in the vgg plugin, pulled back by a consumer on the other side of the
//! ABI.

use dreamwire_tests::{Cmd, Folder, c_plugin};
use serde_json::{Value, json};
use std::io::Write;

/// Relative tolerance between the gradient and a finite difference of float32 sums with kinks at every ReLU.
const TOLERANCE: f64 = 0.02;

fn check(layers: &str) {
    let folder = Folder::with_graph(&json!({
        "noise": { "class_type": "NoiseImage", "inputs": { "width": 24, "height": 17, "seed": 5, "std": 0.2 } },
        "vgg": { "class_type": "VGGFeatures", "inputs": { "weights": "vgg16", "layers": layers } },
        "check": { "class_type": "GradientCheck", "inputs": { "image": ["noise", 0], "features": ["vgg", 0] } },
    }));
    let plugin = c_plugin("gradient_check");
    let outcome =
        Cmd::new(&folder).args(["run", "graph.json", "--out", "out", "--plugins"]).args([plugin]).run();
    outcome.exits(0);
    let report = String::from_utf8(folder.read("out/gradient.txt")).expect("the report is text");
    let numbers: Vec<f64> = report.split_whitespace().map(|n| n.parse().expect("a number")).collect();
    let [analytic, numeric, forward, with_vjp] = numbers[..] else { panic!("{report}") };
    report_line(&format!(
        "{layers}: one call across the ABI: forward {forward} ms, forward and vjp {with_vjp} ms"
    ));
    agree(layers, analytic, numeric);
}

/// Shown also on success: the cost of a call is worth seeing.
fn report_line(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn agree(layers: &str, analytic: f64, numeric: f64) {
    assert!(numeric.abs() > 1e-3, "the direction is uphill: {analytic} {numeric}");
    let error = (analytic - numeric).abs() / numeric.abs();
    report_line(&format!("{layers}: gradient {analytic}, difference {numeric}, off by {error:.1e}"));
    assert!(error < TOLERANCE, "{layers}: gradient {analytic}, difference {numeric}, off by {error}");
}

/// Runs a graph in which one plain step moves something by a gradient, and compares that gradient with a
/// finite difference of the objective.
fn check_step(layers: &str, graph: &Value) {
    let folder = Folder::with_graph(graph);
    let plugin = c_plugin("gradient_check");
    let run = Cmd::new(&folder).args(["run", "graph.json", "--out", "out", "--plugins"]).args([plugin]).run();
    run.exits(0);
    let report = String::from_utf8(folder.read("out/gradient.txt")).expect("the report is text");
    let numbers: Vec<f64> = report.split_whitespace().map(|n| n.parse().expect("a number")).collect();
    let [analytic, numeric] = numbers[..] else { panic!("{report}") };
    agree(layers, analytic, numeric);
}

/// From the vgg plugin into the dream plugin: one plain step moves the picture by exactly the gradient of the sum over
/// layers of mean(a^2), which a third plugin compares with a finite difference.
fn check_ascent(layers: &str) {
    let step = json!({
        "image": ["noise", 0], "objective": ["vgg", 0],
        "octaves": 1, "steps": 1, "jitter": 0, "normalise": "none", "rate": 255, "clamp": false
    });
    let graph = json!({
        "noise": { "class_type": "NoiseImage", "inputs": { "width": 40, "height": 33, "seed": 5, "std": 0.2 } },
        "vgg": { "class_type": "VGGFeatures", "inputs": { "layers": layers } },
        "dream": { "class_type": "GradientAscent", "inputs": step },
        "check": { "class_type": "AscentCheck",
                   "inputs": { "image": ["noise", 0], "features": ["vgg", 0], "moved": ["dream", 0] } },
    });
    check_step(layers, &graph);
}

/// From the vgg plugin through the stylegan plugin into the dream plugin: the same with a latent, whose
/// gradient passes through both networks.
fn check_latent(layers: &str) {
    let step = json!({
        "image": ["w", 0], "objective": ["vgg", 0], "generator": ["net", 1],
        "steps": 1, "jitter": 0, "normalise": "none", "rate": 255, "clamp": false
    });
    let graph = json!({
        "net": { "class_type": "LoadStyleGAN", "inputs": { "weights": "random:3:16" } },
        "z": { "class_type": "LatentNoise", "inputs": { "seeds": "5" } },
        "w": { "class_type": "MappingNetwork", "inputs": { "mapping": ["net", 0], "z": ["z", 0] } },
        "vgg": { "class_type": "VGGFeatures", "inputs": { "layers": layers } },
        "dream": { "class_type": "GradientAscent", "inputs": step },
        "check": { "class_type": "LatentCheck",
                   "inputs": { "latent": ["w", 0], "generator": ["net", 1], "features": ["vgg", 0],
                               "moved": ["dream", 1] } },
    });
    check_step(layers, &graph);
}

#[test]
fn the_step_of_a_latent_is_the_gradient_through_its_generator() {
    check_latent("relu1_2");
    check_latent("relu2_2, conv3_1");
}

#[test]
fn the_step_of_a_dream_is_the_gradient_of_its_objective() {
    check_ascent("relu2_2");
    check_ascent("relu3_3, conv4_1");
}

#[test]
fn a_shallow_layer_agrees_with_a_finite_difference() {
    check("relu1_2");
}

#[test]
fn a_deep_layer_behind_three_pools_agrees_with_a_finite_difference() {
    check("relu4_1");
}

#[test]
fn several_outputs_agree_with_a_finite_difference() {
    check("relu1_1, pool2, conv3_1");
}
