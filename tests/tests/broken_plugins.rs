//! Plugins that do not work: each gets its diagnostic, and the host survives.

use dreamwire_tests::{Cmd, Folder, Outcome, built, c_plugin, c_plugin_with};
use serde_json::json;
use std::path::{Path, PathBuf};

/// A graph that needs only the image plugin.
fn plain() -> Folder {
    Folder::with_graph(&json!({
        "noise": { "class_type": "NoiseImage", "inputs": { "width": 8, "height": 8 } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["noise", 0] } },
    }))
}

/// A graph that saves the output of a kind of the plugin under test.
fn saving(kind: &str, inputs: serde_json::Value) -> Folder {
    Folder::with_graph(&json!({
        "it": { "class_type": kind, "inputs": inputs },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["it", 0] } },
    }))
}

fn run(folder: &Folder, plugin: &Path) -> Outcome {
    Cmd::new(folder).args(["run", "graph.json", "--out", "out", "--plugins"]).args([plugin]).run()
}

/// Named by `--plugins` the library is an error that says why; lying beside the program it is a warning.
fn check(plugin: &Path, why: &str) {
    let folder = plain();
    let file = plugin.file_name().and_then(|name| name.to_str()).expect("a name");
    run(&folder, plugin).exits(4).says(why).says(file);
    assert!(folder.files("out").is_empty(), "nothing ran");
    let found = plugin.parent().expect("a folder");
    let outcome =
        Cmd::new(&folder).env("DREAMWIRE_PLUGINS", found).args(["run", "graph.json", "--out", "out"]).run();
    outcome.exits(0).says(why).says(file);
    assert_eq!(folder.files("out").len(), 1, "the other plugins work");
}

/// Faults: B2.
#[test]
fn another_major_is_refused_with_both_numbers() {
    check(&c_plugin("other_major"), "it uses ABI 2, this host supports 1");
    check(&c_plugin("lying_major"), "it uses ABI 2, this host supports 1");
}

/// Faults: B2.
#[test]
fn a_library_without_the_entry_is_no_plugin() {
    check(&c_plugin("no_entry"), "it exports no `dw_entry_v1`");
}

/// Faults: B2.
#[test]
fn an_entry_that_is_too_small_is_refused() {
    check(&c_plugin("tiny_entry"), "its entry has 16 bytes");
}

/// Faults: B1.
#[test]
fn a_file_that_is_no_library_is_refused_with_the_systems_words() {
    let folder = Folder::new();
    let name = format!("{}dreamwire_x{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    check(&folder.write(&name, "only text\n"), "cannot be used");
}

/// Faults: B1.
#[test]
fn a_plugin_that_does_not_exist_is_named() {
    run(&plain(), &PathBuf::from("no/such/libdreamwire_x.so")).exits(4).says("no/such/libdreamwire_x.so");
}

/// Faults: B1.
#[test]
fn a_folder_of_the_environment_that_does_not_exist_is_an_error() {
    let folder = plain();
    let run = |places: &str| {
        Cmd::new(&folder).env("DREAMWIRE_PLUGINS", places).args(["run", "graph.json", "--out", "out"]).run()
    };
    run("no/such/folder").exits(4).says("no/such/folder").says("DREAMWIRE_PLUGINS");
    assert!(folder.files("out").is_empty(), "nothing ran");
    run("").exits(0);
}

/// Faults: B18.
#[cfg(unix)]
#[test]
fn a_library_that_everybody_can_write_is_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    let plugin = c_plugin("invert");
    let folder = Folder::new();
    let copy = folder.join(plugin.file_name().and_then(|name| name.to_str()).expect("a name"));
    std::fs::copy(&plugin, &copy).expect("copied");
    std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o666)).expect("it is ours");
    let graph = plain();
    let run = || Cmd::new(&graph).args(["run", "graph.json", "--plugins"]).args([&copy]).run();
    run().exits(0).says("warning: anyone can write to the plugin library").says("chmod o-w");
    std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o644)).expect("it is ours");
    assert!(!run().exits(0).stderr.contains("anyone"));
}

/// Faults: B4.
#[test]
fn two_plugins_with_one_kind_are_refused_and_both_are_named() {
    let other = c_plugin("conflict");
    let ours = format!("{}dreamwire_image{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let ours = built().plugins.canonicalize().expect("they were built").join(ours);
    let folder = Folder::with_graph(&json!({
        "photo": { "class_type": "LoadImage", "inputs": { "image": "a.png" } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["photo", 0] } },
    }));
    dreamwire_tests::photo(&folder.join("a.png"), 8, 8);
    let outcome = run(&folder, &other);
    outcome.exits(4).says("`LoadImage`").says(&other.display().to_string()).says(&ours.display().to_string());
}

/// Faults: B5.
#[test]
fn descriptors_that_lie_are_rejected() {
    for (lie, why) in [
        ("NULL_TEXT", "the plugin's id is null, with a length of 7"),
        ("NOT_UTF8", "the plugin's id is not UTF-8 text"),
        ("HUGE_TEXT", "the plugin's id has 1099511627776 bytes"),
        ("HUGE_KIND", "the id of its kind #0 has 16777216 bytes, at most 256 are allowed"),
        ("MANY_PORTS", "4000000000"),
        ("MANY_KINDS", "it declares 4000000000 kinds"),
        ("BAD_SCHEMA", "the params schema of `Liar` is not JSON"),
        ("NO_SCHEMA", "`Liar` has no params schema"),
        ("NULL_KIND", "its kind #0 is null"),
    ] {
        let plugin = c_plugin_with("lies", lie);
        let outcome = run(&plain(), &plugin);
        outcome.exits(4).says(why).says("lies");
        assert!(outcome.stderr.len() < 2000, "{lie}: what is endless is not shown");
    }
}

/// Faults: B11.
#[test]
fn tensors_that_lie_are_checked_at_the_boundary() {
    for lie in [
        "NEGATIVE_SIZE",
        "HUGE_SIZE",
        "ABSURD_SIZE",
        "NULL_DATA",
        "NULL_SHAPE",
        "MISALIGNED",
        "RANK_3",
        "NULL_TENSOR",
        "NOTHING",
    ] {
        let folder = saving("ShapeLiar", json!({}));
        let outcome = run(&folder, &c_plugin_with("shape_liar", lie));
        outcome.says("node `it` (ShapeLiar)").says("org.example.shape_liar").says("broke the contract");
        assert!(matches!(outcome.code, Some(4 | 7)), "{lie}: {:?}\n{}", outcome.code, outcome.stderr);
        assert!(folder.files("out").is_empty(), "{lie}");
    }
}

/// Faults: B6.
#[test]
fn a_panic_fails_its_node_with_its_text() {
    let folder = saving("Panics", json!({ "panics": true }));
    let outcome = run(&folder, &built().panics);
    outcome.exits(7).says("node `it` (Panics)").says("the sky fell").says("panics.rs");
    assert!(folder.files("out").is_empty());
    // The same plugin, asked not to.
    run(&saving("Panics", json!({})), &built().panics).exits(0);
}

/// Faults: B7.
#[test]
fn a_panic_in_a_destructor_harms_nobody() {
    let folder = saving("PanicsInDrop", json!({}));
    run(&folder, &built().panics).exits(0);
    assert_eq!(folder.files("out").len(), 1);
}

/// The system would map what the header declares, and end the process when it touches missing pages.
/// Faults: B1.
#[cfg(target_os = "linux")]
#[test]
fn a_plugin_that_is_cut_off_is_refused() {
    let name = format!("{}dreamwire_adain{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let whole = std::fs::read(built().plugins.join(&name)).expect("it was built");
    let folder = Folder::new();
    check(&folder.write(&name, &whole[..whole.len() / 100]), "it is truncated: its segments need");
}
