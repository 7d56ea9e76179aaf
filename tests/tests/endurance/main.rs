//! What must hold however often it is tried: runs that are killed, disks that fill up, processes that share their
//! folders, and a cache that somebody damages. A few tries each in a normal run; `just endurance` makes hundreds.
#![cfg(unix)]

mod damage;
#[cfg(target_os = "linux")]
mod full_disk;
mod kill;
mod shared;

use dreamwire_tests::{Cmd, Folder, stage};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How often to try something: a few times, or `all` with `DREAMWIRE_ENDURANCE=1`.
fn tries(few: usize, all: usize) -> usize {
    if std::env::var_os("DREAMWIRE_ENDURANCE").is_some_and(|value| value == "1") { all } else { few }
}

/// Pseudo-random numbers, the same in every run of a test.
struct Random(u64);

impl Random {
    /// 31 bits.
    fn draw(&mut self) -> u64 {
        // Knuth's MMIX generator, whose high bits are the good ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn below(&mut self, end: usize) -> usize {
        self.draw() as usize % end.max(1)
    }

    /// From 0 to 1.
    fn fraction(&mut self) -> f64 {
        self.draw() as f64 / (1u64 << 31) as f64
    }
}

/// A batch of small pictures that one node saves, as `it_00001_.png` and so on.
fn one_save(batch: usize) -> Value {
    json!({
        "noise": { "class_type": "NoiseImage", "inputs": { "width": 32, "height": 32, "batch": batch } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["noise", 0], "filename_prefix": "it" } },
    })
}

/// 20 small pictures that two nodes save, in two folders.
fn two_saves() -> Value {
    json!({
        "noise": { "class_type": "NoiseImage", "inputs": { "width": 48, "height": 48, "batch": 10 } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["noise", 0], "filename_prefix": "it" } },
        "small": { "class_type": "Resize", "inputs": { "image": ["noise", 0], "width": 24 } },
        "save_small": { "class_type": "SaveImage", "inputs": {
            "images": ["small", 0], "filename_prefix": "deep/small"
        } },
    })
}

/// Files by name.
type Files = BTreeMap<String, Vec<u8>>;

/// A graph, and the program with no plugin but that of pictures: others would only cost time.
struct Place {
    folder: Folder,
    program: PathBuf,
    _program_folder: Folder,
}

impl Place {
    fn new(graph: &Value) -> Self {
        let (program_folder, program) = stage(&["dreamwire_image"]);
        let folder = Folder::with_graph(graph);
        std::fs::create_dir(folder.join("tmp")).expect("made");
        Self { folder, program, _program_folder: program_folder }
    }

    /// A run that publishes in the folder `out`.
    fn run(&self, out: &str) -> Cmd {
        // What killed processes leave in the folder for temporary files goes with this test.
        let temporary = self.folder.join("tmp");
        let run = Cmd::of(&self.program, self.folder.path()).env("TMPDIR", temporary);
        run.args(["run", "graph.json", "--out", out])
    }

    /// As `run`, with the cache in the folder `cache`.
    fn cached(&self, out: &str) -> Cmd {
        self.run(out).args(["--cache", "cache"])
    }

    /// The files that a run publishes which nothing disturbs.
    fn reference(&self) -> Files {
        self.run("reference").args(["--no-cache"]).run().exits(0);
        let files = self.files("reference");
        for (name, bytes) in &files {
            image::load_from_memory(bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
        }
        files
    }

    /// The finished files below a folder.
    fn files(&self, folder: &str) -> Files {
        let names = self.folder.files(folder).into_iter();
        let finished = names.filter(|name| !name.split('/').any(is_temporary));
        finished.map(|name| (name.clone(), self.folder.read(&format!("{folder}/{name}")))).collect()
    }

    /// Removes a folder, if it is there.
    fn remove(&self, folder: &str) {
        let path = self.folder.join(folder);
        if path.exists() {
            std::fs::remove_dir_all(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        }
    }

    /// Empties the cache, but keeps what is known of plugins: reading them takes longer than the run.
    fn forget_results(&self) {
        ["cache/results", "cache/blobs", "cache/graphs"].into_iter().for_each(|folder| self.remove(folder));
    }
}

/// Whether it is the name of a file, or a folder, that the program has not finished.
fn is_temporary(name: &str) -> bool {
    name.starts_with(".dreamwire-") && name.ends_with(".tmp")
}

/// All temporary files and folders below a folder.
fn temporaries(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut pending) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = pending.pop() {
        for entry in std::fs::read_dir(next).into_iter().flatten().flatten() {
            let path = entry.path();
            if is_temporary(&entry.file_name().to_string_lossy()) {
                found.push(path.clone());
            }
            if path.is_dir() {
                pending.push(path);
            }
        }
    }
    found
}

#[track_caller]
fn assert_same(found: &Files, wanted: &Files, when: &str) {
    let names = |files: &Files| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(found), names(wanted), "{when}");
    let differing: Vec<&String> =
        wanted.keys().filter(|name| found.get(*name) != wanted.get(*name)).collect();
    assert!(differing.is_empty(), "{differing:?} differ {when}");
}
