//! Plugins that work: found beside the program, written in C, copied from the template; and what is missing
//! without them.

use dreamwire_loader::KNOWN;
use dreamwire_tests::{Cmd, Folder, built, c_plugin, c_plugin_of_minor_0, stage};
use image::Rgb;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

/// Every library of ours: `dreamwire_vgg`.
fn libraries() -> BTreeSet<&'static str> {
    KNOWN.iter().map(|(_, library)| *library).collect()
}

/// `dreamwire nodes` of a staged program, and the folder that it searched.
fn listed(plugins: &[&str]) -> String {
    let (folder, program) = stage(plugins);
    let outcome = Cmd::of(&program, folder.path()).args(["nodes", "--json"]).run();
    outcome.exits(0);
    outcome.stdout
}

fn lists(listing: &str, kind: &str) -> bool {
    listing.contains(&format!("\"{kind}\""))
}

#[test]
fn without_a_library_exactly_its_kinds_are_unknown() {
    for missing in libraries() {
        let others: Vec<&str> = libraries().into_iter().filter(|library| *library != missing).collect();
        let listing = listed(&others);
        for (kind, library) in KNOWN {
            assert_eq!(lists(&listing, kind), *library != missing, "{kind} without {missing}:\n{listing}");
        }
    }
}

/// Faults: A12.
#[test]
fn an_unknown_kind_of_ours_names_its_library_and_the_folders_that_were_searched() {
    for missing in libraries() {
        let others: Vec<&str> = libraries().into_iter().filter(|library| *library != missing).collect();
        let (folder, program) = stage(&others);
        let (kind, _) = KNOWN.iter().find(|(_, library)| *library == missing).expect("it has a kind");
        let graph = json!({ "it": { "class_type": kind } });
        folder.write("graph.json", graph.to_string());
        let outcome = Cmd::of(&program, folder.path()).args(["check", "graph.json"]).run();
        let searched = folder.path().canonicalize().expect("it is there");
        outcome
            .says(&format!("unknown kind `{kind}`"))
            .says(&format!("it comes with the plugin `{missing}`, which was not found"))
            .says(&format!("searched: {}", searched.display()));
        assert!(matches!(outcome.code, Some(3 | 4)), "{:?}\n{}", outcome.code, outcome.stderr);
    }
}

/// Faults: B18.
#[test]
fn plugins_are_never_taken_from_the_graphs_folder() {
    let (folder, program) = stage(&[]);
    let graph = Folder::with_graph(&json!({ "it": { "class_type": "NoiseImage" } }));
    let library = built().plugins.join(format!(
        "{}dreamwire_image{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    ));
    std::fs::copy(&library, graph.path().join(library.file_name().expect("a name"))).expect("copied");
    let outcome = Cmd::of(&program, graph.path()).args(["check", "graph.json"]).run();
    outcome.says("unknown kind `NoiseImage`");
    drop(folder);
}

/// Two by two pixels.
const PIXELS: [Rgb<u8>; 4] = [Rgb([0, 128, 255]), Rgb([10, 20, 30]), Rgb([255, 255, 255]), Rgb([1, 2, 3])];

fn write_pixels(path: &Path, pixels: &[Rgb<u8>; 4]) {
    let picture = image::RgbImage::from_fn(2, 2, |x, y| pixels[(2 * y + x) as usize]);
    picture.save(path).expect("it is saved");
}

/// Runs a graph over `a.png`, whose pixels are [`PIXELS`], and `white.png`, and checks the one picture that is saved.
fn check(graph: &Value, plugin: &Path, wanted: impl Fn(u8) -> f64) {
    let folder = Folder::with_graph(graph);
    write_pixels(&folder.join("a.png"), &PIXELS);
    write_pixels(&folder.join("white.png"), &[Rgb([255; 3]); 4]);
    let outcome =
        Cmd::new(&folder).args(["run", "graph.json", "--out", "out", "--plugins"]).args([plugin]).run();
    outcome.exits(0);
    let saved = folder.files("out");
    assert_eq!(saved, ["it_00001_.png"]);
    let picture = image::open(folder.join("out/it_00001_.png")).expect("a picture").to_rgb8();
    assert_eq!(picture.dimensions(), (2, 2));
    for (found, before) in picture.pixels().zip(&PIXELS) {
        for (found, before) in found.0.iter().zip(before.0) {
            let wanted = wanted(before);
            assert!((f64::from(*found) - wanted).abs() <= 0.51, "{before} became {found}, not {wanted}");
        }
    }
}

/// Faults: B3.
#[test]
fn a_plugin_written_in_c_turns_a_picture_into_its_negative() {
    let graph = json!({
        "a": { "class_type": "LoadImage", "inputs": { "image": "a.png" } },
        "negative": { "class_type": "Negative", "inputs": { "image": ["a", "IMAGE"] } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["negative", "IMAGE"], "filename_prefix": "it" } },
    });
    check(&graph, &c_plugin("invert"), |sample| f64::from(255 - sample));
    // Built before there was a second minor version.
    check(&graph, &c_plugin_of_minor_0("invert"), |sample| f64::from(255 - sample));
    // Named by its folder.
    check(&graph, c_plugin("invert").parent().expect("a folder"), |sample| f64::from(255 - sample));
}

#[test]
fn a_kind_judges_its_params_before_anything_runs_and_its_hint_is_a_field() {
    let graph = |grey: i64| {
        json!({
            "it": { "class_type": "Grey", "inputs": { "grey": grey } },
            "save": { "class_type": "SaveImage", "inputs": { "images": ["it", 0] } },
        })
    };
    let plugin = c_plugin("check_params");
    let run = |command: &str, grey: i64, code: i32| {
        let folder = Folder::with_graph(&graph(grey));
        let outcome = Cmd::new(&folder).args([command, "graph.json", "--plugins"]).args([&plugin]).run();
        (outcome.exits(code).stderr.clone(), folder.files("."))
    };
    for command in ["check", "run"] {
        let (told, files) = run(command, 200, 3);
        for word in ["the grey is too light", "`grey`", "hint: take 50"] {
            assert!(told.contains(word), "{word} expected in:\n{told}");
        }
        assert_eq!(files, ["graph.json"]);
        run(command, 50, 0);
    }
}

/// Faults: C11.
#[test]
fn a_device_that_the_plugins_were_not_built_for_is_told_as_such() {
    let folder = Folder::with_graph(&json!({
        "noise": { "class_type": "NoiseImage", "inputs": { "width": 8, "height": 8 } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["noise", 0] } },
    }));
    let outcome = Cmd::new(&folder).args(["run", "graph.json", "--device", "cuda"]).run();
    outcome
        .exits(4)
        .says("plugin org.dreamwire.image was not built for CUDA")
        .says("hint: use `auto` or `cpu`, or build the plugins with the cargo feature `cuda` (--device)");
    if !cfg!(target_os = "macos") {
        let outcome = Cmd::new(&folder).args(["run", "graph.json", "--device", "metal"]).run();
        outcome.exits(4).says("hint: Metal exists on macOS only: use `auto` or `cpu` (--device)");
    }
    // One cause is one error.
    let folder = Folder::with_graph(&json!({
        "noise": { "class_type": "NoiseImage", "inputs": { "width": 8, "height": 8 } },
        "aim": { "class_type": "TotalVariation", "inputs": {} },
        "dream": { "class_type": "GradientAscent", "inputs": { "image": ["noise", 0], "objective": ["aim", 0] } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["dream", 0] } },
    }));
    let outcome = Cmd::new(&folder).args(["run", "graph.json", "--device", "cuda"]).run();
    outcome
        .exits(4)
        .says("these plugins were not built for CUDA: org.dreamwire.dream, org.dreamwire.image")
        .says("1 error");
    // The device that is chosen by itself is one that works.
    Cmd::new(&folder).args(["run", "graph.json"]).run().exits(0).says_not("computing on");
}

#[test]
fn the_template_mixes_two_pictures() {
    let graph = json!({
        "a": { "class_type": "LoadImage", "inputs": { "image": "a.png" } },
        "white": { "class_type": "LoadImage", "inputs": { "image": "white.png" } },
        "mix": { "class_type": "Mix", "inputs": { "a": ["a", 0], "b": ["white", 0], "amount": 0.25 } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["mix", 0], "filename_prefix": "it" } },
    });
    check(&graph, &built().template, |sample| f64::from(sample) * 0.75 + 255.0 * 0.25);
}

#[test]
fn a_list_of_plugins_names_each_with_its_file() {
    let outcome =
        Cmd::new(&Folder::new()).args(["plugin", "list", "--plugins"]).args([c_plugin("invert")]).run();
    outcome.exits(0);
    for word in ["org.dreamwire.image", "org.example.invert", "1.0.0", "dreamwire_vgg"] {
        assert!(outcome.stdout.contains(word), "{word} expected in:\n{}", outcome.stdout);
    }
}
