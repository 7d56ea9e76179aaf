//! Steps that need more memory than there is are refused before they start, with the number and the param that lowers it.
#![cfg(target_os = "linux")]

use dreamwire_tests::{Cmd, Folder, Outcome, built};
use serde_json::{Value, json};

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
    let folder = Folder::with_graph(&dream(1024, 0));
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

/// The same without a worker, where an allocation that fails would abort: `ulimit -v`.
/// Faults: F5.
#[test]
fn a_limit_of_the_shell_counts_too() {
    let folder = Folder::with_graph(&dream(1024, 0));
    let program = &built().binary;
    let command = format!("ulimit -v 2097152; exec '{}' run graph.json --threads 2", program.display());
    Cmd::of("sh".as_ref(), folder.path()).args(["-c", &command]).run().exits(8).says("set `tile` to ");
    let command = format!("{command} --set dream.tile=256");
    Cmd::of("sh".as_ref(), folder.path()).args(["-c", &command]).run().exits(0).says("saved out/");
}
