//! From a save to the start of the first step.

use super::{Reloading, graph, say, say_times, size};
use dreamwire_tests::Folder;
use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

/// Saves the graph of a picture of this size.
type Way = fn(&Folder, (u32, u32));

fn by_renaming(folder: &Folder, size: (u32, u32)) {
    folder.write("graph.json", graph(size));
}

fn in_place(folder: &Folder, size: (u32, u32)) {
    std::fs::write(folder.join("graph.json"), graph(size)).expect("saved");
}

fn by_sed(folder: &Folder, (width, height): (u32, u32)) {
    let before = r#"0\], "width": [0-9]*, "height": [0-9]*"#;
    let now = format!(r#"0], "width": {width}, "height": {height}"#);
    let done = Command::new("sed")
        .args(["-i", &format!("s/{before}/{now}/")])
        .arg(folder.join("graph.json"))
        .status()
        .expect("sed starts");
    assert!(done.success());
}

/// As VS Code does: it writes into the file, and then touches it once more.
fn in_two_parts(folder: &Folder, size: (u32, u32)) {
    in_place(folder, size);
    let path = folder.join("graph.json");
    std::fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("it is ours");
    File::open(&path).and_then(|file| file.set_modified(SystemTime::now())).expect("it is ours");
}

#[test]
#[ignore = "measures: `just figures`"]
fn from_a_save_to_the_first_step() {
    let ways: [(&str, Way); 4] = [
        ("by renaming", by_renaming),
        ("in place", in_place),
        ("sed -i", by_sed),
        ("in place, then its mode and time", in_two_parts),
    ];
    for (name, way) in ways {
        let it = Reloading::start();
        let times = (1..=100).map(|save| {
            it.watching.quiet(Duration::from_millis(200));
            way(&it.folder, size(save));
            let saved = Instant::now();
            it.watching.until("started");
            let time = saved.elapsed();
            it.until_shown(size(save));
            time
        });
        say_times(&format!("from a save {name} to `started`"), times.collect());
    }
}

#[test]
#[ignore = "measures: `just figures`"]
fn a_hundred_saves_per_second() {
    const SAVES: usize = 1000;
    let it = Reloading::start();
    let began = Instant::now();
    for save in 1..=SAVES {
        by_renaming(&it.folder, size(save));
        let next = began + Duration::from_millis(10) * save as u32;
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    let took = began.elapsed();
    let behind = it.until_there(size(SAVES));
    let events = it.watching.settle();
    assert_eq!(it.shown(), Some(size(SAVES)), "the last save is what is shown");
    assert_eq!(it.folder.files("out"), ["it_00001_.png"]);
    let count = |name: &str| events.iter().filter(|event| event["event"] == name).count();
    say(&format!(
        "{SAVES} saves in {:.1} s: {} runs, {} of them finished, {} errors; the last save is shown after {:.1} ms",
        took.as_secs_f64(),
        count("planned"),
        count("done"),
        count("error"),
        behind.as_secs_f64() * 1e3,
    ));
}
