//! Every graph of `graphs/` runs at a small size, and publishes real pictures.

use dreamwire_tests::{EXAMPLES, Folder, deviation, repository};

fn check(graph: &str) {
    let small = EXAMPLES.iter().find(|example| example.graph == graph).expect(graph);
    let folder = Folder::new();
    let outcome = small.run(&folder, "out", "cpu", &[]);
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
fn a_sheet_of_dreams() {
    check("dream_sheet.json");
}

#[test]
fn a_dream_that_one_falls_into() {
    check("zoom_dream.json");
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
    assert_eq!(found, EXAMPLES.iter().map(|example| example.graph).collect::<Vec<_>>());
}
