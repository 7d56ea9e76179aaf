//! `describe`: what a run would read, use and publish, for moving graphs to other machines.

use dreamwire_tests::{Cmd, Folder, photo};
use serde_json::{Value, json};

fn graph() -> Value {
    json!({
        "photo": { "class_type": "LoadImage", "inputs": { "image": "in.png" } },
        "vgg": { "class_type": "VGGFeatures", "inputs": { "layers": "relu1_1" } },
        "dream": {
            "class_type": "GradientAscent",
            "inputs": { "image": ["photo", 0], "objective": ["vgg", 0] }
        },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["dream", 0] } },
        "idle": { "class_type": "LoadImage", "inputs": { "image": "unused.png" } },
    })
}

#[test]
fn everything_a_run_needs_is_told() {
    let folder = Folder::with_graph(&graph());
    photo(&folder.join("in.png"), 8, 6);
    let outcome = Cmd::new(&folder).args(["describe", "graph.json", "--json"]).run();
    outcome.exits(0).says("`idle`");
    let told: Value = serde_json::from_str(&outcome.stdout).expect("it is JSON");
    let bytes = folder.read("in.png");
    let [file] = told["files"].as_array().expect("files").as_slice() else { panic!("{told:#}") };
    assert_eq!(
        (&file["node"], &file["param"], &file["text"]),
        (&json!("photo"), &json!("image"), &json!("in.png"))
    );
    assert_eq!(file["bytes"], bytes.len());
    assert_eq!(file["blake3"].as_str().map(str::len), Some(64));
    assert_eq!(
        file["path"],
        folder.join("in.png").canonicalize().expect("it is there").display().to_string()
    );
    assert_eq!(told["named_weights"], json!([{ "node": "vgg", "param": "weights", "name": "vgg16" }]));
    assert_eq!(told["outputs"], json!(["save"]));
    let names = |list: &Value, key: &str| -> Vec<String> {
        let entries = list.as_array().expect("a list").iter();
        entries.map(|entry| entry[key].as_str().expect("a text").to_owned()).collect()
    };
    let mut steps = names(&told["steps"], "node");
    steps.sort();
    assert_eq!(steps, ["dream", "photo", "save", "vgg"], "what no output needs is no step");
    let mut plugins = names(&told["plugins"], "id");
    plugins.sort();
    assert_eq!(plugins, ["org.dreamwire.dream", "org.dreamwire.image", "org.dreamwire.vgg"]);
    assert!(folder.files("out").is_empty(), "nothing ran");
}

#[test]
fn a_missing_file_is_told_with_the_rest() {
    let folder = Folder::with_graph(&graph());
    let outcome = Cmd::new(&folder).args(["describe", "graph.json"]).run();
    outcome.exits(5);
    for expected in
        ["save (SaveImage, an output)", "error: there is no file `in.png`", "vgg16, `weights` of vgg"]
    {
        assert!(outcome.stdout.contains(expected), "{expected}:\n{}", outcome.stdout);
    }
}

#[test]
fn a_graph_that_means_nothing_is_refused_as_by_check() {
    let folder = Folder::new();
    folder.write("graph.json", "{");
    Cmd::new(&folder).args(["describe", "graph.json"]).run().exits(3).says("graph.json:1");
}

#[test]
fn the_device_of_a_run_is_told_and_one_that_cannot_be_used_is_refused() {
    let folder = Folder::with_graph(&graph());
    photo(&folder.join("in.png"), 8, 6);
    let told = Cmd::new(&folder).args(["describe", "graph.json"]).run();
    assert!(told.exits(0).stdout.contains("\ndevice\n  cpu\n"), "{}", told.stdout);
    for command in ["describe", "check"] {
        let refused = Cmd::new(&folder).args([command, "graph.json", "--device", "cuda"]).run();
        refused.exits(4).says("these plugins were not built for CUDA").says("(--device)");
        Cmd::new(&folder).args([command, "graph.json", "--device", "cpu"]).run().exits(0);
    }
}
