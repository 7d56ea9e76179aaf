//! Pictures that cannot be read, and one that lies about its name.

use dreamwire_tests::{Cmd, Folder, Outcome, deviation, photo};
use serde_json::json;

/// A folder whose graph makes a small copy of a picture.
fn folder(picture: &str) -> Folder {
    Folder::with_graph(&json!({
        "photo": { "class_type": "LoadImage", "inputs": { "image": picture } },
        "small": { "class_type": "Resize", "inputs": { "image": ["photo", 0], "width": 8 } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["small", 0], "filename_prefix": "it" } },
    }))
}

fn run(folder: &Folder) -> Outcome {
    Cmd::new(folder).args(["run", "graph.json", "--out", "out"]).run()
}

#[track_caller]
fn refused(folder: &Folder, said: &str) {
    run(folder).exits(5).says("node `photo`").says(said);
    assert!(folder.files("out").is_empty(), "nothing is published");
}

/// Faults: D1.
#[test]
fn a_picture_that_is_not_there_is_named_with_the_places_that_were_looked_at() {
    refused(&folder("no-such.png"), "there is no file `no-such.png`");
}

/// Faults: D1.
#[test]
fn a_folder_is_not_a_picture() {
    let folder = folder("photos");
    std::fs::create_dir(folder.join("photos")).expect("made");
    refused(&folder, "`photos` is a folder");
}

/// Faults: D1.
#[cfg(unix)]
#[test]
fn a_pipe_is_refused_and_nobody_waits() {
    let folder = folder("pipe.png");
    let made = std::process::Command::new("mkfifo").arg(folder.join("pipe.png")).status();
    assert!(made.is_ok_and(|status| status.success()), "mkfifo");
    refused(&folder, "`pipe.png` is not a regular file");
}

/// Faults: D1.
#[cfg(unix)]
#[test]
fn a_device_behind_a_link_is_refused() {
    let folder = folder("zero.png");
    std::os::unix::fs::symlink("/dev/zero", folder.join("zero.png")).expect("linked");
    refused(&folder, "zero.png");
}

#[test]
fn a_path_out_of_the_graphs_folder_is_refused() {
    let folder = folder("../../etc/hostname");
    run(&folder).exits(5);
    assert!(folder.files("out").is_empty());
}

/// Faults: D2.
#[test]
fn a_truncated_png_is_never_half_a_picture() {
    let folder = folder("photo.png");
    photo(&folder.join("photo.png"), 40, 30);
    let whole = folder.read("photo.png");
    for kept in [0, 4, 20, whole.len() / 2, whole.len() * 9 / 10, whole.len() - 1] {
        folder.write("photo.png", &whole[..kept]);
        refused(&folder, "photo.png");
    }
    folder.write("photo.png", &whole);
    run(&folder).exits(0);
}

/// Faults: D3.
#[test]
fn the_content_decides_what_a_picture_is() {
    let folder = folder("photo.jpg");
    photo(&folder.join("photo.png"), 40, 30);
    folder.write("photo.jpg", folder.read("photo.png"));
    run(&folder).exits(0);
    let (size, deviation) = deviation(&folder.join("out/it_00001_.png"));
    assert_eq!(size, (8, 6));
    assert!(deviation > 0.02);
}
