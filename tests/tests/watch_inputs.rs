//! `dreamwire watch`: inputs that come slowly, late or elsewhere, and libraries that crash when they are opened.
#![cfg(unix)]

use dreamwire_tests::{Cmd, Folder, Watching, c_plugin, photo};
use serde_json::{Value, json};
use std::fs::File;
use std::io::Write;
use std::time::Duration;

fn graph(image: &str) -> Value {
    json!({
        "photo": { "class_type": "LoadImage", "inputs": { "image": image } },
        "small": { "class_type": "Resize", "inputs": { "image": ["photo", 0], "width": 8 } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["small", 0], "filename_prefix": "it" } },
    })
}

fn events(events: &[Value], name: &str) -> usize {
    events.iter().filter(|event| event["event"] == name).count()
}

/// Faults: D14.
#[test]
fn a_picture_that_is_being_copied_in_is_no_error() {
    let folder = Folder::with_graph(&graph("photo.png"));
    photo(&folder.join("photo.png"), 32, 32);
    photo(&folder.join("large.png"), 64, 48);
    let watching = Watching::start(&folder, [] as [&str; 0]);
    watching.until("waiting");
    let bytes = folder.read("large.png");
    let mut copy = File::create(folder.join("photo.png")).expect("created");
    for piece in bytes.chunks(bytes.len().div_ceil(6)) {
        copy.write_all(piece).expect("written");
        copy.sync_data().expect("written");
        std::thread::sleep(Duration::from_millis(350));
    }
    drop(copy);
    let seen = watching.until("done");
    assert_eq!(events(&seen, "error"), 0, "{seen:#?}");
    assert_eq!(events(&seen, "failed"), 0, "{seen:#?}");
}

/// Faults: G6.
#[test]
fn a_picture_whose_folder_comes_later_is_found() {
    let folder = Folder::with_graph(&graph("later/deep/photo.png"));
    let watching = Watching::start(&folder, [] as [&str; 0]);
    let first = watching.until("waiting");
    assert_eq!(events(&first, "error"), 1, "{first:#?}");
    std::fs::create_dir_all(folder.join("later/deep")).expect("made");
    std::thread::sleep(Duration::from_millis(400));
    photo(&folder.join("later/deep/photo.png"), 16, 16);
    watching.until("done");
    assert_eq!(folder.files("out"), ["it_00001_.png"]);
}

#[test]
fn a_picture_that_appears_in_an_earlier_folder_is_taken() {
    let folder = Folder::with_graph(&graph("photo.png"));
    for (name, size) in [("first", 0), ("second", 32)] {
        std::fs::create_dir(folder.join(name)).expect("made");
        if size > 0 {
            photo(&folder.join(&format!("{name}/photo.png")), size, size);
        }
    }
    let watching = Watching::start(&folder, ["--in", "first", "--in", "second"]);
    watching.until("waiting");
    photo(&folder.join("first/photo.png"), 16, 8);
    let seen = watching.until("done");
    let started: Vec<_> = seen.iter().filter(|event| event["event"] == "started").collect();
    assert_eq!(started[0]["node"], "photo");
}

/// Faults: B1.
#[test]
fn a_library_that_crashes_when_it_is_opened_is_named() {
    let folder = Folder::with_graph(&graph("photo.png"));
    photo(&folder.join("photo.png"), 16, 16);
    let library = c_plugin("crash_at_load");
    let outcome = Cmd::new(&folder)
        .args(["run", "graph.json", "--out", "out", "--cache", "cache", "--isolate"])
        .env("DREAMWIRE_PLUGINS", library.parent().expect("a folder"))
        .run();
    outcome.exits(0).says("it crashes when it is opened (SIGABRT)").says("dreamwire_crash_at_load");
}

/// Faults: G10.
#[test]
fn a_watch_outlives_a_build_that_crashes_when_it_is_opened() {
    let folder = Folder::with_graph(&graph("photo.png"));
    photo(&folder.join("photo.png"), 16, 16);
    std::fs::create_dir(folder.join("plugins")).expect("made");
    let mut watching = Watching::start(&folder, ["--plugins", "plugins", "--cache", "cache"]);
    watching.until("waiting");
    let dead = c_plugin("crash_at_load");
    let name = dead.file_name().and_then(|name| name.to_str()).expect("a name");
    std::fs::copy(&dead, folder.join("new.so")).expect("copied");
    std::fs::rename(folder.join("new.so"), folder.join(&format!("plugins/{name}"))).expect("moved");
    watching.settle();
    assert!(watching.is_alive());
    assert!(watching.talk().contains("it crashes when it is opened (SIGABRT)"), "{}", watching.talk());
    let mut edited = graph("photo.png");
    edited["small"]["inputs"]["width"] = 4.into();
    folder.write("graph.json", format!("{edited:#}\n"));
    watching.until("done");
}

#[test]
fn a_watch_that_nobody_reads_ends() {
    let folder = Folder::with_graph(&graph("photo.png"));
    photo(&folder.join("photo.png"), 16, 16);
    let mut child =
        Cmd::new(&folder).args(["watch", "graph.json", "--out", "out", "--progress", "json"]).start();
    let mut first = [0; 1];
    let mut stdout = child.stdout.take().expect("a pipe");
    std::io::Read::read_exact(&mut stdout, &mut first).expect("an event");
    drop(stdout);
    for width in 4..60 {
        if child.try_wait().expect("a child").is_some() {
            return;
        }
        let mut edited = graph("photo.png");
        edited["small"]["inputs"]["width"] = width.into();
        folder.write("graph.json", format!("{edited:#}\n"));
        std::thread::sleep(Duration::from_millis(500));
    }
    let _ = child.kill();
    panic!("it still runs");
}
