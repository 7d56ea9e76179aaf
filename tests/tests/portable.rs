//! The portable operators, which run on any device, paint what the kernels paint: `DREAMWIRE_OPERATORS=portable` runs them
//! on the CPU. With `DREAMWIRE_TEST_DEVICE=cuda` (a device of `--device`, and the feature of that name) they run there.

use dreamwire_tests::{Cmd, EXAMPLES, Example, Folder, disagreement};
use serde_json::json;

const PORTABLE: (&str, &str) = ("DREAMWIRE_OPERATORS", "portable");

/// How far the pictures of an example may be apart, in levels of 255: the mean, and what all but a thousandth of the samples
/// do not exceed. docs/devices.md has this table.
///
/// Both round differently. A network alone differs in the last bits of a float, so its pictures are the same but for samples
/// half way between two levels. Each step of a dream or descent amplifies that: values near the fold of a ReLU or a tie of
/// a pool take the other side.
const TOLERANCES: &[(&str, f64, u8)] = &[
    ("comfyui_export.json", 0.0, 0),
    ("dream.json", 0.25, 4),
    ("dream_from_noise.json", 0.25, 4),
    ("dream_sheet.json", 0.25, 4),
    ("dream_then_style.json", 0.5, 8),
    ("face_dream_paint.json", 1.5, 32),
    ("latent_ascent.json", 0.25, 4),
    ("masked_dream.json", 0.25, 4),
    ("perceptual_match.json", 0.5, 8),
    ("style_by_descent.json", 0.5, 8),
    ("stylegan3_rotation.json", 0.05, 1),
    ("stylegan_blend.json", 0.05, 1),
    ("stylegan_choose.json", 0.05, 1),
    ("stylegan_directions.json", 0.05, 1),
    ("stylegan_load.json", 0.05, 1),
    ("stylegan_mix.json", 0.05, 1),
    ("stylegan_project.json", 0.5, 8),
    ("stylegan_sample.json", 0.05, 1),
    ("stylegan_then_dream.json", 0.25, 4),
    ("stylegan_truncation.json", 0.05, 1),
    ("stylegan_walk.json", 0.05, 1),
    ("zoom_dream.json", 0.25, 4),
];

fn tolerance(example: &Example) -> (f64, u8) {
    let found = TOLERANCES.iter().find(|(graph, ..)| *graph == example.graph);
    let (_, mean, most) = found.unwrap_or_else(|| panic!("{} has no tolerance", example.graph));
    (*mean, *most)
}

#[test]
fn pictures_are_those_of_the_kernels() {
    let device = std::env::var("DREAMWIRE_TEST_DEVICE").ok();
    let mut too_far = Vec::new();
    for example in EXAMPLES {
        let folder = Folder::new();
        example.run(&folder, "kernels", "cpu", &[]).exits(0);
        match &device {
            Some(device) => example.run(&folder, "portable", device, &[]).exits(0),
            None => example.run(&folder, "portable", "cpu", &[PORTABLE]).exits(0),
        };
        let names = folder.files("kernels");
        assert_eq!(names, folder.files("portable"), "{}", example.graph);
        let (most_mean, most) = tolerance(example);
        // Latents are no pictures.
        for name in names.iter().filter(|name| !name.ends_with(".npz")) {
            let place = |out: &str| folder.join(out).join(name);
            let (mean, largest) = disagreement(&place("kernels"), &place("portable"));
            if mean > most_mean || largest > most {
                too_far.push(format!("{}: {name}: mean {mean:.4}, 99.9 % within {largest}", example.graph));
            }
        }
    }
    assert!(too_far.is_empty(), "{}", too_far.join("\n"));
}

/// Otherwise the test above compares the kernels with themselves.
#[test]
fn other_operators_round_differently() {
    let graph = json!({
        "noise": { "class_type": "NoiseImage", "inputs": { "width": 72, "height": 56, "seed": 3 } },
        "vgg": { "class_type": "VGGFeatures", "inputs": { "layers": "relu4_3" } },
        "dream": { "class_type": "GradientAscent", "inputs": {
            "image": ["noise", 0], "objective": ["vgg", 0], "octaves": 1, "steps": 6, "clamp": false
        } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["dream", 0], "bits": 16 } },
    });
    let folder = Folder::with_graph(&graph);
    let run = |variables: &[(&str, &str)]| {
        let run = Cmd::new(&folder).args(["run", "graph.json", "--device", "cpu", "--cache", "cache"]);
        variables.iter().fold(run, |run, (name, value)| run.env(name, value)).run().exits(0);
    };
    run(&[]);
    // A result of the kernels is not one of theirs, although the same cache has it.
    run(&[PORTABLE]);
    let names = folder.files("out");
    assert_eq!(names.len(), 2, "{names:?}");
    let (mean, _) = disagreement(&folder.join("out").join(&names[0]), &folder.join("out").join(&names[1]));
    assert!(mean < 1.0, "mean {mean}");
    // Nothing new for a run that repeats one of them.
    run(&[PORTABLE]);
    assert_eq!(folder.files("out"), names);
}
