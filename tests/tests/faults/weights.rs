//! Weights of other formats and types, and damaged numbers.

use dreamwire_tests::safetensors::zeros;
use dreamwire_tests::{Cmd, Folder, Outcome};
use serde_json::json;

/// A folder with a weights file and a graph that takes one step with a shallow layer of it.
fn folder(content: &[u8]) -> Folder {
    let folder = Folder::with_graph(&json!({
        "noise": { "class_type": "NoiseImage", "inputs": { "width": 8, "height": 8 } },
        "vgg": { "class_type": "VGGFeatures", "inputs": { "weights": "w.bin", "layers": "relu1_1" } },
        "dream": { "class_type": "GradientAscent", "inputs": {
            "image": ["noise", 0], "objective": ["vgg", 0], "octaves": 1, "steps": 1
        } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["dream", 0] } },
    }));
    folder.write("w.bin", content);
    folder
}

fn run(folder: &Folder) -> Outcome {
    Cmd::new(folder).args(["run", "graph.json", "--out", "out"]).run()
}

#[track_caller]
fn refused(content: &[u8], said: &str) {
    let folder = folder(content);
    run(&folder).exits(5).says("node `vgg`").says("w.bin").says(said);
    assert_eq!(folder.files("."), ["graph.json", "w.bin"], "nothing is published, and nothing else appears");
}

/// Faults: C4.
#[test]
fn checkpoints_are_named_by_what_they_are_and_never_executed() {
    refused(b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0archive/data.pkl", "the file is truncated");
    refused(b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", "the file is truncated");
    // Unpickled, these two would make a file called `ran`.
    refused(b"\x80\x02cos\nsystem\n(S'touch ran'\ntR.", "the pickle asks for `os.system` at byte 2");
    refused(b"cos\nsystem\n(S'touch ran'\ntR.", "the pickle asks for `os.system` at byte 0");
    refused(b"\x08\x06\x12\x07pytorch\x1a\x051.9.0", "an ONNX file");
    refused(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a picture");
}

/// Faults: C6.
#[test]
fn a_number_type_that_is_not_read_is_named() {
    let header = br#"{"features.0.weight":{"dtype":"F16","shape":[64,3,3,3],"data_offsets":[0,3456]},"features.2.weight":{"dtype":"I16","shape":[2],"data_offsets":[3456,3460]}}"#;
    let file = [&(header.len() as u64).to_le_bytes()[..], header, &[0; 3460]].concat();
    refused(&file, "`features.2.weight` has type I16, which is not supported");
}

/// VGG16's convolutions: channels in and out, by their place among the layers.
const VGG16: [(usize, usize, usize); 13] = [
    (0, 3, 64),
    (2, 64, 64),
    (5, 64, 128),
    (7, 128, 128),
    (10, 128, 256),
    (12, 256, 256),
    (14, 256, 256),
    (17, 256, 512),
    (19, 512, 512),
    (21, 512, 512),
    (24, 512, 512),
    (26, 512, 512),
    (28, 512, 512),
];

/// Faults: C7.
#[test]
fn a_weight_that_is_not_a_number_is_told() {
    let shapes: Vec<(String, Vec<usize>)> = VGG16
        .iter()
        .flat_map(|&(layer, inputs, outputs)| {
            let name = |part: &str| format!("features.{layer}.{part}");
            [(name("weight"), vec![outputs, inputs, 3, 3]), (name("bias"), vec![outputs])]
        })
        .collect();
    let shapes: Vec<(&str, &[usize])> = shapes.iter().map(|(name, shape)| (&name[..], &shape[..])).collect();
    let mut file = zeros(&shapes);
    run(&folder(&file)).exits(0).says_not("features.28.bias");
    // The last number of the file: the step looks at the first layer only, so nothing else goes wrong.
    let last = file.len() - 4;
    file[last..].copy_from_slice(&f32::NAN.to_le_bytes());
    run(&folder(&file)).exits(0).says("NaN or infinity").says("`features.28.bias` (1 of 512)");
}
