//! What surrounds a run: languages, time zones, a home that cannot be written to, few open files, other disks.

use dreamwire_tests::{Cmd, Folder, built, c_library};
use serde_json::{Value, json};
use std::path::Path;

/// A batch of small pictures, saved.
fn graph(batch: u32) -> Value {
    json!({
        "noise": { "class_type": "NoiseImage", "inputs": { "width": 8, "height": 8, "batch": batch } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["noise", 0], "filename_prefix": "it" } },
    })
}

/// Runs a graph behind `env` with these arguments; the files that it saves.
fn files(arguments: &[&str]) -> Vec<(String, Vec<u8>)> {
    let folder = Folder::with_graph(&graph(2));
    let run = Cmd::of(Path::new("env"), folder.path()).args(arguments).args([&built().binary]);
    run.args(["run", "graph.json", "--out", "out"]).run().exits(0);
    let read = |name: String| (name.clone(), folder.read(&format!("out/{name}")));
    folder.files("out").into_iter().map(read).collect()
}

/// Faults: F9.
#[test]
fn languages_time_zones_and_homes_change_no_file() {
    let expected = files(&[]);
    assert_eq!(expected.len(), 2);
    for arguments in [
        &["LC_ALL=de_DE.UTF-8", "LANG=tr_TR.UTF-8"][..],
        &["LC_ALL=C"],
        &["TZ=Asia/Kathmandu"],
        &["COLUMNS=1"],
        &["-u", "NO_COLOR", "TERM=dumb"],
        &["-u", "HOME"],
        // The cache would be there.
        &["-u", "DREAMWIRE_CACHE", "HOME=/proc/self"],
    ] {
        assert!(files(arguments) == expected, "{arguments:?}");
    }
}

/// Faults: E13.
#[test]
fn many_pictures_need_few_open_files() {
    let folder = Folder::with_graph(&graph(100));
    let script = "ulimit -n 32; exec \"$0\" run graph.json --out out";
    Cmd::of(Path::new("/bin/sh"), folder.path()).args(["-c", script]).args([&built().binary]).run().exits(0);
    assert_eq!(folder.files("out").len(), 100);
}

/// Faults: E10.
#[test]
fn outputs_may_be_on_another_disk_than_temporary_files() {
    use std::os::unix::fs::MetadataExt;
    let device = |path: &Path| path.metadata().map(|metadata| metadata.dev()).ok();
    let (folder, memory) = (Folder::with_graph(&graph(2)), Path::new("/dev/shm"));
    // Not every machine has it.
    if device(memory).is_none() || device(memory) == device(folder.path()) {
        return;
    }
    let away = Folder::inside(memory);
    let run = Cmd::new(&folder).env("TMPDIR", folder.path());
    run.args(["run", "graph.json", "--out"]).args([away.path()]).run().exits(0);
    assert_eq!(away.files("."), ["it_00001_.png", "it_00002_.png"]);
}

/// Faults: E5.
#[test]
fn a_file_that_does_not_reach_the_disk_gets_no_name() {
    let folder = Folder::with_graph(&graph(1));
    let run = Cmd::new(&folder).env("LD_PRELOAD", c_library("no_sync"));
    let outcome = run.args(["run", "graph.json", "--out", "out"]).run();
    outcome.exits(6).says("node `save`").says("cannot write `it_00001_.png`").says("Input/output error");
    assert!(folder.files("out").is_empty(), "{:?}", folder.files("out"));
}
