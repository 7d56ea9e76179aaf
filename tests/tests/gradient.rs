//! The gradient that crosses plugins: made in the vgg plugin, pulled back by a consumer on the other side of the ABI.

use dreamwire_tests::{Cmd, Folder, c_plugin};
use serde_json::json;

/// Relative, between the gradient and a finite difference of float32 sums with kinks at every relu.
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
    let cost = format!("forward {forward} ms, forward and vjp {with_vjp} ms");
    assert!(numeric.abs() > 1e-3, "the direction is uphill: {report} ({cost})");
    let error = (analytic - numeric).abs() / numeric.abs();
    assert!(
        error < TOLERANCE,
        "{layers}: gradient {analytic}, difference {numeric}, off by {error} ({cost})"
    );
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
