//! Every graph of `graphs/` runs at a small size, and publishes real pictures.

use dreamwire_tests::{Cmd, Folder, deviation, repository};

/// An example at a small size.
struct Small {
    graph: &'static str,
    sets: &'static [&'static str],
    /// The longest side of every picture that it publishes.
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
        ],
        longest: 64,
    },
    Small { graph: "latent_ascent.json", sets: &["net.weights=random:1:32", "climb.steps=2"], longest: 32 },
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
    Small { graph: "stylegan_mix.json", sets: &["net.weights=random:1:32"], longest: 32 },
    Small { graph: "stylegan_sample.json", sets: &["net.weights=random:1:32"], longest: 32 },
    Small {
        graph: "stylegan_then_dream.json",
        sets: &["net.weights=random:1:32", "dream.octaves=2", "dream.steps=2"],
        longest: 32,
    },
];

fn check(small: &Small) {
    let folder = Folder::new();
    let graph = repository().join("graphs").join(small.graph);
    let sets = small.sets.iter().flat_map(|set| ["--set", set]);
    let outcome = Cmd::new(&folder).args(["run"]).args([graph]).args(["--out", "out"]).args(sets).run();
    outcome.exits(0);
    let published = folder.files("out");
    assert!(!published.is_empty(), "{} published nothing", small.graph);
    // Latents are no pictures.
    for name in published.into_iter().filter(|name| !name.ends_with(".npz")) {
        let ((width, height), deviation) = deviation(&folder.join("out").join(&name));
        assert_eq!(width.max(height), small.longest, "{}: {name} is {width}x{height}", small.graph);
        assert!(deviation > 0.02, "{}: {name} is flat ({deviation})", small.graph);
    }
}

#[test]
fn an_export_of_comfyui() {
    check(&GRAPHS[0]);
}

#[test]
fn a_dream() {
    check(&GRAPHS[1]);
}

#[test]
fn a_dream_from_noise() {
    check(&GRAPHS[2]);
}

#[test]
fn a_dream_and_then_its_style() {
    check(&GRAPHS[3]);
}

#[test]
fn a_climb_of_a_latent() {
    check(&GRAPHS[4]);
}

#[test]
fn a_dream_around_a_face() {
    check(&GRAPHS[5]);
}

#[test]
fn noise_that_comes_to_look_like_a_photograph() {
    check(&GRAPHS[6]);
}

#[test]
fn two_networks_in_one() {
    check(&GRAPHS[8]);
}

#[test]
fn faces_that_are_chosen_and_kept() {
    check(&GRAPHS[9]);
}

#[test]
fn directions_of_a_network() {
    check(&GRAPHS[10]);
}

#[test]
fn faces_that_were_kept() {
    check(&GRAPHS[11]);
}

#[test]
fn a_mix_of_styles() {
    check(&GRAPHS[12]);
}

#[test]
fn a_sample_of_a_generator() {
    check(&GRAPHS[13]);
}

#[test]
fn a_generated_picture_and_then_its_dream() {
    check(&GRAPHS[14]);
}

#[test]
fn a_style_without_a_decoder() {
    check(&GRAPHS[7]);
}

#[test]
fn every_example_is_run_here() {
    let entries = std::fs::read_dir(repository().join("graphs")).expect("the graphs are there");
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut found: Vec<String> = names.filter(|n| n.ends_with(".json") && n != "schema.json").collect();
    found.sort();
    assert_eq!(found, GRAPHS.iter().map(|small| small.graph).collect::<Vec<_>>());
}
