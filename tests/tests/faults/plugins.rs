//! Plugins that cannot be started, return what they must not, or are owed their memory.

use dreamwire_tests::{Cmd, Folder, Outcome, built, c_plugin, c_plugin_with};
use serde_json::json;
use std::path::Path;

/// A graph that saves the output of a kind of the plugin under test.
fn saving(kind: &str) -> Folder {
    Folder::with_graph(&json!({
        "it": { "class_type": kind },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["it", 0] } },
    }))
}

fn run(folder: &Folder, plugin: &Path, arguments: &[&str]) -> Outcome {
    let command = Cmd::new(folder).args(["run", "graph.json", "--out", "out"]).args(arguments);
    command.args(["--plugins"]).args([plugin]).run()
}

/// Faults: B7.
#[test]
fn a_plugin_that_does_not_start_fails_the_first_node_of_it() {
    for (fault, said) in [
        ("INIT_PANICS", "plugin org.example.no_start failed to start (status -2)"),
        ("CREATE_PANICS", "plugin org.example.no_start failed to create a `NoStart` (status -2)"),
        ("NULL_NODE", "failed to create a `NoStart` (status 0)"),
        ("NO_VTABLE", "failed to create a `NoStart` (status 0)"),
        ("NO_RUN", "failed to create a `NoStart` (status 0)"),
    ] {
        let folder = saving("NoStart");
        run(&folder, &c_plugin_with("no_start", fault), &[]).exits(4).says("node `it` (NoStart)").says(said);
        assert!(folder.files("out").is_empty(), "{fault}");
    }
}

/// Faults: B7.
#[test]
fn a_panic_while_a_node_is_made_is_told_with_its_text() {
    let folder = saving("PanicsInCreate");
    let outcome = run(&folder, &built().panics, &[]);
    outcome.exits(4).says("node `it` (PanicsInCreate)").says("the sky fell at once").says("panics.rs");
    assert!(folder.files("out").is_empty());
}

/// Faults: B11.
#[test]
fn results_of_another_type_are_refused_and_the_plugin_is_named() {
    for (lie, said) in [
        ("DOUBLES", "expected a float32 IMAGE [B,H,W,C], found F64 [1, 2, 2, 3]"),
        ("HALVES", "element type (2, 16, 1)"),
        ("NO_PIXELS", "expected a float32 IMAGE [B,H,W,C], found F32 [1, 0, 2, 3]"),
        ("OTHER_DEVICE", "device type 2"),
        ("OTHER_DLPACK", "DLPack 2"),
        ("NUMBER", "expected a float32 IMAGE [B,H,W,C], found an integer"),
        ("STRANGE_KIND", "the unknown kind 99"),
    ] {
        let folder = saving("ShapeLiar");
        let outcome = run(&folder, &c_plugin_with("shape_liar", lie), &[]);
        outcome.exits(4).says("node `it` (ShapeLiar)").says("org.example.shape_liar").says(said);
        assert!(folder.files("out").is_empty(), "{lie}");
    }
}

/// Faults: B12.
#[test]
fn what_is_not_finite_is_refused_with_its_place_unless_it_is_allowed() {
    let plugin = c_plugin_with("shape_liar", "NOT_FINITE");
    let folder = saving("ShapeLiar");
    let outcome = run(&folder, &plugin, &[]);
    outcome.exits(7).says("node `it` (ShapeLiar)").says("--allow-nonfinite");
    outcome.says("`IMAGE` contains 2 values that are NaN or infinite, the first at index 5 of [1, 2, 2, 3]");
    assert!(folder.files("out").is_empty());
    run(&folder, &plugin, &["--allow-nonfinite"]).exits(0);
    assert_eq!(folder.files("out").len(), 1);
}

/// Faults: B17.
#[cfg(unix)]
#[test]
fn a_plugin_that_leaves_the_working_folder_is_named_and_the_output_stays_where_it_belongs() {
    let folder = saving("Leaves");
    let outcome = run(&folder, &c_plugin("leaves"), &[]);
    outcome.exits(0).says("node `it`: plugin org.example.check changed the working folder to `/`");
    assert_eq!(folder.files("out").len(), 1);
}

#[cfg(unix)]
#[test]
fn a_temporary_folder_that_is_missing_is_named_and_not_the_plugin() {
    let folder = saving("LoadImage");
    let command =
        Cmd::new(&folder).env("TMPDIR", "/no/such/place").args(["run", "graph.json", "--out", "out"]);
    let outcome = command.run();
    outcome.exits(4).says("no private copy of it can be written in `/no/such/place`");
    outcome.says("set TMPDIR to a folder with free space");
    assert_eq!(outcome.stderr.matches("/no/such/place").count(), 1, "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("was not found"), "{}", outcome.stderr);
}

/// Every picture and node returns to the plugin once, however many use it.
/// Faults: B13.
#[test]
fn what_a_plugin_gave_comes_back_once() {
    let save = |from: &str, prefix: &str| {
        let inputs = json!({ "images": [from, 0], "filename_prefix": prefix });
        json!({ "class_type": "SaveImage", "inputs": inputs })
    };
    let folder = Folder::with_graph(&json!({
        "a": { "class_type": "Counted" },
        "b": { "class_type": "Counted" },
        "both": { "class_type": "Blend", "inputs": { "image1": ["a", 0], "image2": ["b", 0] } },
        "save_a": save("a", "a"),
        "save_both": save("both", "both"),
    }));
    let outcome = run(&folder, &c_plugin("counted"), &[]);
    // `b` is the same step as `a`.
    outcome.exits(0).says("counted: 0 of 1 pictures and 0 of 1 nodes left");
    assert_eq!(folder.files("out").len(), 2);
}
