//! Dreams in tiles: the same step as without, through a network in another plugin.

use dreamwire_tests::{Cmd, Folder, differences, photo};
use serde_json::json;

/// One step of a dream of 120x90 pixels, 8 pixels for each of the network's; `settings` configures tiles.
fn step(folder: &Folder, name: &str, settings: &[&str]) {
    let sets = settings.iter().flat_map(|setting| ["--set", setting]);
    Cmd::new(folder).args(["run", "graph.json", "--out", name]).args(sets).run().exits(0);
}

fn folder(layers: &str) -> Folder {
    let folder = Folder::with_graph(&json!({
        "photo": { "class_type": "LoadImage", "inputs": { "image": "photo.png" } },
        "vgg": { "class_type": "VGGFeatures", "inputs": { "layers": layers } },
        "dream": { "class_type": "GradientAscent", "inputs": {
            "image": ["photo", 0], "objective": ["vgg", 0], "octaves": 1, "steps": 1, "rate": 8
        } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["dream", 0], "filename_prefix": "it" } },
    }));
    photo(&folder.join("photo.png"), 120, 90);
    folder
}

/// Mean and largest difference, in levels of 255, from the step without tiles.
fn check(folder: &Folder, name: &str, settings: &[&str]) -> (f64, u8) {
    step(folder, name, settings);
    differences(&folder.join("whole/it_00001_.png"), &folder.join(&format!("{name}/it_00001_.png")))
}

/// With the objective's overlap only rounding is left: a level or two, on few values.
#[test]
fn a_step_in_tiles_is_a_step() {
    for layers in ["relu2_2", "relu3_3:1, relu1_2:0.5"] {
        let folder = folder(layers);
        step(&folder, "whole", &[]);
        for (name, tile) in [("a", "dream.tile=16"), ("b", "dream.tile=50"), ("c", "dream.tile=119")] {
            let (mean, largest) = check(&folder, name, &[tile]);
            assert!(mean < 0.05 && largest <= 2, "{layers}, {tile}: mean {mean}, largest {largest}");
        }
        // Tiles without overlap show that the picture is split at all.
        let (mean, largest) = check(&folder, "cut", &["dream.tile=16", "dream.overlap=0"]);
        assert!(mean > 0.2 && largest > 4, "{layers}: mean {mean}, largest {largest}");
    }
}

#[test]
fn what_looks_at_the_whole_picture_is_not_cut() {
    let folder = folder("relu2_2");
    let graph = json!({
        "photo": { "class_type": "LoadImage", "inputs": { "image": "photo.png" } },
        "net": { "class_type": "SqueezeNetFeatures", "inputs": { "layers": "logits" } },
        "dream": { "class_type": "GradientAscent", "inputs": {
            "image": ["photo", 0], "objective": ["net", 0], "octaves": 1, "steps": 1, "tile": 64
        } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["dream", 0] } },
    });
    folder.write("graph.json", graph.to_string());
    let outcome = Cmd::new(&folder).args(["run", "graph.json", "--out", "out"]).run();
    outcome.exits(7).says("node `dream`").says("depends on the whole picture").says("set `tile` to 0");
}
