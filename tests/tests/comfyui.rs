//! Kinds with ComfyUI's names: each takes the inputs that its documentation names, as the editor exports them, and
//! gives the values that it describes.

#[path = "comfyui/cases.rs"]
mod cases;

use cases::{BLACK, Case, Gives, WHITE, batches, between, colour, from_nothing, geometry, masks, picture};
use dreamwire_loader::KNOWN;
use dreamwire_tests::{Cmd, Folder, Outcome, repository};
use image::{Rgba, RgbaImage};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The classes of ComfyUI that run here.
const CLASSES: &[&str] = &[
    "LoadImage",
    "LoadImageMask",
    "SaveImage",
    "PreviewImage",
    "ImageScale",
    "ImageScaleBy",
    "ImageInvert",
    "ImageBlend",
    "ImageBlur",
    "ImageSharpen",
    "ImageCrop",
    "ImagePadForOutpaint",
    "ImageBatch",
    "RepeatImageBatch",
    "ImageFromBatch",
    "EmptyImage",
    "InvertMask",
    "SolidMask",
    "MaskComposite",
    "FeatherMask",
    "GrowMask",
    "CropMask",
    "MaskToImage",
    "ImageToMask",
    "ImageColorToMask",
    "ImageCompositeMasked",
    "JoinImageWithAlpha",
    "SplitImageWithAlpha",
];

/// What the cases take their inputs from. Pictures and masks are 8x6 where nothing else is said.
fn sources() -> Value {
    json!({
        // Without alpha.
        "1": { "class_type": "LoadImage", "inputs": { "image": "picture.png", "upload": "image" } },
        // 0 in the left half, 1 in the right.
        "2": { "class_type": "LoadImageMask", "inputs": { "image": "half.png", "channel": "alpha", "upload": "image" } },
        "3": { "class_type": "EmptyImage", "inputs": { "width": 8, "height": 6, "batch_size": 1, "color": 16744448 } },
        "4": { "class_type": "SolidMask", "inputs": { "value": 1.0, "width": 4, "height": 2 } },
        "5": { "class_type": "SolidMask", "inputs": { "value": 1.0, "width": 8, "height": 6 } },
        // 1 at (3,2).
        "6": { "class_type": "LoadImageMask", "inputs": { "image": "dot.png", "channel": "red", "upload": "image" } },
        // 4x2.
        "7": { "class_type": "EmptyImage", "inputs": { "width": 4, "height": 2, "batch_size": 1, "color": 16744448 } },
        "10": { "class_type": "EmptyImage", "inputs": { "width": 6, "height": 6, "batch_size": 1, "color": 0 } },
        "11": { "class_type": "EmptyImage", "inputs": { "width": 16, "height": 12, "batch_size": 1, "color": 0 } },
        "8": { "class_type": "ImageBatch", "inputs": { "image1": ["1", 0], "image2": ["3", 0] } },
        // Transparent in the right half.
        "9": { "class_type": "JoinImageWithAlpha", "inputs": { "image": ["1", 0], "alpha": ["2", 0] } },
    })
}

fn write_pictures(folder: &Folder) {
    let save = |name: &str, picture: RgbaImage| {
        picture.save(folder.join(name)).expect("the picture is written");
    };
    let opaque = image::RgbImage::from_fn(8, 6, |x, y| {
        let [red, green, blue, _] = picture(x, y);
        image::Rgb([red, green, blue])
    });
    opaque.save(folder.join("picture.png")).expect("the picture is written");
    save("half.png", RgbaImage::from_fn(8, 6, |x, _| Rgba([50, 60, 70, if x < 4 { 255 } else { 0 }])));
    save("dot.png", RgbaImage::from_fn(8, 6, |x, y| Rgba(if (x, y) == (3, 2) { WHITE } else { BLACK })));
}

fn run(graph: &Value) -> (Folder, Outcome) {
    let folder = Folder::with_graph(graph);
    write_pictures(&folder);
    let outcome = Cmd::new(&folder).args(["run", "graph.json", "--out", "out"]).run();
    (folder, outcome)
}

#[track_caller]
fn check(case: &Case) {
    let (class, inputs) = (case.class, &case.inputs);
    let mut graph = sources();
    graph["20"] = json!({ "inputs": inputs, "class_type": class, "_meta": { "title": class } });
    let (output, gives) = case.output;
    let mut shown = json!(["20", output]);
    if gives == Gives::Mask {
        graph["21"] =
            json!({ "inputs": { "mask": shown }, "class_type": "MaskToImage", "_meta": { "title": "Mask" } });
        shown = json!(["21", 0]);
    }
    graph["22"] =
        json!({ "inputs": { "filename_prefix": "it", "images": shown }, "class_type": "SaveImage" });
    let (folder, outcome) = run(&graph);
    assert_eq!(outcome.code, Some(0), "{class} {inputs}\n{}", outcome.stderr);

    let (count, width, height) = case.size;
    let names: Vec<String> = (1..=count).map(|number| format!("it_{number:05}_.png")).collect();
    assert_eq!(folder.files("out"), names, "{class} {inputs}");
    let last = image::open(folder.join("out").join(&names[count - 1])).expect("a picture").into_rgba8();
    assert_eq!(last.dimensions(), (width, height), "{class} {inputs}");
    for ((x, y), wanted) in &case.pixels {
        let found = last.get_pixel(*x, *y).0;
        let near = found.iter().zip(wanted).all(|(found, wanted)| found.abs_diff(*wanted) <= 1);
        assert!(near, "{class} {inputs}: {found:?} for {wanted:?} at ({x}, {y})");
    }
}

fn check_all(cases: Vec<Case>) {
    assert!(!cases.is_empty());
    cases.iter().for_each(check);
}

#[test]
fn pictures_and_masks_from_nothing() {
    check_all(from_nothing());
}

#[test]
fn sizes_crops_and_borders() {
    check_all(geometry());
}

#[test]
fn colours_and_filters() {
    check_all(colour());
}

#[test]
fn batches_of_pictures() {
    check_all(batches());
}

#[test]
fn masks_of_masks() {
    check_all(masks());
}

#[test]
fn masks_and_pictures() {
    check_all(between());
}

#[test]
fn saving_and_showing() {
    let mut graph = sources();
    graph["20"] = json!({
        "inputs": { "filename_prefix": "ComfyUI", "images": ["8", 0] },
        "class_type": "SaveImage", "_meta": { "title": "Save Image" },
    });
    graph["21"] = json!({
        "inputs": { "images": ["1", 0] }, "class_type": "PreviewImage", "_meta": { "title": "Preview Image" },
    });
    let (folder, outcome) = run(&graph);
    outcome.exits(0);
    let files = folder.files("out");
    assert_eq!(files[..2], ["ComfyUI_00001_.png", "ComfyUI_00002_.png"]);
    assert!(files.len() == 3 && files[2].starts_with("preview/"), "{files:?}");
    let first = image::open(folder.join("out/ComfyUI_00001_.png")).expect("a picture").into_rgba8();
    assert_eq!(first.get_pixel(3, 2).0, picture(3, 2));
}

#[test]
fn every_class_is_tried_and_is_a_kind_of_ours() {
    let cases = [from_nothing(), geometry(), colour(), batches(), masks(), between()];
    let mut tried: BTreeSet<&str> = cases.iter().flatten().map(|case| case.class).collect();
    tried.extend(["SaveImage", "PreviewImage"]);
    assert_eq!(tried, CLASSES.iter().copied().collect());
    for class in CLASSES {
        assert!(KNOWN.iter().any(|(kind, _)| kind == class), "{class} is no kind of ours");
    }
}

/// The export in `graphs/` is as the editor writes it, and nothing about it is remarked on.
#[test]
fn the_export_runs_as_it_is() {
    let export = repository().join("graphs/comfyui_export.json");
    let text = std::fs::read_to_string(&export).expect("it is there");
    let graph: serde_json::Map<String, Value> = serde_json::from_str(&text).expect("strict JSON");
    let classes: BTreeSet<&str> =
        graph.values().map(|node| node["class_type"].as_str().expect("a class")).collect();
    assert!(classes.len() >= 12 && classes.iter().all(|class| CLASSES.contains(class)), "{classes:?}");

    let folder = Folder::new();
    let check = Cmd::new(&folder).args(["check"]).args([&export]).run();
    check.exits(0).says_not("warning").says_not("ignored");
    Cmd::new(&folder).args(["run"]).args([&export]).args(["--out", "out"]).run().exits(0);
    let saved = image::open(folder.join("out/comfyui/framed_00001_.png")).expect("a picture").into_rgb8();
    assert_eq!(saved.dimensions(), (672, 480));
    // The frame is gold, and grew by 3 pixels over the picture.
    let gold = image::Rgb([0xd9, 0xb2, 0x6a]);
    for (x, y) in [(0, 0), (671, 479), (18, 240), (300, 18), (653, 240)] {
        assert_eq!(*saved.get_pixel(x, y), gold, "({x}, {y})");
    }
    assert_ne!(*saved.get_pixel(19, 240), gold);
    // The thumbnails at the bottom are negatives of each other.
    for (x, y) in [(0, 0), (60, 40), (119, 79)] {
        let (left, right) = (saved.get_pixel(36 + x, 364 + y).0, saved.get_pixel(516 + x, 364 + y).0);
        let sums = left.iter().zip(right).map(|(a, b)| u32::from(*a) + u32::from(b));
        assert!(sums.into_iter().all(|sum| (254..=256).contains(&sum)), "{left:?} and {right:?}");
    }
}
