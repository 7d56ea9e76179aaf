//! `dreamwire new-plugin`: what it writes is what the tests build, and what it refuses leaves nothing behind.

use dreamwire_tests::{Cmd, Folder, Outcome, built, cargo, repository};
use serde_json::Value;
use std::path::Path;

fn new_plugin(folder: &Folder, words: &[&str]) -> Outcome {
    Cmd::new(folder).args(["new-plugin"]).args(words).run()
}

fn text(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Where two texts differ, line by line.
fn differences(ours: &str, theirs: &str) -> Vec<(String, String)> {
    assert_eq!(ours.lines().count(), theirs.lines().count());
    let pairs = ours.lines().zip(theirs.lines()).filter(|(a, b)| a != b);
    pairs.map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
}

#[test]
fn a_crate_is_the_template_with_other_names() {
    let folder = Folder::new();
    new_plugin(&folder, &["mix"]).exits(0);
    new_plugin(&folder, &["double-exposure"]).exits(0);
    let mixed = text(folder.join("mix/src/lib.rs"));
    for (ours, theirs) in differences(&text(repository().join("nodes/template/src/lib.rs")), &mixed) {
        assert!(ours.contains("template"), "{ours}\nbecame\n{theirs}");
    }
    let exposed = text(folder.join("double-exposure/src/lib.rs"));
    let names = [("DoubleExposure", "Mix"), ("double-exposure", "mix"), ("double_exposure", "mix")];
    assert_eq!(names.iter().fold(exposed, |text, (from, to)| text.replace(from, to)), mixed);
}

#[test]
fn a_crate_is_a_workspace_of_its_own_that_builds_the_library_and_knows_the_sdk() {
    let folder = Folder::new();
    let outcome = new_plugin(&folder, &["double-exposure"]);
    assert_eq!(outcome.exits(0).stdout, "");
    outcome.says("cargo build").says("dreamwire watch graph.json --plugins target/debug");
    assert_eq!(
        folder.files("double-exposure"),
        [".gitignore", "Cargo.toml", "README.md", "graph.json", "src/lib.rs"]
    );
    assert_eq!(folder.files(".").len(), 5, "nothing else is left");
    let arguments = ["metadata", "--no-deps", "--offline", "--format-version", "1", "--manifest-path"];
    let manifest = folder.join("double-exposure/Cargo.toml");
    let done = cargo().args(arguments).arg(&manifest).output().expect("cargo starts");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let metadata: Value = serde_json::from_slice(&done.stdout).expect("metadata is JSON");
    let package = &metadata["packages"][0];
    assert_eq!(package["targets"][0]["name"], "dreamwire_double_exposure");
    assert_eq!(package["targets"][0]["crate_types"][0], "cdylib");
    let dependencies = package["dependencies"].as_array().expect("dependencies");
    let sdk = dependencies.iter().find(|it| it["name"] == "dreamwire-sdk").expect("the SDK");
    let found = Path::new(sdk["path"].as_str().expect("a path"));
    assert_eq!(found.canonicalize().ok(), repository().join("plugins/sdk").canonicalize().ok());
}

#[test]
fn the_graph_of_a_crate_runs_the_node() {
    let folder = Folder::new();
    new_plugin(&folder, &["mix"]).exits(0);
    let words = ["run", "mix/graph.json", "--out", "out", "--plugins"];
    Cmd::new(&folder).args(words).args([&built().template]).run().exits(0);
    assert_eq!(folder.files("out"), ["mix_00001_.png"]);
}

#[test]
fn a_plugin_in_c_is_one_that_the_tests_build_and_brings_its_header() {
    let folder = Folder::new();
    let outcome = new_plugin(&folder, &["my-blur", "--c"]);
    assert_eq!(outcome.exits(0).stdout, "");
    outcome.says("make").says("dreamwire watch graph.json --plugins build");
    let files = [".gitignore", "Makefile", "README.md", "dreamwire.h", "graph.json", "my_blur.c"];
    assert_eq!(folder.files("my-blur"), files);
    let header = text(repository().join("plugins/abi/include/dreamwire.h"));
    assert_eq!(text(folder.join("my-blur/dreamwire.h")), header);
    let ours = text(repository().join("tests/plugins/invert.c"));
    for (ours, theirs) in differences(&ours, &text(folder.join("my-blur/my_blur.c"))) {
        let names = ours.contains("invert") || ours.contains("Negative");
        assert!(names, "{ours}\nbecame\n{theirs}");
    }
}

#[test]
fn what_cannot_be_a_name_is_refused_and_nothing_is_written() {
    let folder = Folder::new();
    for (name, message, hint) in [
        ("match", "a keyword of Rust", "my-match"),
        ("3d", "starts with a digit", "my-3d"),
        ("../My Blur", "is no name for a plugin", "`my-blur`"),
        ("resize", "already", "my-resize"),
        ("params", "uses already", "my-params"),
    ] {
        for words in [&[name][..], &[name, "--c"][..]] {
            new_plugin(&folder, words).exits(2).says(message).says("hint: ").says(hint);
        }
    }
    let sdk = new_plugin(&folder, &["my-blur", "--sdk", "."]);
    sdk.exits(2).says("`.` is not the folder of the SDK").says("plugins/sdk");
    new_plugin(&folder, &["my-blur", "--sdk", ".", "--c"]).exits(2);
    assert_eq!(std::fs::read_dir(folder.path()).expect("it is there").count(), 0);
}

#[test]
fn what_exists_is_not_replaced() {
    let folder = Folder::new();
    folder.write("my-blur", "mine");
    std::fs::create_dir(folder.join("my-glow")).expect("made");
    for name in ["my-blur", "my-glow"] {
        new_plugin(&folder, &[name]).exits(2).says(&format!("`{name}` exists already")).says("hint: ");
    }
    assert_eq!(folder.files("."), ["my-blur"]);
    assert_eq!(folder.read("my-blur"), b"mine");
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_written_to_is_told() {
    let outcome = Cmd::of(&built().binary, Path::new("/proc")).args(["new-plugin", "my-blur"]).run();
    outcome.exits(6).says("cannot write the folder `my-blur`").says("hint: ");
}
