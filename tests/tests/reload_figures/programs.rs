//! Times of whole processes.

use super::{program, say_times};
use dreamwire_tests::{Cmd, Folder, repository};
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::{Duration, Instant};

const TIMES: usize = 10;

/// A run of a graph to its end, its time and what it said.
fn run(folder: &Folder, graph: &Path, arguments: &[&str]) -> (Duration, String) {
    let began = Instant::now();
    let child = Cmd::of(&program(), folder.path())
        .args(["run", "--out", "out"])
        .args([graph])
        .args(arguments)
        .start();
    let output = child.wait_with_output().expect("a child can be waited for");
    let time = began.elapsed();
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{talk}");
    (time, talk)
}

/// A run of a graph, and the time from its start to its first event `started`.
fn first_step(folder: &Folder, graph: &Path, arguments: &[&str]) -> Duration {
    let began = Instant::now();
    let mut child = Cmd::of(&program(), folder.path())
        .args(["run", "--out", "out", "--progress", "json"])
        .args([graph])
        .args(arguments)
        .start();
    let lines = BufReader::new(child.stdout.take().expect("stdout is a pipe")).lines();
    let mut time = None;
    for line in lines.map_while(Result::ok) {
        if line.contains("\"event\":\"started\"") {
            time = time.or_else(|| Some(began.elapsed()));
        }
    }
    assert!(child.wait().expect("a child can be waited for").success());
    time.expect("a step has started")
}

#[test]
#[ignore = "measures: `just figures`"]
fn the_second_run_of_a_dream_in_the_style_of_a_painting() {
    let folder = Folder::new();
    let graph = repository().join("graphs/dream_then_style.json");
    let arguments = ["--cache", "cache", "--set", "dream.octaves=1", "--set", "dream.steps=2"];
    let (first, _) = run(&folder, &graph, &arguments);
    let files = folder.files("out");
    say_times("dream_then_style, 1 octave of 2 steps, no cache yet", vec![first]);
    let again = (0..TIMES).map(|_| {
        let (time, talk) = run(&folder, &graph, &arguments);
        assert!(talk.contains("(0 run, "), "{talk}");
        time
    });
    say_times("dream_then_style, 1 octave of 2 steps, cached", again.collect());
    assert_eq!(folder.files("out"), files);
}

#[test]
#[ignore = "measures: `just figures`"]
fn a_tiny_graph() {
    let folder = Folder::with_graph(&json!({
        "noise": { "class_type": "NoiseImage", "inputs": { "width": 8, "height": 8 } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["noise", 0] } },
    }));
    let graph = Path::new("graph.json");
    // What is read for the first time comes from the disk.
    run(&folder, graph, &["--cache", "cache"]);
    run(&folder, graph, &["--no-cache"]);
    let cached = (0..TIMES).map(|_| run(&folder, graph, &["--cache", "cache"]).0);
    say_times("8x8 noise, the whole process, cached", cached.collect());
    let uncached = (0..TIMES).map(|_| run(&folder, graph, &["--no-cache"]).0);
    say_times("8x8 noise, the whole process, --no-cache", uncached.collect());
    // Another seed each time, because what is cached does not start.
    let known = (1..=TIMES).map(|seed| {
        let seed = format!("noise.seed={seed}");
        first_step(&folder, graph, &["--cache", "cache", "--set", &seed])
    });
    say_times("8x8 noise, to the first `started`, plugins are known", known.collect());
    let unknown = (0..TIMES).map(|_| first_step(&folder, graph, &["--no-cache"]));
    say_times("8x8 noise, to the first `started`, --no-cache", unknown.collect());
}
