//! Steps that need more memory than there is are refused before they start, with the number and the param that lowers it;
//! dreams take tiles that fit.
#![cfg(target_os = "linux")]

use dreamwire_tests::{Cmd, Folder, Outcome, built, peak, photo};
use serde_json::{Value, json};
use std::io::Read;

/// Of the address space of the process, which also holds libraries and the stacks of threads.
const LIMIT: &str = "2GiB";

/// A dream of one step on noise, too large for `LIMIT` as a whole.
fn dream(side: u32, tile: u32) -> Value {
    json!({
        "noise": { "class_type": "NoiseImage", "inputs": { "width": side, "height": side } },
        "net": { "class_type": "VGGFeatures", "inputs": { "layers": "relu1_2" } },
        "dream": { "class_type": "GradientAscent", "inputs": {
            "image": ["noise", 0], "objective": ["net", 0], "octaves": 1, "steps": 1, "tile": tile,
        } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["dream", 0] } },
    })
}

fn limited(folder: &Folder, arguments: &[&str]) -> Outcome {
    Cmd::new(folder).args(["run", "graph.json", "--threads", "2", "--memory", LIMIT]).args(arguments).run()
}

/// Faults: F5.
#[test]
fn a_dream_that_does_not_fit_names_the_tile_that_does() {
    // Of the picture's size: no tiles.
    let folder = Folder::with_graph(&dream(1024, 1024));
    let outcome = limited(&folder, &[]);
    outcome
        .exits(8)
        .says("dreaming of 1024x1024 pixels needs ")
        .says(" GiB of memory, ")
        .says(" is available");
    outcome.says("set `tile` to ").says("which needs about ");
    assert!(folder.files("out").is_empty());
    limited(&folder, &["--set", "dream.tile=256"]).exits(0).says("saved out/");
}

/// Faults: F5.
#[test]
fn a_dream_that_does_not_fit_takes_tiles_that_do() {
    let folder = Folder::with_graph(&dream(1024, 0));
    let outcome = limited(&folder, &[]);
    outcome.exits(0).says("saved out/").says("dreaming in tiles of ").says(" is available; set `tile` to ");
}

/// The same without a worker, where an allocation that fails would abort: `ulimit -v`.
/// Faults: F5.
#[test]
fn a_limit_of_the_shell_counts_too() {
    let folder = Folder::with_graph(&dream(1024, 1024));
    let program = &built().binary;
    let command = format!("ulimit -v 2097152; exec '{}' run graph.json --threads 2", program.display());
    Cmd::of("sh".as_ref(), folder.path()).args(["-c", &command]).run().exits(8).says("set `tile` to ");
    let command = format!("{command} --set dream.tile=256");
    Cmd::of("sh".as_ref(), folder.path()).args(["-c", &command]).run().exits(0).says("saved out/");
}

/// What LoadImage says of a file, and the most memory that the program had.
fn refused(folder: &Folder, command: &str, name: &str) -> (String, u64) {
    let load = json!({ "class_type": "LoadImage", "inputs": { "image": name } });
    let save = json!({ "class_type": "SaveImage", "inputs": { "images": ["load", 0] } });
    folder.write("graph.json", json!({ "load": load, "save": save }).to_string());
    let mut child = Cmd::new(folder).args([command, "graph.json"]).start();
    let (_, most) = peak(&mut child);
    let mut said = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut said).expect("text");
    // As one line, without what frames a message.
    (said.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" "), most)
}

/// Holes of gigabytes behind nothing, behind a picture and behind a signature: hashed in parts, refused by their
/// beginnings.
#[test]
fn a_sparse_file_needs_no_memory() {
    let folder = Folder::new();
    photo(&folder.join("small.png"), 64, 48);
    photo(&folder.join("small.jpg"), 64, 48);
    let behind = |name: &str, head: &[u8], length: u64| {
        let file = folder.write(name, head);
        let file = std::fs::File::options().write(true).open(file).expect("just written");
        file.set_len(length).expect("a file system with holes");
    };
    behind("none.png", b"", 3 << 30);
    behind("picture.png", &folder.read("small.png"), 1 << 30);
    behind("picture.jpg", &folder.read("small.jpg"), 1 << 30);
    behind("signature.tif", b"II*\0", 1 << 30);
    for (name, expected) in [
        ("none.png", "is not a recognised picture"),
        ("picture.png", "has 1.0 GiB, far more than a PNG of 64x48 pixels can have"),
        ("picture.jpg", "has 1.0 GiB, far more than a JPEG of 64x48 pixels can have"),
        ("signature.tif", "is a damaged TIFF: its header makes no sense"),
    ] {
        let (said, most) = refused(&folder, "run", name);
        assert!(said.contains(expected), "{expected} expected in: {said}");
        assert!(most < 300 << 20, "{most} bytes to refuse {name}");
    }
    let (_, most) = refused(&folder, "describe", "none.png");
    assert!(most < 300 << 20, "{most} bytes to describe it");
}
