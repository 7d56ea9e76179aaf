//! `dreamwire watch`: which nodes rerun after which edit, by the log of events.

use dreamwire_tests::{Folder, Watching, built, deviation, photo};
use serde_json::{Value, json};

/// The text of a graph: noise or a photograph, resized, and saved.
fn text(source: &Value, width: u32, bits: &str) -> String {
    let graph = json!({
        "source": source,
        "small": { "class_type": "Resize", "inputs": { "image": ["source", 0], "width": width } },
        "save": {
            "class_type": "SaveImage",
            "inputs": { "images": ["small", 0], "filename_prefix": "it", "bits": bits, "metadata": false }
        },
    });
    format!("{graph:#}\n")
}

fn noise(width: u32, bits: &str) -> String {
    text(&json!({ "class_type": "NoiseImage", "inputs": { "width": 32, "height": 32 } }), width, bits)
}

/// Starts watching a graph and waits for the first run.
fn watch(graph: &str) -> (Folder, Watching) {
    let folder = Folder::new();
    folder.write("graph.json", graph);
    let watching = Watching::start(&folder, [] as [&str; 0]);
    assert_eq!(started(&watching.until("waiting")), ["source", "small", "save"]);
    assert_eq!(folder.files("out"), ["it_00001_.png"]);
    (folder, watching)
}

/// The nodes that started, in order.
fn started(events: &[Value]) -> Vec<String> {
    let started = events.iter().filter(|event| event["event"] == "started");
    started.filter_map(|event| event["node"].as_str().map(str::to_owned)).collect()
}

fn errors(events: &[Value]) -> usize {
    events.iter().filter(|event| event["event"] == "error").count()
}

/// Faults: G9.
#[test]
fn an_edit_of_the_last_node_runs_the_last_node_alone() {
    let (folder, watching) = watch(&noise(8, "8"));
    folder.write("graph.json", noise(8, "16"));
    let events = watching.until("waiting");
    assert_eq!(started(&events), ["save"], "{events:#?}");
    assert!(
        events.iter().any(|event| event["event"] == "published" && event["written"] == true),
        "{events:#?}"
    );
    assert_eq!(folder.files("out"), ["it_00001_.png"], "it replaces its own file");
    let picture = image::open(folder.join("out/it_00001_.png")).expect("a picture");
    assert_eq!(picture.color(), image::ColorType::Rgb16);
}

/// Faults: G9.
#[test]
fn an_edit_in_the_middle_runs_what_comes_after_it() {
    let (folder, watching) = watch(&noise(8, "8"));
    folder.write("graph.json", noise(6, "8"));
    assert_eq!(started(&watching.until("waiting")), ["small", "save"]);
    assert_eq!(deviation(&folder.join("out/it_00001_.png")).0, (6, 6));
}

/// Faults: A4, G5.
#[test]
fn a_broken_save_keeps_the_last_result_and_is_told_once() {
    let (folder, watching) = watch(&noise(8, "8"));
    let old = folder.read("out/it_00001_.png");
    let good = noise(6, "8");
    folder.write("graph.json", &good[..good.len() / 2]);
    let mut events = watching.until("error");
    let error = events.last().cloned().unwrap_or_default();
    assert!(error["message"].is_string() && error["line"].is_u64(), "{error:#}");
    events.extend(watching.settle());
    assert_eq!(errors(&events), 1, "{events:#?}");
    assert_eq!(started(&events), [""; 0]);
    // Saved again, still broken.
    folder.write("graph.json", &good[..good.len() / 2]);
    assert_eq!(errors(&watching.settle()), 0, "it was told already");
    assert!(folder.read("out/it_00001_.png") == old);
    // Fixed.
    folder.write("graph.json", &good);
    assert_eq!(started(&watching.until("waiting")), ["small", "save"]);
    assert_eq!(deviation(&folder.join("out/it_00001_.png")).0, (6, 6));
}

#[test]
fn an_edit_that_changes_nothing_relevant_runs_nothing() {
    let (folder, watching) = watch(&noise(8, "8"));
    let commented = format!("// a comment\n\n{}", noise(8, "8"));
    let titled =
        noise(8, "8").replacen("\"class_type\"", "\"_meta\": { \"title\": \"Mine\" }, \"class_type\"", 1);
    for edited in [commented, titled, noise(8, "8")] {
        folder.write("graph.json", &edited);
        let events = watching.settle();
        assert_eq!(started(&events), [""; 0], "{events:#?}\nafter\n{edited}");
        assert_eq!(errors(&events), 0, "{events:#?}\nafter\n{edited}");
    }
    // It still reacts.
    folder.write("graph.json", noise(8, "16"));
    assert_eq!(started(&watching.until("waiting")), ["save"]);
}

/// Faults: D13, G7.
#[test]
fn a_new_picture_runs_what_reads_it_and_own_outputs_run_nothing() {
    let folder = Folder::new();
    photo(&folder.join("photo.png"), 32, 32);
    folder.write(
        "graph.json",
        text(&json!({ "class_type": "LoadImage", "inputs": { "image": "photo.png" } }), 8, "8"),
    );
    let watching = Watching::start(&folder, [] as [&str; 0]);
    watching.until("waiting");
    let own = watching.settle();
    assert_eq!(started(&own), [""; 0], "what it published itself does not count: {own:#?}");
    photo(&folder.join("another.png"), 32, 16);
    folder.write("photo.png", folder.read("another.png"));
    assert_eq!(started(&watching.until("waiting")), ["source", "small", "save"]);
    assert_eq!(deviation(&folder.join("out/it_00001_.png")).0, (8, 4));
    // Another file in the folder does not matter.
    folder.write("note.txt", "hello");
    let others = watching.settle();
    assert_eq!(started(&others), [""; 0], "{others:#?}");
}

/// Faults: B6.
#[test]
fn the_host_survives_a_panic_and_runs_the_next_edit() {
    let source = |panics: bool| json!({ "class_type": "Panics", "inputs": { "panics": panics } });
    let folder = Folder::new();
    folder.write("graph.json", text(&source(true), 2, "8"));
    let mut watching =
        Watching::start(&folder, [std::ffi::OsStr::new("--plugins"), built().panics.as_os_str()]);
    let events = watching.until("waiting");
    assert!(
        events.iter().any(|event| event["event"] == "failed" && event["node"] == "source"),
        "{events:#?}"
    );
    let told =
        events.iter().filter_map(|event| event["message"].as_str()).any(|m| m.contains("the sky fell"));
    assert!(told, "{events:#?}");
    assert!(watching.is_alive());
    folder.write("graph.json", text(&source(false), 2, "8"));
    assert_eq!(started(&watching.until("waiting")), ["source", "small", "save"]);
    assert_eq!(folder.files("out"), ["it_00001_.png"]);
}

#[test]
fn an_edit_that_set_overrides_is_told() {
    let folder = Folder::new();
    folder.write("graph.json", noise(8, "8"));
    let watching = Watching::start(&folder, ["--set", "small.width=4"]);
    watching.until("waiting");
    folder.write("graph.json", noise(6, "8"));
    let events = watching.settle();
    assert_eq!(started(&events), [""; 0], "{events:#?}");
    let told = "note: `small.width` was edited, but --set overrides it";
    assert!(watching.talk().contains(told), "{}", watching.talk());
}

/// Faults: G6.
#[cfg(unix)]
#[test]
fn a_picture_behind_links_is_watched_at_every_link() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new();
    for (name, size) in [("r1", 32), ("r2", 16)] {
        std::fs::create_dir(folder.join(name)).expect("made");
        photo(&folder.join(&format!("{name}/p.png")), size, size);
    }
    symlink("r1", folder.join("data")).expect("linked");
    symlink("data/p.png", folder.join("photo.png")).expect("linked");
    let source = json!({ "class_type": "LoadImage", "inputs": { "image": "photo.png" } });
    folder.write("graph.json", text(&source, 8, "8"));
    let watching = Watching::start(&folder, [] as [&str; 0]);
    watching.until("waiting");
    let ran = |what: &str| {
        let ran = started(&watching.until("waiting"));
        assert_eq!(ran.first().map(String::as_str), Some("source"), "{what}: {ran:?}");
    };
    // Retarget the folder link, as a deployment that switches releases does.
    symlink("r2", folder.join("next")).expect("linked");
    std::fs::rename(folder.join("next"), folder.join("data")).expect("moved");
    ran("a folder on the way leads elsewhere");
    photo(&folder.join("new.png"), 24, 12);
    std::fs::rename(folder.join("new.png"), folder.join("r2/p.png")).expect("moved");
    ran("the picture at the end was replaced");
    photo(&folder.join("plain.png"), 20, 10);
    std::fs::rename(folder.join("plain.png"), folder.join("photo.png")).expect("moved");
    ran("the link became a file");
}

/// Faults: G6.
#[test]
fn a_folder_that_takes_the_name_of_another_is_watched() {
    let folder = Folder::new();
    for (name, size) in [("data", 32), ("next", 16)] {
        std::fs::create_dir(folder.join(name)).expect("made");
        photo(&folder.join(&format!("{name}/p.png")), size, size);
    }
    let source = json!({ "class_type": "LoadImage", "inputs": { "image": "data/p.png" } });
    folder.write("graph.json", text(&source, 8, "8"));
    let watching = Watching::start(&folder, [] as [&str; 0]);
    watching.until("waiting");
    std::fs::rename(folder.join("data"), folder.join("old")).expect("moved");
    std::fs::rename(folder.join("next"), folder.join("data")).expect("moved");
    let mut events = watching.until("waiting");
    events.extend(watching.settle());
    assert!(started(&events).contains(&"source".to_owned()), "{events:#?}");
    photo(&folder.join("data/p.png"), 24, 12);
    assert_eq!(started(&watching.until("waiting")).first().map(String::as_str), Some("source"));
}
