//! StyleGAN2 from the outside: the reference's pictures, batches, threads, latent ascent, unusable inputs.

use dreamwire_tests::safetensors::{shapes, tensor, zeros};
use dreamwire_tests::{Cmd, Folder, Outcome, repository};
use serde_json::{Value, json};
use std::path::PathBuf;

/// The network of the golden tests: made and run by NVIDIA's code, 64 px, z and w of 64 numbers, 10 layers.
const SMALL: &str = "sg2_64_tensors.safetensors";

/// The folder with that network and its outputs.
fn references() -> PathBuf {
    repository().join("tests/ref/sg2")
}

/// From seeds to saved pictures.
fn graph(weights: &str, width: usize, seeds: &str, noise_mode: &str) -> Value {
    json!({
        "net": { "class_type": "LoadStyleGAN", "inputs": { "weights": weights } },
        "z": { "class_type": "LatentNoise", "inputs": { "seeds": seeds, "width": width } },
        "w": { "class_type": "MappingNetwork",
               "inputs": { "mapping": ["net", "MAPPING"], "z": ["z", 0], "truncation_psi": 0.7 } },
        "pictures": { "class_type": "Synthesis",
                      "inputs": { "generator": ["net", 1], "w": ["w", 0], "noise_mode": noise_mode } },
        // Files that are compared must not contain the graph.
        "save": { "class_type": "SaveImage",
                  "inputs": { "images": ["pictures", 0], "filename_prefix": "it", "metadata": false } },
    })
}

/// Runs `graph.json`, which finds the small network too.
fn run(folder: &Folder, arguments: &[&str]) -> Outcome {
    Cmd::new(folder)
        .args(["run", "graph.json", "--out", "out", "--in"])
        .args([references()])
        .args(arguments)
        .run()
}

/// The files of the pictures of a graph, in order.
#[track_caller]
fn pictures(graph: &Value, arguments: &[&str]) -> Vec<Vec<u8>> {
    let folder = Folder::with_graph(graph);
    run(&folder, arguments).exits(0);
    folder.files("out").iter().map(|name| folder.read(&format!("out/{name}"))).collect()
}

#[test]
fn a_seed_gives_the_picture_that_the_peer_gives_for_it() {
    let wanted = tensor(&references().join("sg2_64_outputs.safetensors"), "img_u8");
    let folder = Folder::with_graph(&graph(SMALL, 64, "0,1,85,265", "const"));
    run(&folder, &[]).exits(0);
    let mut found = Vec::new();
    for name in folder.files("out") {
        let picture = image::open(folder.join("out").join(&name)).expect("a picture");
        found.extend(picture.to_rgb8().into_raw());
    }
    assert_eq!(found.len(), wanted.len());
    let off = || found.iter().zip(&wanted).map(|(a, b)| a.abs_diff(*b));
    let (largest, differing) = (off().max(), off().filter(|levels| *levels > 0).count());
    // float32 sums in another order may fall on the other side of a half.
    assert!(largest <= Some(1), "off by {largest:?} levels");
    assert!(differing * 1000 <= wanted.len(), "{differing} of {} values differ", wanted.len());
}

#[track_caller]
fn check_batch(weights: &str, width: usize, noise_mode: &str) {
    let batch = pictures(&graph(weights, width, "0-7", noise_mode), &[]);
    assert_eq!(batch.len(), 8);
    for (seed, picture) in batch.iter().enumerate() {
        let single = pictures(&graph(weights, width, &seed.to_string(), noise_mode), &[]);
        assert!(single == [picture.clone()], "{weights}, noise {noise_mode}: seed {seed} differs on its own");
    }
    // Equality would mean nothing if all were one picture.
    assert!(batch[1..].iter().all(|picture| *picture != batch[0]));
}

#[test]
fn a_batch_is_the_pictures_of_its_seeds() {
    check_batch(SMALL, 64, "const");
}

#[test]
fn a_batch_with_random_noise_is_the_pictures_of_its_seeds() {
    check_batch(SMALL, 64, "random");
}

#[test]
fn a_batch_of_a_network_of_full_width_is_the_pictures_of_its_seeds() {
    check_batch("random:1:16", 512, "const");
}

#[test]
fn pictures_are_the_same_at_any_number_of_threads() {
    let graph = graph("random:1:32", 512, "0-2", "random");
    let once = pictures(&graph, &["--threads", "1"]);
    assert_eq!(once.len(), 3);
    for threads in ["2", "5"] {
        assert!(once == pictures(&graph, &["--threads", threads]), "{threads} threads");
    }
}

#[test]
fn a_climb_of_a_latent_raises_its_objective() {
    let mut graph = graph(SMALL, 64, "1", "const");
    graph["vgg"] = json!({ "class_type": "VGGFeatures", "inputs": { "layers": "relu2_2" } });
    graph["climb"] = json!({ "class_type": "GradientAscent", "inputs": {
        "image": ["w", 0], "objective": ["vgg", 0], "generator": ["net", "GENERATOR"],
        "steps": 8, "normalise": "adam", "rate": 10, "jitter": 0
    } });
    graph["save"]["inputs"]["images"] = json!(["climb", "IMAGE"]);
    let folder = Folder::with_graph(&graph);
    let outcome = run(&folder, &["--progress", "json"]);
    outcome.exits(0);
    let events = outcome.stdout.lines().map(|line| serde_json::from_str::<Value>(line).expect("an event"));
    let notes = events.filter(|event| event["event"] == "progress" && event["node"] == "climb");
    let values: Vec<f64> =
        notes.filter_map(|event| event["note"].as_str()?.split("objective ").nth(1)?.parse().ok()).collect();
    assert_eq!(values.len(), 8, "a value per step:\n{}", outcome.stdout);
    assert!(values[7] > values[0], "{values:?}");
}

/// A run that fails with this exit code, says these texts, and publishes nothing.
#[track_caller]
fn refused(graph: &Value, files: &[(&str, &[u8])], code: i32, said: &[&str]) {
    let folder = Folder::with_graph(graph);
    for (name, content) in files {
        folder.write(name, content);
    }
    let outcome = run(&folder, &[]);
    outcome.exits(code);
    for text in said {
        outcome.says(text);
    }
    assert!(folder.files("out").is_empty(), "nothing is published");
}

/// A weights file of zeros that is no network, and the error for it.
#[track_caller]
fn refused_weights(content: &[u8], said: &[&str]) {
    let graph = graph("w.safetensors", 64, "0", "const");
    let named = ["node `net` (LoadStyleGAN)", "w.safetensors", "`weights` of this node"];
    refused(&graph, &[("w.safetensors", content)], 5, &[&named[..], said].concat());
}

/// The small network with zeros for weights, with a modified list of tensors.
fn changed(change: impl FnOnce(&mut Vec<(String, Vec<usize>)>)) -> Vec<u8> {
    let mut tensors = shapes(&references().join(SMALL));
    change(&mut tensors);
    let views: Vec<(&str, &[usize])> = tensors.iter().map(|(n, shape)| (n.as_str(), &shape[..])).collect();
    zeros(&views)
}

/// Faults: C9.
#[test]
fn weights_of_another_architecture_are_called_by_their_name() {
    let vgg = std::fs::read(repository().join("nodes/vgg/weights/vgg16_imagenet_int8.safetensors"));
    refused_weights(&vgg.expect("VGG16's weights"), &["this is a VGG: VGGFeatures' `weights` takes it"]);
    let stylegan3 = zeros(&[("synthesis.input.freqs", &[4, 2]), ("synthesis.input.weight", &[4, 4])]);
    refused_weights(&stylegan3, &["StyleGAN3"]);
    let discriminator = zeros(&[("D.b4.out.weight", &[1, 8]), ("D.b4.conv.weight", &[8, 9, 3, 3])]);
    refused_weights(&discriminator, &["this is a StyleGAN2 discriminator"]);
    refused_weights(
        &zeros(&[("layer1.0.conv1.weight", &[64, 64, 1, 1])]),
        &["a ResNet, which is not supported"],
    );
    let unknown = zeros(&[("thing.weight", &[8, 8]), ("thing.bias", &[8])]);
    refused_weights(&unknown, &["no network that is known", "`thing.weight`"]);
    refused_weights(&zeros(&[("thing.weight", &[8, 8])]), &["an array of numbers: LoadLatent's `file`"]);
    let conditional = changed(|t| t.push(("G_ema.mapping.embed.weight".to_owned(), vec![64, 10])));
    refused_weights(&conditional, &["`mapping.embed.bias` [64] is missing"]);
    let resnet = changed(|t| t.push(("G_ema.synthesis.b8.skip.weight".to_owned(), vec![64, 64, 1, 1])));
    // A resnet: only its last block paints.
    refused_weights(&resnet, &["`synthesis.b8.skip.resample_filter` [4, 4] is missing"]);
}

/// Faults: C5.
#[test]
fn tensors_that_are_missing_are_named() {
    let missing = "G_ema.synthesis.b16.conv1.affine.weight";
    let file = changed(|tensors| tensors.retain(|(name, _)| name != missing));
    refused_weights(&file, &["`synthesis.b16.conv1.affine.weight` [64, 64] is missing"]);
}

#[test]
fn random_networks_say_what_their_name_must_be() {
    let named = "`weights` of this node";
    refused(&graph("random:x:16", 512, "0", "const"), &[], 3, &[named, "random:x:16", "random:SEED:SIZE"]);
    refused(&graph("random:1:100", 512, "0", "const"), &[], 3, &[named, "16, 32, 64, .. 1024", "found 100"]);
}

#[test]
fn seeds_that_are_no_list_are_quoted() {
    for seeds in ["3-", "a", "9-2", "1,,2"] {
        let graph = graph(SMALL, 64, seeds, "const");
        let quoted = format!("`{seeds}`");
        refused(&graph, &[], 3, &["node `z` (LatentNoise)", "`seeds` of this node", &quoted]);
    }
}

#[test]
fn latents_of_another_width_name_both_widths() {
    let wide = graph(SMALL, 512, "0", "const");
    refused(
        &wide,
        &[],
        7,
        &["node `w` (MappingNetwork)", "`z` must have 64 numbers per latent", "found 512", "`width`"],
    );
}

/// The mapping of one network, the generator of another.
#[track_caller]
fn check_strangers(mapping: (&str, usize), generator: &str, said: &[&str]) {
    let mut graph = graph(mapping.0, mapping.1, "0", "const");
    graph["other"] = json!({ "class_type": "LoadStyleGAN", "inputs": { "weights": generator } });
    graph["pictures"]["inputs"]["generator"] = json!(["other", "GENERATOR"]);
    refused(&graph, &[], 7, &[&["node `pictures` (Synthesis)", "`w` of this node"][..], said].concat());
}

#[test]
fn styles_of_another_network_name_both_sizes() {
    // The same number of layers, another width; and the other way round.
    check_strangers((SMALL, 64), "random:1:64", &["10 layers of 512", "10 of 64"]);
    check_strangers(("random:1:16", 512), "random:1:32", &["8 layers of 512", "6 of 512"]);
}

#[test]
fn truncation_out_of_range_is_refused() {
    for (param, value, code, said) in [
        ("truncation_psi", json!(2.5), 3, "`truncation_psi` is 2.5, which is out of range"),
        ("truncation_cutoff", json!(19), 3, "`truncation_cutoff` is 19, which is out of range"),
        ("truncation_cutoff", json!(11), 7, "at most 10"),
    ] {
        let mut graph = graph(SMALL, 64, "0", "const");
        graph["w"]["inputs"][param] = value;
        refused(&graph, &[], code, &[param, said]);
    }
}

#[test]
fn layers_to_mix_that_do_not_exist_are_refused() {
    // There are 6 layers: 4 coarse ones and 2 of the middle.
    for (layers, code, known) in
        [("fine", 7, "6 layers"), ("7-12", 7, "6 layers"), ("loud", 3, "coarse, middle")]
    {
        let mut graph = graph("random:1:16", 512, "0", "const");
        graph["mix"] = json!({ "class_type": "StyleMix",
                               "inputs": { "rows": ["w", 0], "columns": ["w", 0], "layers": layers } });
        graph["pictures"]["inputs"]["w"] = json!(["mix", 0]);
        let quoted = format!("`{layers}`");
        refused(&graph, &[], code, &["node `mix` (StyleMix)", "\"layers\"", &quoted, known]);
    }
}
