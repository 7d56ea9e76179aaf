//! What nodes refuse before anything runs, and lists as JSON.

use dreamwire_tests::{Cmd, Folder, Outcome};
use serde_json::{Value, json};

/// A dream of noise, whose nodes have these inputs besides.
fn graph(node: &str, inputs: &Value) -> Value {
    let mut graph = json!({
        "noise": { "class_type": "NoiseImage", "inputs": { "width": 40, "height": 33 } },
        "vgg": { "class_type": "VGGFeatures", "inputs": { "layers": "relu1_1" } },
        "squeeze": { "class_type": "SqueezeNetFeatures", "inputs": { "layers": "logits" } },
        "class": { "class_type": "ClassObjective", "inputs": { "features": ["squeeze", 0], "class": "tabby" } },
        "channel": { "class_type": "ChannelObjective", "inputs": { "features": ["vgg", 0], "channels": "3" } },
        "sum": { "class_type": "SumObjective",
                 "inputs": { "objectives.0": ["class", 0], "objectives.1": ["channel", 0], "weights": "1, 0.5" } },
        "dream": { "class_type": "GradientAscent",
                   "inputs": { "image": ["noise", 0], "objective": ["sum", 0], "octaves": 1, "steps": 1 } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["dream", 0], "filename_prefix": "it" } },
        "z": { "class_type": "LatentNoise", "inputs": { "seeds": "0-2" } },
    });
    for (name, value) in inputs.as_object().expect("inputs") {
        graph[node]["inputs"][name] = value.clone();
    }
    graph
}

fn dreamwire(command: &str, graph: &Value) -> (Folder, Outcome) {
    let folder = Folder::with_graph(graph);
    let outcome = Cmd::new(&folder).args([command, "graph.json"]).run();
    (folder, outcome)
}

/// Faults: A17.
#[test]
fn params_are_judged_by_check_and_before_a_run() {
    for (node, inputs, said) in [
        (
            "vgg",
            json!({ "layers": "relu1_1, relu43" }),
            "there is no layer `relu43` (did you mean `relu4_3`?)",
        ),
        ("squeeze", json!({ "layers": "fire1" }), "there is no layer `fire1` (did you mean `fire"),
        ("class", json!({ "class": "tabbby" }), "ImageNet has no class `tabbby` (did you mean `tabby`?)"),
        ("channel", json!({ "channels": "9-5" }), "`9-5` is reversed: write `5-9`"),
        ("sum", json!({ "weights": "1, much" }), "found `much`"),
        ("z", json!({ "seeds": "0,a" }), "`a` is neither a number nor a range"),
        ("save", json!({ "format": "jpeg", "bits": "16" }), "jpeg supports 8 bits per sample, not 16"),
        ("save", json!({ "filename_prefix": "../it" }), "`../it` leaves the output folder"),
        ("noise", json!({ "width": 16384, "height": 16384 }), "the limit is 100 megapixels"),
    ] {
        let graph = graph(node, &inputs);
        for command in ["check", "run"] {
            let (folder, outcome) = dreamwire(command, &graph);
            outcome.exits(3).says(&format!("node `{node}`")).says(said);
            assert_eq!(folder.files("."), ["graph.json"], "{node} {inputs}");
        }
    }
    dreamwire("check", &graph("vgg", &json!({}))).1.exits(0);
}

#[test]
fn lists_may_be_json() {
    let saved = |node: &str, inputs: &Value| {
        let (folder, outcome) = dreamwire("run", &graph(node, inputs));
        outcome.exits(0);
        image::open(folder.join("out/it_00001_.png")).expect("a picture").into_rgb8()
    };
    for (node, text, list) in [
        ("vgg", json!({ "layers": "relu1_1:2, relu2_2" }), json!({ "layers": ["relu1_1:2", "relu2_2"] })),
        ("channel", json!({ "channels": "3, 5" }), json!({ "channels": [3, 5] })),
        ("sum", json!({ "weights": "0.25, 2" }), json!({ "weights": [0.25, 2] })),
    ] {
        assert_eq!(saved(node, &text), saved(node, &list), "{list}");
    }
    let no_list = dreamwire("check", &graph("class", &json!({ "class": ["tabby"] }))).1;
    no_list.exits(3).says("`class`");
}
