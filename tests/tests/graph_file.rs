//! Graph files that cannot be read, or must not be.

use dreamwire_tests::{Cmd, Folder, Outcome, photo};
use serde_json::json;

/// The output of `dreamwire run` for a path.
fn run(folder: &Folder, path: &str) -> Outcome {
    Cmd::new(folder).args(["run", path, "--out", "out"]).run()
}

/// The output for a file with this content.
fn check(content: &[u8], code: i32, said: &str) {
    let folder = Folder::new();
    folder.write("graph.json", content);
    run(&folder, "graph.json").exits(code).says(said).says("graph.json");
    assert!(folder.files("out").is_empty(), "nothing is published");
}

/// Faults: A1.
#[test]
fn a_file_that_is_not_there_is_named() {
    run(&Folder::new(), "no-such.json").exits(3).says("no-such.json").says("No such file");
}

/// Faults: A1.
#[test]
fn a_folder_is_not_a_graph() {
    let folder = Folder::new();
    std::fs::create_dir(folder.join("graph.json")).expect("made");
    run(&folder, "graph.json").exits(3).says("graph.json").says("folder");
}

/// Faults: A1.
#[cfg(unix)]
#[test]
fn a_file_without_permission_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let path = folder.write("graph.json", "{}");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).expect("changed");
    // Nothing is forbidden to root.
    if std::fs::read(&path).is_err() {
        run(&folder, "graph.json").exits(3).says("graph.json").says("Permission denied");
    }
}

/// Faults: A2.
#[test]
fn an_empty_file_is_said_to_be_empty() {
    for content in ["", " \n\t\r\n", "// a graph will be here\n", "\u{feff}"] {
        check(content.as_bytes(), 3, "graph file is empty");
    }
}

/// Faults: A6.
#[test]
fn bytes_that_are_not_utf8_are_placed() {
    check(b"{\n  \"save\": \"\xff\" }", 3, "not UTF-8 at byte 13, line 2");
    check(b"\xff\xfe{\0}\0", 3, "UTF-16");
}

/// Faults: A6.
#[test]
fn nul_and_half_a_surrogate_pair_are_refused() {
    check(br#"{ "save\u0000": {} }"#, 3, "a text cannot contain a NUL");
    check(br#"{ "save\ud800": {} }"#, 3, "half of a surrogate pair");
}

/// Faults: A4.
#[test]
fn half_a_file_is_an_error_with_a_place() {
    check(b"{\n  \"save\": {\n    \"class_type\": ", 3, "graph.json:3");
}

/// Faults: A7.
#[test]
fn a_depth_bomb_is_refused() {
    check(&b"[".repeat(5_000_000), 3, "nesting deeper than 512");
    check(&b"{\"a\":".repeat(1_000_000), 3, "nesting deeper than 512");
}

/// Faults: A8.
#[test]
fn a_file_over_the_limit_is_refused_unread() {
    let folder = Folder::new();
    let file = std::fs::File::create(folder.join("graph.json")).expect("made");
    // A sparse file: it takes no disk space.
    file.set_len(100 << 20).expect("grown");
    run(&folder, "graph.json").exits(8).says("graph file has 104857600 bytes, the limit is 16 MiB");
}

/// Faults: A8.
#[test]
fn a_graph_with_too_many_nodes_is_refused() {
    let nodes: Vec<String> = (0..100_001).map(|index| format!("\"{index}\":{{}}")).collect();
    check(format!("{{{}}}", nodes.join(",")).as_bytes(), 8, "graph has 100001 nodes, the limit is 100000");
}

/// A folder with a picture that SaveImage wrote, and its name.
fn with_saved(metadata: bool) -> (Folder, String) {
    let folder = Folder::with_graph(&json!({
        "noise": { "class_type": "NoiseImage", "inputs": { "width": 8, "height": 8, "seed": 3 } },
        "save": { "class_type": "SaveImage",
            "inputs": { "images": ["noise", 0], "filename_prefix": "it", "metadata": metadata } },
    }));
    run(&folder, "graph.json").exits(0);
    (folder, "out/it_00001_.png".to_owned())
}

#[test]
fn a_saved_picture_is_a_graph() {
    let (folder, picture) = with_saved(true);
    let first = folder.read(&picture);
    for command in ["check", "describe"] {
        Cmd::new(&folder).args([command, &picture]).run().exits(0);
    }
    Cmd::new(&folder).args(["run", &picture, "--out", "again"]).run().exits(0);
    assert_eq!(folder.read("again/it_00001_.png"), first, "the same picture with the same graph");
    let set = ["run", &picture, "--out", "other", "--set", "noise.seed=4"];
    Cmd::new(&folder).args(set).run().exits(0);
    assert_ne!(folder.read("other/it_00001_.png"), first);
}

#[test]
fn a_saved_picture_of_any_format_is_a_graph() {
    for (format, extension) in [("jpeg", "jpg"), ("webp", "webp"), ("tiff", "tiff"), ("exr", "exr")] {
        let folder = Folder::with_graph(&json!({
            "noise": { "class_type": "NoiseImage", "_meta": { "title": "grün" },
                "inputs": { "width": 8, "height": 8, "seed": 3 } },
            "save": { "class_type": "SaveImage",
                "inputs": { "images": ["noise", 0], "filename_prefix": "it", "format": format } },
        }));
        run(&folder, "graph.json").exits(0);
        let picture = format!("out/it_00001_.{extension}");
        Cmd::new(&folder).args(["run", &picture, "--out", "again"]).run().exits(0);
        let again = folder.read(&format!("again/it_00001_.{extension}"));
        assert!(again == folder.read(&picture), "{format}: the same picture with the same graph");
    }
}

#[test]
fn problems_in_a_pictures_graph_have_their_places_in_its_text() {
    let (folder, picture) = with_saved(true);
    let set = ["run", &picture, "--out", "again", "--set", "noise.sed=4"];
    Cmd::new(&folder).args(set).run().exits(2).says("did you mean `seed`");
    let mut bytes = folder.read(&picture);
    let at = bytes.windows(10).position(|part| part == b"NoiseImage").expect("the graph is there");
    bytes[at] = b'M';
    folder.write("changed.png", bytes);
    run(&folder, "changed.png").exits(3).says("the graph in the picture `changed.png` is damaged");
}

#[test]
fn a_picture_without_a_graph_says_so() {
    let (folder, picture) = with_saved(false);
    run(&folder, &picture).exits(3).says("is a picture without a graph");
    photo(&folder.join("photo.png"), 8, 8);
    run(&folder, "photo.png").exits(3).says("`photo.png` is a picture without a graph");
}

#[test]
fn files_that_are_not_text_are_named() {
    check(b"GIF89a\x08\0\x08\0\0\0\0", 3, "this is a GIF picture, not a graph");
    check(b"PK\x03\x04\x14\0\0\0", 3, "this is a ZIP archive");
    check(b"\x02\0\0\0\0\0\0\0{}", 3, "this is a safetensors file, not a graph");
}

/// What ComfyUI writes beside the graph is ignored, with one note.
#[test]
fn what_only_comfyui_needs_is_ignored() {
    let nodes = r#"{ "20": { "class_type": "NoiseImage", "is_changed": [NaN], "inputs": { "width": 8, "height": 8,
        "seed": 1, "control_after_generate": "randomize", "choose file to upload": "image" } },
        "9": { "class_type": "SaveImage", "inputs": { "images": ["20", 0] } } }"#;
    for text in
        [nodes.to_owned(), format!(r#"{{ "client_id": "c", "prompt": {nodes}, "extra_data": {{}} }}"#)]
    {
        let folder = Folder::new();
        folder.write("graph.json", &text);
        run(&folder, "graph.json")
            .exits(0)
            .says("`is_changed`, `control_after_generate`, `choose file to upload`");
        assert_eq!(folder.files("out").len(), 1, "{text}");
    }
    let slip = nodes.replace("control_after_generate", "control_after");
    check(slip.as_bytes(), 3, "`NoiseImage` has no input `control_after`");
}
