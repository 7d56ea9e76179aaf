//! Runs of several rows: folders, sweeps, frames that follow each other, shards.

use std::time::{Duration, Instant};

use dreamwire_tests::{Cmd, Folder, Outcome, deviation, photo};
use serde_json::{Value, json};

fn run(folder: &Folder, arguments: &[&str]) -> Outcome {
    command(folder, arguments).run()
}

fn command(folder: &Folder, arguments: &[&str]) -> Cmd {
    Cmd::new(folder).args(["run", "graph.json", "--progress", "json", "--cache", "cache"]).args(arguments)
}

/// The events of a type.
fn events(outcome: &Outcome, kind: &str) -> Vec<Value> {
    let events = outcome.stdout.lines().map(|line| serde_json::from_str::<Value>(line).expect("an event"));
    events.filter(|value| value["event"] == kind).collect()
}

/// Done, skipped and failed.
fn counts(outcome: &Outcome) -> [u64; 3] {
    let all = events(outcome, "rows_ended");
    ["done", "skipped", "failed"].map(|name| all[0][name].as_u64().expect("a number"))
}

/// What is left of an output folder without the record of its rows.
fn pictures(folder: &Folder, out: &str) -> Vec<String> {
    folder.files(out).into_iter().filter(|name| name.ends_with(".png")).collect()
}

fn soft() -> Value {
    json!({
        "photo": { "class_type": "LoadImage", "inputs": { "image": "one.png" } },
        "soft": { "class_type": "Blur", "inputs": { "image": ["photo", 0], "radius": 1 } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["soft", 0], "filename_prefix": "soft" } },
    })
}

/// Faults: F6.
#[test]
fn a_folder_with_a_broken_picture() {
    let folder = Folder::with_graph(&soft());
    photo(&folder.join("one.png"), 16, 12);
    for number in 1..20 {
        let place = ["pics", "pics/unter ordner", "pics/unter ordner/ü"][number % 3];
        std::fs::create_dir_all(folder.join(place)).expect("a folder");
        photo(&folder.join(&format!("{place}/bild 猫 {number}.png")), 16 + number as u32, 12);
    }
    folder.write("pics/bild 7b.png", b"\x89PNG\r\n\x1a\n but not really");
    folder.write("pics/notes.txt", "no picture");
    let each = ["--each", "photo.image=pics", "--out", "out"];
    let first = run(&folder, &each);
    first.exits(9).says("is a truncated PNG").says("--rows ");
    assert_eq!(counts(&first), [19, 0, 1]);
    let made = pictures(&folder, "out");
    assert_eq!(made.len(), 19);
    for name in ["soft/bild 猫 3.png", "soft/unter ordner/bild 猫 1.png", "soft/unter ordner/ü/bild 猫 2.png"]
    {
        assert!(made.contains(&name.to_owned()), "{name} is not among {made:?}");
    }
    let bytes: Vec<Vec<u8>> = made.iter().map(|name| folder.read(&format!("out/{name}"))).collect();
    // Everything that is there is left alone; the broken one is tried again.
    let again = run(&folder, &each);
    again.exits(9);
    assert_eq!(counts(&again), [0, 19, 1]);
    assert!(events(&again, "started").iter().all(|event| event["node"] == "photo"));
    // Only the failed row, as the summary has it.
    let failed = events(&first, "rows_ended")[0]["failed_rows"].as_str().expect("a range").to_owned();
    photo(&folder.join("pics/bild 7b.png"), 20, 12);
    let mended = run(&folder, &[&each[..], &["--rows", &failed]].concat());
    mended.exits(0);
    assert_eq!(counts(&mended), [1, 0, 0]);
    assert_eq!(counts(&run(&folder, &each)), [0, 20, 0]);
    // Without the cache the record of the output folder alone knows it.
    std::fs::remove_dir_all(folder.join("cache")).expect("it is there");
    assert_eq!(counts(&run(&folder, &each)), [0, 20, 0]);
    for (name, bytes) in made.iter().zip(&bytes) {
        assert!(folder.read(&format!("out/{name}")) == *bytes, "{name} was written again");
    }
    // A picture that was damaged is made again, and so is one whose input has changed.
    folder.write(&format!("out/{}", made[0]), "damaged");
    photo(&folder.join("pics/bild 猫 3.png"), 30, 12);
    assert_eq!(counts(&run(&folder, &each)), [2, 18, 0]);
    // An edit of the graph makes all again, but decodes nothing that has not changed.
    let edited = run(&folder, &[&each[..], &["--set", "soft.radius=2"]].concat());
    assert_eq!(counts(&edited), [20, 0, 0]);
    assert_eq!(counts(&run(&folder, &[&each[..], &["--overwrite", "never"]].concat())), [0, 20, 0]);
}

#[test]
fn a_sweep_ends_in_a_labelled_sheet() {
    let mut graph = soft();
    graph["sheet"] = json!({ "class_type": "Grid", "inputs": {
        "image": { "__rows__": ["soft", "IMAGE"] }, "labels": { "__rows__": "labels" }, "columns": 4 } });
    graph["save_sheet"] = json!({ "class_type": "SaveImage", "inputs": {
        "images": ["sheet", 0], "filename_prefix": "sheet" } });
    graph["noise"] =
        json!({ "class_type": "NoiseImage", "inputs": { "width": 64, "height": 48, "seed": 1 } });
    graph["soft"]["inputs"]["image"] = json!(["noise", 0]);
    graph.as_object_mut().expect("an object").remove("photo");
    let folder = Folder::with_graph(&graph);
    let sweep = ["--sweep", "soft.radius=0,1,2", "--seeds", "1-4", "--out", "out"];
    let outcome = run(&folder, &sweep);
    outcome.exits(0);
    assert_eq!(counts(&outcome), [12, 0, 0]);
    assert_eq!(pictures(&folder, "out").len(), 13);
    let ((width, height), deviation) = deviation(&folder.join("out/sheet.png"));
    assert!(width == 4 * 64 + 5 * 8 && height > 3 * 48, "{width}x{height}");
    assert!(deviation > 0.05, "a sheet of noise is not flat");
    // The noise of a seed is made once, whatever the radius.
    let noise = events(&outcome, "started").iter().filter(|event| event["node"] == "noise").count();
    assert_eq!(noise, 4);
    // A sheet of some rows would be another one.
    let part = run(&folder, &[&sweep[..], &["--rows", "1-2", "--overwrite", "always"]].concat());
    part.exits(0).says("what needs all of them is left out");
    // Without rows the graph is one of a single picture.
    run(&folder, &["--out", "alone"]).exits(0);
    assert_eq!(pictures(&folder, "alone"), ["sheet_00001_.png", "soft_00001_.png"]);
}

/// Each frame begins with the one before, moved and turned a little more.
fn zoom() -> Value {
    json!({
        "photo": { "class_type": "LoadImage", "inputs": { "image": "one.png" } },
        "zoom": { "class_type": "Transform", "inputs": {
            "image": { "__previous__": ["zoom", "IMAGE"], "first": ["photo", "IMAGE"] },
            "scale": 1.05, "mode": "reflect",
            "degrees": { "__curve__": { "1": 0, "30": 6 }, "ease": "smooth" } } },
        "save": { "class_type": "SaveImage", "inputs": {
            "images": ["zoom", 0], "filename_prefix": "f/####" } },
    })
}

fn frames(folder: &Folder, out: &str) -> Vec<Vec<u8>> {
    pictures(folder, out).iter().map(|name| folder.read(&format!("{out}/{name}"))).collect()
}

/// Faults: F7, F8.
#[test]
fn frames_that_follow_each_other_are_the_same_in_parts() {
    let folder = Folder::with_graph(&zoom());
    photo(&folder.join("one.png"), 64, 48);
    run(&folder, &["--frames", "1-30", "--out", "whole"]).exits(0);
    assert_eq!(pictures(&folder, "whole")[29], "f/0030.png");
    let whole = frames(&folder, "whole");
    for part in ["1/3", "2/3", "3/3"] {
        let shard = ["--frames", "1-30", "--out", "parts", "--shard", part];
        if part != "1/3" {
            run(&folder, &shard).exits(3).says("needs the value of row");
        }
        let cached = Cmd::new(&folder).args(["run", "graph.json", "--no-cache", "--preroll", "30"]);
        cached.args(shard).run().exits(0);
    }
    assert!(frames(&folder, "parts") == whole, "the parts differ from the whole");
    // A preroll that is too short gives other pictures, which is the user's choice, but the same number of them.
    let short = ["--frames", "1-30", "--out", "short", "--shard", "3/3", "--preroll", "2"];
    run(&folder, &short).exits(0);
    assert_eq!(pictures(&folder, "short").len(), 10);
    run(&folder, &["--frames", "1-30", "--shard", "0/3"]).exits(2);
    // People are told the same.
    let told = Cmd::new(&folder).args(["run", "graph.json", "--frames", "1-3", "--out", "told"]).run();
    told.exits(0).says("[3/3] frame 3: ").says("rows: 3 done, 0 skipped, 0 failed");
}

#[test]
fn a_run_that_is_killed_goes_on_where_it_was() {
    let mut graph = zoom();
    graph["film"] = json!({ "class_type": "SaveAnimation", "inputs": {
        "images": { "__rows__": ["zoom", "IMAGE"] }, "format": "apng", "filename_prefix": "film" } });
    let folder = Folder::with_graph(&graph);
    photo(&folder.join("one.png"), 200, 150);
    let fresh =
        Cmd::new(&folder).args(["run", "graph.json", "--frames", "1-30", "--out", "whole", "--no-cache"]);
    fresh.run().exits(0);
    let arguments = ["--frames", "1-30", "--out", "out"];
    for at_least in [4, 12] {
        let mut child = command(&folder, &arguments).start();
        let end = Instant::now() + Duration::from_secs(60);
        while pictures(&folder, "out").len() < at_least && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(2));
        }
        child.kill().expect("it runs");
        child.wait().expect("it ends");
    }
    let last = run(&folder, &arguments);
    last.exits(0);
    let made = events(&last, "finished").iter().filter(|event| event["node"] == "zoom").count();
    assert!(made <= 30 - 12, "{made} frames were made again");
    assert_eq!(pictures(&folder, "out").len(), 31, "30 frames, and all of them as one film");
    assert!(frames(&folder, "out") == frames(&folder, "whole"), "the files differ from those of one run");
}

/// Faults: D12.
#[test]
fn missing_frames() {
    let mut graph = soft();
    graph["photo"]["inputs"]["image"] = json!("in/{frame:03}.png");
    let folder = Folder::with_graph(&graph);
    for frame in [1, 2, 4] {
        std::fs::create_dir_all(folder.join("in")).expect("a folder");
        photo(&folder.join(&format!("in/{frame:03}.png")), 16 + frame, 12);
    }
    let arguments = ["--frames", "1-5", "--out", "out"];
    run(&folder, &arguments).exits(5).says("2 files are missing: `in/003.png`, `in/005.png`");
    run(&folder, &[&arguments[..], &["--missing", "skip"]].concat()).exits(0).says("rows 3,5");
    assert_eq!(pictures(&folder, "out"), ["soft_0001.png", "soft_0002.png", "soft_0004.png"]);
    run(&folder, &[&arguments[..], &["--missing", "hold"]].concat()).exits(0);
    assert_eq!(pictures(&folder, "out").len(), 5);
    run(&folder, &["--frames", "7-9", "--out", "out"]).exits(5).says("no file matches");
}

#[test]
fn a_row_that_fails_ends_its_sequence_but_not_the_others() {
    let folder = Folder::with_graph(&zoom());
    photo(&folder.join("one.png"), 16, 12);
    folder.write("two.png", "no picture");
    let outcome =
        run(&folder, &["--sweep", "photo.image=two.png,one.png", "--frames", "1-3", "--out", "out"]);
    outcome.exits(3).says("have the same name");
    let named = ["--set", "save.filename_prefix={photo.image}/{frame:02}"];
    let arguments = ["--sweep", "photo.image=two.png,one.png", "--frames", "1-3", "--out", "out"];
    let outcome = run(&folder, &[&named[..], &arguments[..]].concat());
    outcome.exits(9).says("the row before it failed");
    assert_eq!(counts(&outcome), [3, 0, 3]);
    assert_eq!(events(&outcome, "rows_ended")[0]["failed_rows"], "1-3");
    let stopped = run(&folder, &[&named[..], &arguments[..], &["--stop-on-failure"]].concat());
    stopped.exits(9);
    assert_eq!(events(&stopped, "rows_ended")[0]["left"], 5);
}

/// What was finished elsewhere or by hand stays, also where rows need each other's values.
#[test]
fn finished_frames_are_left_alone() {
    let mut graph = zoom();
    graph["film"] = json!({ "class_type": "SaveAnimation", "inputs": {
        "images": { "__rows__": ["zoom", "IMAGE"] }, "format": "gif", "filename_prefix": "film" } });
    let folder = Folder::with_graph(&graph);
    photo(&folder.join("one.png"), 32, 24);
    let arguments = ["--frames", "1-4", "--out", "out"];
    assert_eq!(counts(&run(&folder, &arguments)), [4, 0, 0]);
    // Without the cache the values are computed again, and the record of the folder knows that the files would be the same.
    std::fs::remove_dir_all(folder.join("cache")).expect("it is there");
    let again = run(&folder, &arguments);
    assert_eq!(counts(&again), [0, 4, 0]);
    assert!(events(&again, "published").is_empty(), "{}", again.stdout);
    folder.write("out/f/0002.png", "painted over");
    folder.write("out/film.gif", "cut by hand");
    assert_eq!(counts(&run(&folder, &[&arguments[..], &["--overwrite", "never"]].concat())), [0, 4, 0]);
    assert_eq!(folder.read("out/f/0002.png"), b"painted over");
    assert_eq!(folder.read("out/film.gif"), b"cut by hand");
    assert_eq!(counts(&run(&folder, &arguments)), [1, 3, 0]);
    assert!(folder.read("out/film.gif") != b"cut by hand");
}

#[test]
fn what_cannot_work_is_refused_before_the_first_row() {
    let folder = Folder::with_graph(&soft());
    photo(&folder.join("one.png"), 16, 12);
    folder.write("file", "not a folder");
    let sweep = ["--sweep", "soft.radius=1,2"];
    run(&folder, &[&sweep[..], &["--out", "file"]].concat()).exits(6);
    let twice = run(&folder, &[&sweep[..], &["--sweep", "soft.radius=3"]].concat());
    twice.exits(2).says("`soft.radius` would be set twice");
    let named = run(&folder, &["--sweep", "save.filename_prefix=a,b", "--seeds", "1-2", "--out", "out"]);
    named.exits(2).says("no node of this graph has a param `seed`");
    run(&folder, &["--sweep", "save.filename_prefix=a,b", "--out", "out"]).exits(0);
    assert_eq!(pictures(&folder, "out"), ["a.png", "b.png"]);
}
