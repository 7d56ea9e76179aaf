//! What nodes refuse before anything runs, lists as JSON, and values over links.

use dreamwire_tests::{Cmd, Folder, Outcome, photo};
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

/// Noise over noise, saved. The params in `given` are literals, or come from value nodes.
fn blend(given: &[(&str, &str, &str, Value)], linked: bool) -> Value {
    let mut graph = json!({
        "noise": { "class_type": "NoiseImage", "inputs": { "width": 20, "height": 20 } },
        "over": { "class_type": "NoiseImage", "inputs": { "width": 20, "height": 20, "seed": 1 } },
        "mix": { "class_type": "Blend", "inputs": { "image1": ["noise", 0], "image2": ["over", 0] } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["mix", 0], "filename_prefix": "it" } },
    });
    for (index, (places, kind, output, value)) in given.iter().enumerate() {
        let source = format!("value{index}");
        for place in places.split(' ') {
            let (node, param) = place.split_once('.').expect("node.param");
            graph[node]["inputs"][param] = if linked { json!([source, output]) } else { value.clone() };
        }
        if linked {
            graph[source] = json!({ "class_type": kind, "inputs": { "value": value } });
        }
    }
    graph
}

#[test]
fn a_value_over_a_link_is_what_a_literal_is() {
    let given = [
        // A range, a whole number for a param that takes any, several nodes.
        ("noise.width over.width noise.scale", "PrimitiveInt", "INT", json!(24)),
        // A seed that no double holds.
        ("noise.seed", "PrimitiveInt", "INT", json!(9_007_199_254_740_993_i64)),
        ("noise.std over.std mix.factor", "PrimitiveFloat", "FLOAT", json!(0.25)),
        // Choices, one of them a number.
        ("noise.distribution", "PrimitiveString", "STRING", json!("perlin")),
        ("mix.mode", "PrimitiveStringMultiline", "STRING", json!("multiply")),
        ("save.bits", "PrimitiveInt", "INT", json!(16)),
        ("save.metadata", "PrimitiveBoolean", "BOOLEAN", json!(false)),
        ("save.filename_prefix", "PrimitiveString", "STRING", json!("linked/%width%")),
    ];
    let saved = |graph: &Value| {
        let (folder, outcome) = dreamwire("run", graph);
        outcome.exits(0);
        assert_eq!(folder.files("out"), ["linked/24_00001_.png"]);
        folder.read("out/linked/24_00001_.png")
    };
    // Without the graph in it, the file is the same.
    assert_eq!(saved(&blend(&given, true)), saved(&blend(&given, false)));
    // The next seed is another picture: not even its last bit was lost.
    let mut next = given.clone();
    next[1].3 = json!(9_007_199_254_740_992_i64);
    assert_ne!(saved(&blend(&next, true)), saved(&blend(&given, true)));
}

#[test]
fn a_list_may_come_over_a_link() {
    let saved = |inputs: Value, values: Value| {
        let mut graph = graph("channel", &inputs);
        for (name, value) in values.as_object().expect("nodes") {
            graph[name] = value.clone();
        }
        let (folder, outcome) = dreamwire("run", &graph);
        outcome.exits(0);
        image::open(folder.join("out/it_00001_.png")).expect("a picture").into_rgb8()
    };
    let number = json!({ "n": { "class_type": "PrimitiveInt", "inputs": { "value": 5 } } });
    let text = json!({ "n": { "class_type": "PrimitiveString", "inputs": { "value": "3, 5" } } });
    let one = saved(json!({ "channels": ["n", 0] }), number);
    let two = saved(json!({ "channels": ["n", "STRING"] }), text);
    assert_eq!(one, saved(json!({ "channels": [5] }), json!({})));
    assert_eq!(two, saved(json!({ "channels": [3, 5] }), json!({})));
    assert_ne!(one, two);
}

#[test]
fn a_value_over_a_link_that_does_not_fit_is_told_with_its_source() {
    for (place, kind, output, value, said) in [
        (
            "noise.width",
            "PrimitiveInt",
            "INT",
            json!(40000),
            "`width` is 40000, which is out of range (allowed: 1 to 16384)",
        ),
        ("noise.seed", "PrimitiveInt", "INT", json!(-1), "`seed` is -1, which is out of range"),
        (
            "mix.factor",
            "PrimitiveInt",
            "INT",
            json!(2),
            "`factor` is 2, which is out of range (allowed: 0 to 1)",
        ),
        ("mix.factor", "PrimitiveFloat", "FLOAT", json!(-0.5), "`factor` is -0.5, which is out of range"),
        ("mix.mode", "PrimitiveString", "STRING", json!("multiplied"), "`mode` has no choice `multiplied`"),
        ("save.bits", "PrimitiveInt", "INT", json!(12), "`bits` has no choice `12`"),
        (
            "save.filename_prefix",
            "PrimitiveString",
            "STRING",
            json!("%yaer%"),
            "`%yaer%` in `filename_prefix` is not known",
        ),
    ] {
        let graph = blend(&[(place, kind, output, value)], true);
        dreamwire("check", &graph).1.exits(0);
        let (folder, outcome) = dreamwire("run", &graph);
        let (node, _) = place.split_once('.').expect("node.param");
        outcome.exits(7).says(&format!("node `{node}`")).says(said);
        outcome.says(&format!("it comes from node `value0` ({kind})"));
        assert_eq!(folder.files("out"), [""; 0], "{place}");
    }
}

#[test]
fn a_value_of_another_type_is_refused_by_check() {
    for (place, kind, output, value, said) in [
        (
            "noise.width",
            "PrimitiveString",
            "STRING",
            json!("24"),
            "`width` of `noise` takes INT, but `STRING` of `value0` is STRING",
        ),
        ("noise.width", "PrimitiveFloat", "FLOAT", json!(24), "takes INT, but `FLOAT`"),
        ("noise.std", "PrimitiveBoolean", "BOOLEAN", json!(true), "takes FLOAT, but `BOOLEAN`"),
        ("save.metadata", "PrimitiveInt", "INT", json!(1), "takes BOOLEAN, but `INT`"),
        ("save.filename_prefix", "PrimitiveInt", "INT", json!(1), "takes STRING, but `INT`"),
        ("mix.mode", "PrimitiveInt", "INT", json!(1), "takes STRING, but `INT`"),
    ] {
        let graph = blend(&[(place, kind, output, value)], true);
        dreamwire("check", &graph).1.exits(3).says(said);
    }
    let value = ("noise.seed", "PrimitiveInt", "INT", json!(1_u64 << 63));
    let said = "`value` is 9223372036854775808, which is out of range";
    dreamwire("check", &blend(&[value], true)).1.exits(3).says(said).says("to 9223372036854775807");
}

#[test]
fn a_file_named_over_a_link_is_read_again_when_it_changes() {
    let folder = Folder::with_graph(&json!({
        "name": { "class_type": "PrimitiveString", "inputs": { "value": "photo.png" } },
        "photo": { "class_type": "LoadImage", "inputs": { "image": ["name", 0] } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["photo", 0], "filename_prefix": "it" } },
    }));
    let run = || {
        Cmd::new(&folder).args(["run", "graph.json", "--out", "out", "--cache", "cache"]).run().exits(0);
        let newest = folder.files("out").pop().expect("a picture");
        image::open(folder.join("out").join(newest)).expect("a picture").into_rgb8().dimensions()
    };
    photo(&folder.join("photo.png"), 40, 30);
    assert_eq!(run(), (40, 30));
    photo(&folder.join("photo.png"), 20, 10);
    assert_eq!(run(), (20, 10));
}
