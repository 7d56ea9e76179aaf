//! Networks of every layout by the names that are used here: which they are, and each of their tensors.

mod assembler;
mod named;
mod written;

use std::path::{Path, PathBuf};

use assembler::{Pickle, f32s, torch_zip};
use dreamwire_formats::{Family, Layout, Network};
use indexmap::IndexMap;
use named::{file, fnv, open};
use serde_json::{Value as Json, json};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ref")
}

fn bytes(file: &str) -> Vec<u8> {
    std::fs::read(folder().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Part, family and layout of networks.
type Parts<'n> = &'n [(&'n str, Family, Layout)];

fn summary<'n>(networks: &'n [Network<'_>]) -> Vec<(&'n str, Family, Layout)> {
    networks.iter().map(|network| (network.part.as_str(), network.family, network.layout)).collect()
}

/// The same names, and for each the same type, shape and bytes.
fn same(found: &Network<'_>, expected: &Network<'_>) {
    let sorted = |network: &Network<'_>| {
        let mut names: Vec<String> = network.tensors.keys().cloned().collect();
        names.sort();
        names
    };
    assert_eq!(sorted(found), sorted(expected), "{}", found.part);
    for (name, tensor) in &expected.tensors {
        assert!(
            found.tensors[name] == *tensor,
            "{}: {name} {:?}, {tensor:?}",
            found.part,
            found.tensors[name]
        );
    }
}

/// One network, saved by several programs (tests/ref/README.md).
#[test]
fn every_layout_of_stylegan2_gives_the_same_tensors() {
    use Family::{StyleGan2Discriminator as D, StyleGan2Generator as G};
    let own = bytes("networks/network.safetensors");
    let own = open(&own);
    let expected = own.networks();
    assert_eq!(summary(&expected), [("G_ema", G, Layout::Nvidia), ("D", D, Layout::Nvidia)]);
    let cases: [(&str, Parts<'_>); 4] = [
        (
            "tensorflow.pkl",
            &[("Gs", G, Layout::TensorFlow), ("G", G, Layout::TensorFlow), ("D", D, Layout::TensorFlow)],
        ),
        (
            "genforce.pth",
            &[
                ("generator_smooth", G, Layout::Genforce),
                ("generator", G, Layout::Genforce),
                ("discriminator", D, Layout::Genforce),
            ],
        ),
        (
            "rosinality.pt",
            &[("g_ema", G, Layout::Rosinality), ("g", G, Layout::Rosinality), ("d", D, Layout::Rosinality)],
        ),
        ("e4e.pt", &[("state_dict.decoder", G, Layout::EncoderForEditing)]),
    ];
    for (name, parts) in cases {
        let file = bytes(&format!("networks/{name}"));
        let archive = open(&file);
        let networks = archive.networks();
        assert_eq!(summary(&networks), parts, "{name}");
        for network in &networks {
            same(network, &expected[usize::from(network.family == D)]);
            let expected = match network.family {
                G => json!([7, 0, 7, 16, 3, "skip", true, null]),
                _ => json!([null, 0, null, 16, 3, "resnet", null, null]),
            };
            let keys = [
                "z_dim",
                "c_dim",
                "w_dim",
                "img_resolution",
                "img_channels",
                "architecture",
                "use_noise",
                "conv_clamp",
            ];
            let found: Vec<_> =
                keys.iter().map(|key| network.setting(key).cloned().unwrap_or_default()).collect();
            assert_eq!(Json::from(found), expected, "{name}: {:?}", network.settings);
        }
    }
    let file = bytes("networks/tensorflow.pkl");
    let networks = open(&file).networks();
    assert_eq!(networks[0].settings["mapping_kwargs"], json!({"lr_multiplier": 0.01, "num_layers": 2}));
    assert_eq!(networks[0].setting("channel_base"), Some(&json!(64)));
    assert_eq!(
        networks[2].settings["epilogue_kwargs"],
        json!({"mbstd_group_size": 4, "mbstd_num_channels": 1})
    );
}

/// Each tensor of the networks of `file` has the shape and the hash that the table says.
fn check_hashes(file: &[u8], name: &str, table: &Json) -> usize {
    let archive = open(file);
    let mut count = 0;
    for (part, expected) in table.as_object().expect("a table") {
        let networks = archive.networks();
        let network = networks.iter().find(|network| network.part == *part).expect(name);
        let expected = expected.as_object().expect("a table");
        assert_eq!(network.tensors.len(), expected.len(), "{name}: {:?}", network.tensors.keys());
        for (key, expected) in expected {
            let tensor = &network.tensors[key];
            let found = json!([tensor.shape(), fnv(&tensor.data())]);
            assert_eq!(found, *expected, "{name}: {part}.{key} of {:?}", tensor.dtype());
            count += 1;
        }
    }
    count
}

#[test]
fn checkpoints_of_other_programs_give_exact_tensors() {
    let table: Json = serde_json::from_slice(&bytes("networks/expected.json")).expect("a table");
    for (name, count) in [
        ("ros_sg2_64_train.pt", 105 + 46),
        ("ros_sg2_64_converted.pt", 106),
        ("sg2_16_py37_torch17_style.pkl", 56 + 28),
    ] {
        assert_eq!(check_hashes(&bytes(&format!("networks/{name}")), name, &table[name]), count, "{name}");
    }
    let file = bytes("networks/ros_sg2_64_train.pt");
    let archive = open(&file);
    let networks = archive.networks();
    assert_eq!(networks.iter().map(|it| it.part.as_str()).collect::<Vec<_>>(), ["g_ema", "g", "d"]);
    assert_eq!(networks[0].setting("img_resolution"), Some(&json!(64)));
    // Only filters of resampling and scalars are copies: the others lie in the file.
    let place = file.as_ptr_range();
    let copied = networks[0].tensors.iter().filter(|(_, it)| !place.contains(&it.data().as_ptr()));
    let copied: Vec<&str> = copied.map(|(name, _)| name.as_str()).collect();
    assert!(copied.iter().all(|name| name.ends_with("resample_filter")), "{copied:?}");
}

#[test]
fn stylegan_v1_keeps_its_names() {
    let file = bytes("networks/ros_sg1_narrow.model");
    let archive = open(&file);
    let networks = archive.networks();
    assert_eq!(summary(&networks), [("", Family::StyleGan1Generator, Layout::Rosinality)]);
    assert_eq!(networks[0].tensors, archive.tensors);
    assert_eq!(networks[0].missing(), Vec::<String>::new());
    let sizes = ["img_resolution", "img_channels", "z_dim", "w_dim", "num_ws", "c_dim"];
    let sizes = sizes.map(|key| networks[0].setting(key).and_then(Json::as_u64).expect(key));
    assert_eq!(sizes[0], 4 << (sizes[4] / 2 - 1));
    assert_eq!((sizes[1], sizes[5]), (3, 0));
    let dense = |name: &str| archive.tensors[name].shape().to_vec();
    assert_eq!(sizes[2] as usize, dense("style.1.linear.weight_orig")[1]);
    assert_eq!(sizes[3] as usize, dense("generator.progression.0.adain1.style.linear.weight_orig")[1]);
    let names = ["generator.progression.0.conv1.input", "style.1.linear.weight_orig"];
    let both: Vec<String> = ["generator", "g_running"]
        .iter()
        .flat_map(|part| names.map(|name| format!("{part}.{name}")))
        .collect();
    let judge =
        ["linear.linear.weight_orig", "progression.0.conv1.0.conv.weight_orig", "from_rgb.0.conv.bias"];
    let judge = judge.map(|name| format!("discriminator.{name}"));
    let all: Vec<&str> = both.iter().chain(&judge).map(String::as_str).collect();
    let file = file_of(&all);
    let networks = open(&file).networks();
    let expected = [
        ("g_running", Family::StyleGan1Generator, Layout::Rosinality),
        ("generator", Family::StyleGan1Generator, Layout::Rosinality),
        ("discriminator", Family::StyleGan1Discriminator, Layout::Rosinality),
    ];
    assert_eq!(summary(&networks), expected);
    assert_eq!(networks[0].tensors.keys().collect::<Vec<_>>(), names);
}

/// A file with a number of each name.
fn file_of(names: &[&str]) -> Vec<u8> {
    file(&names.iter().map(|name| (*name, &[1usize][..])).collect::<Vec<_>>(), None)
}

#[test]
fn a_stylegan3_pickle_says_how_it_was_built() {
    let file = bytes("sg3/sg3t_64.pkl");
    let archive = open(&file);
    let networks = archive.networks();
    let expected = [
        ("G_ema", Family::StyleGan3Generator, Layout::Nvidia),
        ("G", Family::StyleGan3Generator, Layout::Nvidia),
        ("D", Family::StyleGan2Discriminator, Layout::Nvidia),
    ];
    assert_eq!(summary(&networks), expected);
    let part: IndexMap<_, _> =
        archive.part("G_ema").map(|(name, tensor)| (name.to_owned(), tensor.clone())).collect();
    assert_eq!(networks[0].tensors, part);
    assert_eq!(networks[0].missing(), Vec::<String>::new());
    assert_eq!(networks[0].setting("num_ws"), Some(&json!(10)));
    let own = |key: &str| networks[0].settings[key].clone();
    assert_eq!(
        json!([own("z_dim"), own("c_dim"), own("w_dim"), own("img_resolution")]),
        json!([64, 0, 64, 64])
    );
    assert_eq!(own("mapping_kwargs"), json!({"num_layers": 2}));
    let mut synthesis = own("synthesis_kwargs");
    let stopband = synthesis["first_stopband"].take().as_f64().expect("a number");
    assert!((stopband - 4.287_093_850_145_172).abs() < 1e-12, "{stopband}");
    let relative = synthesis["last_stopband_rel"].take().as_f64().expect("a number");
    assert!((relative - 1.231_144_413_344_916_2).abs() < 1e-12, "{relative}");
    let expected = json!({
        "channel_base": 1024, "channel_max": 32, "num_layers": 8, "magnitude_ema_beta": 0.998_891_579_263_680_1,
        "conv_clamp": 256, "conv_kernel": 3, "use_radial_filters": false, "num_critical": 2, "first_cutoff": 2,
        "first_stopband": null, "last_stopband_rel": null, "margin_size": 10, "output_scale": 0.25,
        "num_fp16_res": 4, "filter_size": 6, "lrelu_upsampling": 2,
    });
    assert_eq!(synthesis, expected);
    assert_eq!(networks[2].setting("conv_clamp"), Some(&json!(256)), "stylegan3's discriminators clamp");
}

#[test]
fn arguments_of_stylegan2_ada_are_read_by_position_and_by_name() {
    let file = bytes("networks/sg2_16_py37_torch17_style.pkl");
    let networks = open(&file).networks();
    let expected = json!({
        "z_dim": 32, "c_dim": 0, "w_dim": 32, "img_resolution": 16, "img_channels": 3, "num_ws": 6,
        "mapping_kwargs": {"num_layers": 2},
        "synthesis_kwargs": {
            "channel_base": 512, "channel_max": 32, "architecture": "skip", "conv_clamp": null, "use_noise": true,
        },
    });
    assert_eq!(Json::Object(networks[0].settings.clone()), expected);
    let judge = networks.last().expect("three networks");
    let expected = json!({
        "c_dim": 0, "img_resolution": 16, "img_channels": 3, "architecture": "resnet", "channel_base": 512,
        "channel_max": 32, "conv_clamp": null, "cmap_dim": 0, "epilogue_kwargs": {"mbstd_num_channels": 1},
    });
    assert_eq!(Json::Object(judge.settings.clone()), expected);
}

#[test]
fn variants_of_stylegan2_are_told_by_their_tensors() {
    let g: [(&str, &[usize]); 6] = [
        ("mapping.embed.weight", &[6, 5]),
        ("mapping.fc0.weight", &[8, 16]),
        ("mapping.fc3.weight", &[8, 8]),
        ("synthesis.b4.const", &[2, 4, 4]),
        ("synthesis.b4.conv1.weight", &[2, 2, 3, 3]),
        ("synthesis.b128.torgb.weight", &[4, 2, 1, 1]),
    ];
    let file_g = file(&g, None);
    let settings = open(&file_g).networks().swap_remove(0).settings;
    let expected = json!({
        "c_dim": 5, "z_dim": 10, "mapping_kwargs": {"num_layers": 4}, "img_resolution": 128, "img_channels": 4,
        "num_ws": 12,
        "synthesis_kwargs": {"architecture": "orig", "use_noise": false},
    });
    assert_eq!(Json::Object(settings), expected);
    let d: [(&str, &[usize]); 6] = [
        ("mapping.embed.weight", &[8, 5]),
        ("b8.fromrgb.weight", &[2, 1, 1, 1]),
        ("b4.fromrgb.weight", &[2, 1, 1, 1]),
        ("b4.conv.weight", &[2, 4, 3, 3]),
        ("b4.out.weight", &[8, 2]),
        ("mapping.fc7.weight", &[8, 8]),
    ];
    let file_d = file(&d, None);
    let settings = open(&file_d).networks().swap_remove(0).settings;
    let expected = json!({
        "c_dim": 5, "cmap_dim": 8, "mapping_kwargs": {"num_layers": 8}, "epilogue_kwargs": {"mbstd_num_channels": 2},
        "img_resolution": 8, "img_channels": 1, "architecture": "skip",
    });
    assert_eq!(Json::Object(settings), expected);
}

#[test]
fn a_table_of_names_loses_nothing() {
    let names =
        ["conv1.conv.modulation.weight", "input.input", "convs.7.attention.weight", "convs.0.conv.weight"];
    let file = file_of(&names.map(|name| format!("g_ema.{name}")).each_ref().map(String::as_str));
    let network = open(&file).networks().swap_remove(0);
    for name in ["synthesis.b4.conv1.affine.weight", "synthesis.b8.conv0.weight", "convs.7.attention.weight"]
    {
        assert!(network.tensors.contains_key(name), "{name}: {:?}", network.tensors.keys());
    }
}

#[test]
fn huge_numbers_in_names_are_no_blocks() {
    let names = [
        "synthesis.b4.const",
        "synthesis.b4.conv1.weight",
        "synthesis.b99999999999999999999999999.conv0.weight",
        "synthesis.b18446744073709551615.conv0.weight",
        "synthesis.b9223372036854775808.conv0.weight",
        "synthesis.b6.conv0.weight",
        "synthesis.b0.conv0.weight",
        "mapping.fc18446744073709551615.weight",
        "b4.out.weight",
        "b4.conv.weight",
        "conv1.conv.modulation.weight",
        "input.input",
        "convs.18446744073709551615.conv.weight",
        "style.18446744073709551615.weight",
        "Gs.synthesis/4x4/Conv/mod_weight",
        "Gs.synthesis/1073741824x1073741824/Conv1/weight",
        "synthesis.input.freqs",
        "synthesis.input.weight",
        "synthesis.L18446744073709551615_18446744073709551615_3.weight",
        "features.18446744073709551615.weight",
    ];
    let file = file_of(&names);
    let archive = open(&file);
    let networks = archive.networks();
    assert_eq!(networks.len(), 4, "{:?}", summary(&networks));
    for network in networks.iter().filter(|network| network.family == Family::StyleGan2Generator) {
        assert!(network.tensors.len() < 40, "{:?}", network.tensors);
    }
    // As many networks as fit into a file are looked at, but not more.
    let many: Vec<String> = (0..300).map(|index| format!("p{index}.lora.x.embed_tokens.weight")).collect();
    let file = file_of(&many.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(open(&file).networks().len(), 64);
}

#[test]
fn averages_that_are_nowhere_are_left_out() {
    let one = ("FloatStorage", "0", 1);
    let pickle = Pickle::new().raw(b"}(").text("a.b.input.input").tensor(one, 0, &[1], &[1]);
    let pickle = pickle.text("a.b.conv1.conv.modulation.weight").tensor(one, 0, &[1], &[1]);
    let pickle = pickle.text("c.latent_avg").tensor(one, 0, &[1], &[1]);
    let without = torch_zip(pickle.clone().raw(b"u").stop(), &[&f32s(&[1.])], false);
    let network = open(&without).networks().swap_remove(0);
    assert_eq!(network.part, "a.b");
    assert!(!network.tensors.contains_key("mapping.w_avg"));
    let pickle = pickle.text("latent_avg").tensor(one, 0, &[1], &[1]).raw(b"u");
    let with = torch_zip(pickle.stop(), &[&f32s(&[1.])], false);
    assert!(open(&with).networks()[0].tensors.contains_key("mapping.w_avg"));
}

#[test]
fn scopes_and_leftovers_of_tensorflow_are_removed() {
    let names = [
        "G.G_synthesis_1/4x4/Conv/mod_weight",
        "G.G_synthesis_1/8x8/Conv1/bias",
        "G.G_synthesis_1/ToRGB_lod0/bias",
        "G.G_synthesis_1/ToRGB_lod1/bias",
        "G.G_synthesis_1/lod",
        "G.Gs/G_mapping/Dense1/bias",
        "G.lod",
        "D.4x4/Dense0/weight",
        "D.8x8/Conv0/bias",
        "D.FromRGB_lod0/bias",
        "D.FromRGB_lod1/bias",
        "D.Output/weight",
        "D.other",
    ];
    let file = file_of(&names);
    let networks = open(&file).networks();
    let expected = [
        ("G", Family::StyleGan2Generator, Layout::TensorFlow),
        ("D", Family::StyleGan2Discriminator, Layout::TensorFlow),
    ];
    assert_eq!(summary(&networks), expected);
    let names = |network: &Network<'_>| {
        let names = network.tensors.keys().filter(|name| !name.ends_with("resample_filter"));
        let mut names: Vec<String> = names.cloned().collect();
        names.sort();
        names
    };
    let expected = [
        "mapping.fc1.bias",
        "synthesis.b4.conv1.affine.weight",
        "synthesis.b8.conv1.bias",
        "synthesis.b8.torgb.bias",
    ];
    assert_eq!(names(&networks[0]), expected);
    assert_eq!(
        names(&networks[1]),
        ["b4.fc.weight", "b4.out.weight", "b8.conv0.bias", "b8.fromrgb.bias", "other"]
    );
}
