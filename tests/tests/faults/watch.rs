//! Saves of every kind, and plugins that are replaced while they are watched.

use dreamwire_tests::{Cmd, Folder, Watching, c_library, c_plugin, c_plugin_of_minor_0};
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// Noise of some width, saved.
fn graph(width: u32) -> String {
    let graph = json!({
        "noise": { "class_type": "NoiseImage", "inputs": { "width": width, "height": 4 } },
        "save": { "class_type": "SaveImage", "inputs": {
            "images": ["noise", 0], "filename_prefix": "it", "metadata": false
        } },
    });
    format!("{graph:#}\n")
}

/// Starts watching a graph of width 1 and waits for the first run.
fn watch() -> (Folder, Watching) {
    let folder = Folder::new();
    folder.write("graph.json", graph(1));
    let watching = Watching::start(&folder, [] as [&str; 0]);
    watching.until("waiting");
    assert_eq!(shown(&folder), Some(1));
    (folder, watching)
}

/// The width of the picture that is there.
fn shown(folder: &Folder) -> Option<u32> {
    image::image_dimensions(folder.join("out/it_00001_.png")).ok().map(|(width, _)| width)
}

#[track_caller]
fn until_shown(folder: &Folder, width: u32) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while shown(folder) != Some(width) {
        assert!(Instant::now() < deadline, "it shows {:?}, not {width}", shown(folder));
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// How often a node started.
fn starts(events: &[Value], node: &str) -> usize {
    events.iter().filter(|event| event["event"] == "started" && event["node"] == node).count()
}

fn errors(events: &[Value]) -> usize {
    events.iter().filter(|event| event["event"] == "error").count()
}

/// Saves the graph of this width.
type Way = fn(&Folder, u32);

fn by_renaming(folder: &Folder, width: u32) {
    folder.write("graph.json", graph(width));
}

fn in_place(folder: &Folder, width: u32) {
    std::fs::write(folder.join("graph.json"), graph(width)).expect("saved");
}

/// The old file becomes a backup that is removed afterwards.
fn over_a_backup(folder: &Folder, width: u32) {
    std::fs::rename(folder.join("graph.json"), folder.join("graph.json~")).expect("moved");
    in_place(folder, width);
    std::fs::remove_file(folder.join("graph.json~")).expect("removed");
}

/// With a lock beside it.
fn with_a_lock(folder: &Folder, width: u32) {
    std::fs::write(folder.join(".#graph.json"), "").expect("locked");
    in_place(folder, width);
    std::fs::remove_file(folder.join(".#graph.json")).expect("unlocked");
}

fn over_a_removed_file(folder: &Folder, width: u32) {
    std::fs::remove_file(folder.join("graph.json")).expect("removed");
    in_place(folder, width);
}

fn by_sed(folder: &Folder, width: u32) {
    let script = format!(r#"s/"width": [0-9]*/"width": {width}/"#);
    let done = Command::new("sed").args(["-i", &script]).arg(folder.join("graph.json")).status();
    assert!(done.expect("sed starts").success());
}

fn by_copying(folder: &Folder, width: u32) {
    let other = folder.write("other.json", graph(width));
    std::fs::copy(other, folder.join("graph.json")).expect("copied");
}

/// Faults: G1.
#[test]
fn every_way_to_save_is_seen_once() {
    let (folder, watching) = watch();
    let ways: [(&str, Way); 7] = [
        ("by renaming", by_renaming),
        ("in place", in_place),
        ("over a backup", over_a_backup),
        ("with a lock", with_a_lock),
        ("over a removed file", over_a_removed_file),
        ("by sed", by_sed),
        ("by copying", by_copying),
    ];
    for (width, (name, way)) in (2..).zip(ways) {
        way(&folder, width);
        let mut events = watching.until("done");
        events.extend(watching.settle());
        assert_eq!((starts(&events, "noise"), errors(&events)), (1, 0), "{name}: {events:#?}");
        assert_eq!(shown(&folder), Some(width), "{name}");
    }
}

/// Faults: A2, A4, G2.
#[test]
fn an_empty_moment_of_a_save_is_no_error() {
    let (folder, watching) = watch();
    std::fs::write(folder.join("graph.json"), "").expect("emptied");
    let mut events = watching.settle();
    assert!(watching.talk().contains("waiting for `graph.json`: it is empty"), "{}", watching.talk());
    assert_eq!(shown(&folder), Some(1), "the last result stays");
    in_place(&folder, 2);
    events.extend(watching.until("done"));
    assert_eq!(errors(&events), 0, "{events:#?}");
    assert_eq!(shown(&folder), Some(2));
}

/// Faults: G3.
#[test]
fn of_a_hundred_saves_in_a_second_the_last_is_shown() {
    let (folder, watching) = watch();
    for width in 2..=101 {
        by_renaming(&folder, width);
        std::thread::sleep(Duration::from_millis(10));
    }
    until_shown(&folder, 101);
    let events = watching.settle();
    assert_eq!(errors(&events), 0, "{events:#?}");
    assert_eq!(shown(&folder), Some(101));
    assert_eq!(folder.files("out"), ["it_00001_.png"]);
}

/// Faults: G6.
#[test]
fn a_graph_that_goes_away_is_waited_for() {
    let (folder, watching) = watch();
    std::fs::rename(folder.join("graph.json"), folder.join("away.json")).expect("moved");
    let events = watching.settle();
    assert_eq!(errors(&events), 0, "{events:#?}");
    assert!(watching.talk().contains("waiting for `graph.json`: No such file"), "{}", watching.talk());
    assert_eq!(shown(&folder), Some(1), "the last result stays");
    by_renaming(&folder, 2);
    assert_eq!(starts(&watching.until("done"), "noise"), 1);
    assert_eq!(shown(&folder), Some(2));
}

/// Faults: G8.
#[test]
fn folders_that_the_system_does_not_watch_are_polled() {
    let folder = Folder::new();
    folder.write("graph.json", graph(1));
    let mut child = Cmd::new(&folder)
        .env("LD_PRELOAD", c_library("no_watches"))
        .args(["watch", "graph.json", "--out", "out", "--progress", "json"])
        .start();
    until_shown(&folder, 1);
    by_renaming(&folder, 2);
    until_shown(&folder, 2);
    child.kill().expect("a child can be killed");
    let output = child.wait_with_output().expect("a child can be waited for");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("warning: cannot watch folders") && said.contains("polling them"), "{said}");
}

/// Faults: B14, B15, G10.
#[test]
fn a_plugin_that_is_replaced_while_it_is_loaded_does_no_harm() {
    let graph = |seed: u32| {
        let graph = json!({
            "noise": { "class_type": "NoiseImage", "inputs": { "width": 8, "height": 8, "seed": seed } },
            "it": { "class_type": "Negative", "inputs": { "image": ["noise", 0] } },
            "save": { "class_type": "SaveImage", "inputs": { "images": ["it", 0], "filename_prefix": "it" } },
        });
        format!("{graph:#}\n")
    };
    let folder = Folder::new();
    folder.write("graph.json", graph(1));
    let plugin = c_plugin("invert");
    let library = folder.join(plugin.file_name().and_then(|name| name.to_str()).expect("a name"));
    // In place: a library that is loaded from this file would change with it.
    let replace = |by: &[u8]| std::fs::write(&library, by).expect("written");
    let build = |file: PathBuf| std::fs::read(file).expect("it was built");
    replace(&build(plugin));
    let mut watching = Watching::start(&folder, [OsStr::new("--plugins"), library.as_os_str()]);
    watching.until("waiting");

    replace(b"only text\n");
    watching.settle();
    assert!(watching.talk().contains("the loaded plugins stay in use"), "{}", watching.talk());
    folder.write("graph.json", graph(2));
    let events = watching.until("done");
    assert_eq!((starts(&events, "noise"), starts(&events, "it")), (1, 1), "{events:#?}");

    replace(&build(c_plugin_of_minor_0("invert")));
    let events = watching.until("done");
    assert_eq!((starts(&events, "noise"), starts(&events, "it")), (0, 1), "{events:#?}");
    assert!(watching.is_alive());
    assert_eq!(errors(&watching.settle()), 0);
}
