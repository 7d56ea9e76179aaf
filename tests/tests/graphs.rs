//! Every graph of `graphs/` runs at a small size, and publishes real pictures.

use dreamwire_tests::{Cmd, Folder, deviation, repository};

/// An example at a small size.
struct Small {
    graph: &'static str,
    sets: &'static [&'static str],
    /// The longest side of the largest picture that it publishes.
    longest: u32,
}

/// Every example; a missing one fails a test.
const GRAPHS: &[Small] = &[
    // As ComfyUI exports it, without a param to make it smaller.
    Small { graph: "comfyui_export.json", sets: &[], longest: 672 },
    Small {
        graph: "dream.json",
        sets: &["size.width=64", "size.height=0", "dream.octaves=2", "dream.steps=2"],
        longest: 64,
    },
    Small {
        graph: "dream_from_noise.json",
        sets: &["noise.width=64", "noise.height=64", "dream.octaves=2", "dream.steps=2"],
        longest: 64,
    },
    Small {
        graph: "dream_then_style.json",
        sets: &[
            "size.width=64",
            "size.height=0",
            "painting_size.width=64",
            "painting_size.height=0",
            "dream.octaves=2",
            "dream.steps=2",
            "style.refine=2",
        ],
        longest: 64,
    },
    Small {
        graph: "face_dream_paint.json",
        sets: &[
            "face.width=64",
            "painting_size.width=64",
            "dream.octaves=2",
            "dream.steps=2",
            "style.refine=2",
        ],
        longest: 64,
    },
    Small { graph: "latent_ascent.json", sets: &["climb.steps=2"], longest: 256 },
    Small {
        graph: "masked_dream.json",
        sets: &["size.width=64", "size.height=0", "dream.octaves=2", "dream.steps=2"],
        longest: 64,
    },
    Small {
        graph: "perceptual_match.json",
        sets: &["target.width=48", "target.height=32", "noise.width=48", "noise.height=32", "match.steps=3"],
        longest: 48,
    },
    Small {
        graph: "style_by_descent.json",
        sets: &["photo_size.width=64", "photo_size.height=0", "painting_size.width=64", "style.steps=3"],
        longest: 64,
    },
    // Two pictures of 16 px.
    Small {
        graph: "stylegan3_rotation.json",
        sets: &[
            "net.weights=random:3:16:stylegan3-r",
            "turn.count=2",
            "large.width=16",
            "strip.columns=2",
            "strip.gap=0",
        ],
        longest: 32,
    },
    Small {
        graph: "stylegan_blend.json",
        sets: &[
            "net.coarse=random:1:16",
            "net.fine=random:2:16",
            "net.from_resolution=8",
            "z.seeds=0",
            "sheet.columns=1",
            "sheet.gap=0",
        ],
        longest: 16,
    },
    Small {
        graph: "stylegan_choose.json",
        sets: &["z_many.seeds=0-3", "some.items=1,3", "z_others.seeds=9", "large.width=16", "sheet.gap=0"],
        longest: 48,
    },
    Small {
        graph: "stylegan_directions.json",
        sets: &["move.directions=0-1", "move.steps=3", "large.width=16", "sheet.columns=3", "sheet.gap=0"],
        longest: 48,
    },
    Small { graph: "stylegan_load.json", sets: &["large.width=16", "sheet.gap=0"], longest: 48 },
    // Three rows of four pictures of 160 px, 4 px apart.
    Small { graph: "stylegan_mix.json", sets: &[], longest: 660 },
    Small {
        graph: "stylegan_project.json",
        sets: &[
            "vgg.layers=relu1_2,relu2_2",
            "in_w.steps=3",
            "in_w.samples=300",
            "in_w_plus.steps=2",
            "in_w_plus.samples=300",
            "typical.samples=300",
            "large.width=64",
            "sheet.gap=0",
        ],
        longest: 192,
    },
    Small { graph: "stylegan_sample.json", sets: &["z.seeds=0-3", "large.width=64"], longest: 276 },
    Small {
        graph: "stylegan_then_dream.json",
        sets: &["picture.width=64", "dream.octaves=2", "dream.steps=2"],
        longest: 64,
    },
    Small { graph: "stylegan_truncation.json", sets: &["large.width=16", "sheet.gap=0"], longest: 160 },
    Small { graph: "stylegan_walk.json", sets: &["walk.frames=1"], longest: 786 },
];

fn check(graph: &str) {
    let small = GRAPHS.iter().find(|small| small.graph == graph).expect(graph);
    let folder = Folder::new();
    let graph = repository().join("graphs").join(small.graph);
    let sets = small.sets.iter().flat_map(|set| ["--set", set]);
    let outcome = Cmd::new(&folder).args(["run"]).args([graph]).args(["--out", "out"]).args(sets).run();
    outcome.exits(0);
    let published = folder.files("out");
    assert!(!published.is_empty(), "{} published nothing", small.graph);
    let mut longest = 0;
    // Latents are no pictures.
    for name in published.into_iter().filter(|name| !name.ends_with(".npz")) {
        let ((width, height), deviation) = deviation(&folder.join("out").join(&name));
        longest = longest.max(width).max(height);
        assert!(deviation > 0.02, "{}: {name} is flat ({deviation})", small.graph);
    }
    assert_eq!(longest, small.longest, "{}", small.graph);
}

#[test]
fn an_export_of_comfyui() {
    check("comfyui_export.json");
}

#[test]
fn a_dream() {
    check("dream.json");
}

#[test]
fn a_dream_from_noise() {
    check("dream_from_noise.json");
}

#[test]
fn a_dream_and_then_its_style() {
    check("dream_then_style.json");
}

#[test]
fn a_climb_of_a_latent() {
    check("latent_ascent.json");
}

#[test]
fn a_dream_around_a_face() {
    check("masked_dream.json");
}

#[test]
fn noise_that_comes_to_look_like_a_photograph() {
    check("perceptual_match.json");
}

#[test]
fn a_turn_of_a_stylegan3() {
    check("stylegan3_rotation.json");
}

#[test]
fn two_networks_in_one() {
    check("stylegan_blend.json");
}

#[test]
fn faces_that_are_chosen_and_kept() {
    check("stylegan_choose.json");
}

#[test]
fn directions_of_a_network() {
    check("stylegan_directions.json");
}

#[test]
fn faces_that_were_kept() {
    check("stylegan_load.json");
}

#[test]
fn a_mix_of_styles() {
    check("stylegan_mix.json");
}

#[test]
fn the_latent_of_a_picture() {
    check("stylegan_project.json");
}

#[test]
fn a_sample_of_a_generator() {
    check("stylegan_sample.json");
}

#[test]
fn a_generated_picture_and_then_its_dream() {
    check("stylegan_then_dream.json");
}

#[test]
fn a_style_without_a_decoder() {
    check("style_by_descent.json");
}

#[test]
fn a_sweep_of_truncations() {
    check("stylegan_truncation.json");
}

#[test]
fn a_walk_through_faces() {
    check("stylegan_walk.json");
}

#[test]
fn a_face_that_is_dreamt_upon_and_painted() {
    check("face_dream_paint.json");
}

#[test]
fn every_example_is_run_here() {
    let entries = std::fs::read_dir(repository().join("graphs")).expect("the graphs are there");
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut found: Vec<String> = names.filter(|n| n.ends_with(".json") && n != "schema.json").collect();
    found.sort();
    assert_eq!(found, GRAPHS.iter().map(|small| small.graph).collect::<Vec<_>>());
}
