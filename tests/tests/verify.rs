//! `dreamwire verify`: whether a picture would come out the same here, and what written files carry for it.

use dreamwire_tests::{Cmd, Folder, Outcome, photo};
use serde_json::{Value, json};

const FORMATS: [(&str, &str); 5] =
    [("png", "png"), ("jpeg", "jpg"), ("webp", "webp"), ("tiff", "tiff"), ("exr", "exr")];

/// A photograph and noise, mixed and saved.
fn graph(format: &str) -> Value {
    json!({
        "photo": { "class_type": "LoadImage", "inputs": { "image": "photo.png" } },
        "noise": { "class_type": "NoiseImage", "inputs": { "width": 16, "height": 16, "seed": 3 } },
        "mix": { "class_type": "Blend", "inputs": { "image1": ["photo", 0], "image2": ["noise", 0] } },
        "save": { "class_type": "SaveImage",
            "inputs": { "images": ["mix", 0], "filename_prefix": "it", "format": format } },
    })
}

/// A folder with a picture that was saved there: its name.
fn saved(format: &str, extension: &str) -> (Folder, String) {
    let folder = Folder::with_graph(&graph(format));
    photo(&folder.join("photo.png"), 16, 16);
    Cmd::new(&folder).args(["run", "graph.json"]).run().exits(0);
    (folder, format!("out/it_00001_.{extension}"))
}

fn verify(folder: &Folder, arguments: &[&str]) -> Outcome {
    Cmd::new(folder).args(["verify", "--in", "."]).args(arguments).run()
}

fn as_json(outcome: &Outcome) -> Value {
    serde_json::from_str(&outcome.stdout).expect("JSON")
}

fn has(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// A PNG without its chunk of text of that name.
fn without_text(png: &[u8], name: &str) -> Vec<u8> {
    let (mut rest, mut out) = (&png[8..], png[..8].to_vec());
    while !rest.is_empty() {
        let length = u32::from_be_bytes(rest[..4].try_into().expect("four bytes")) as usize;
        let (chunk, after) = rest.split_at(length + 12);
        if !chunk[4..].starts_with(format!("tEXt{name}\0").as_bytes()) {
            out.extend(chunk);
        }
        rest = after;
    }
    out
}

/// Faults: D13, F8.
#[test]
fn a_picture_of_any_format_that_nothing_was_changed_for_would_come_out_the_same() {
    for (format, extension) in FORMATS {
        let (folder, picture) = saved(format, extension);
        verify(&folder, &[&picture]).exits(0).says("this host would make the same picture");
        let again = verify(&folder, &[&picture, "--run"]);
        again.exits(0).says("made again, it is the same picture");
        assert_eq!(folder.files("out").len(), 1, "nothing else is published");
        let found = as_json(verify(&folder, &[&picture, "--json"]).exits(0));
        assert_eq!(
            (&found["same"], &found["intact"], &found["differences"]),
            (&json!(true), &json!(true), &json!([]))
        );
        let text = found["record"].to_string();
        assert!(!text.contains(folder.path().to_str().expect("text")), "it names a path: {text}");
    }
}

/// Faults: D13.
#[test]
fn an_input_that_changed_is_named() {
    let (folder, picture) = saved("png", "png");
    photo(&folder.join("photo.png"), 24, 24);
    let outcome = verify(&folder, &[&picture]);
    outcome.exits(5).says("the file of `photo.image`, `photo.png`, has other content");
    let found = as_json(verify(&folder, &[&picture, "--json"]).exits(5));
    assert_eq!((&found["same"], &found["exit"]), (&json!(false), &json!(5)));
    assert_eq!(found["differences"][0]["input"], "photo.image");
    verify(&folder, &[&picture, "--run"]).exits(5).says("made again, it is another picture");
    std::fs::remove_file(folder.join("photo.png")).expect("it is there");
    verify(&folder, &[&picture]).exits(5).says("`photo` (LoadImage)");
}

#[test]
fn another_mode_is_named_and_running_shows_whether_it_matters() {
    let (folder, picture) = saved("png", "png");
    let limited = |arguments: &[&str]| {
        let command = Cmd::new(&folder).args(["verify", &picture, "--in", "."]).args(arguments);
        command.env("DREAMWIRE_SIMD", "portable").run()
    };
    limited(&[]).exits(4).says("computed on cpu (").says("limited to portable");
    limited(&["--run"]).exits(0).says("made again, it is the same picture").says("limited to portable");
}

#[test]
fn a_picture_that_was_painted_over_is_not_what_was_saved() {
    let (folder, picture) = saved("png", "png");
    let bytes = folder.read(&picture);
    let other = {
        let other = Folder::with_graph(&graph("png"));
        photo(&other.join("photo.png"), 16, 16);
        Cmd::new(&other).args(["run", "graph.json", "--set", "noise.seed=4"]).run().exits(0);
        other.read("out/it_00001_.png")
    };
    // The texts of one, the pixels of the other, as a program leaves it that keeps texts.
    let pixels = |png: &[u8]| png.windows(4).position(|window| window == b"IDAT").expect("pixels") - 4;
    let painted = [&bytes[..pixels(&bytes)], &other[pixels(&other)..]].concat();
    folder.write("out/painted.png", painted);
    verify(&folder, &["out/painted.png"]).exits(5).says("the file was changed since it was saved");
    let again = verify(&folder, &["out/painted.png", "--run"]);
    again.exits(5).says("made again, it is the picture that was saved");
}

#[test]
fn a_picture_that_does_not_say_what_it_was_made_of_can_be_made_again() {
    let (folder, picture) = saved("png", "png");
    folder.write("out/older.png", without_text(&folder.read(&picture), "dreamwire"));
    verify(&folder, &["out/older.png"]).exits(3).says("it does not say what it was made of");
    let found = as_json(verify(&folder, &["out/older.png", "--json"]).exits(3));
    assert_eq!((&found["same"], &found["record"]), (&Value::Null, &Value::Null));
    verify(&folder, &["out/older.png", "--run"]).exits(0).says("made again, it is the same picture");
    folder.write("out/bare.png", without_text(&folder.read("out/older.png"), "prompt"));
    verify(&folder, &["out/bare.png"]).exits(3).says("is a picture without a graph");
    verify(&folder, &["graph.json"]).exits(5).says("it is no PNG, JPEG, WebP, TIFF or OpenEXR");
    verify(&folder, &["none.png"]).exits(5).says("cannot read `none.png`");
}

/// Faults: E15.
#[test]
fn without_metadata_no_format_carries_anything() {
    for (format, extension) in FORMATS {
        let (folder, picture) = saved(format, extension);
        let whole = folder.read(&picture);
        assert!(has(&whole, "prompt") && has(&whole, "dreamwire"), "{format}");
        let bare = |more: &[&str]| {
            let command = ["run", "graph.json", "--no-metadata", "--out", "bare", "--cache", "cache"];
            Cmd::new(&folder).args(command).args(more).run().exits(0);
            folder.read(&format!("bare/it_00001_.{extension}"))
        };
        let first = bare(&[]);
        for text in ["prompt", "dreamwire", "LoadImage"] {
            assert!(!has(&first, text), "{format} has `{text}`");
        }
        // What is cached with the graph is not published without, nor the other way round.
        Cmd::new(&folder).args(["run", "graph.json", "--out", "with", "--cache", "cache"]).run().exits(0);
        assert!(folder.read(&format!("with/it_00001_.{extension}")) == whole, "{format}");
        assert!(bare(&["--isolate"]) == first && folder.files("bare").len() == 1, "{format}");
    }
}
