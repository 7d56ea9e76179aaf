//! Networks that are written, for other programs and as files of our own, and read again.

use std::path::PathBuf;

use dreamwire_formats::{Archive, Family, Layout, Limits, Network, export, read};
use indexmap::IndexMap;
use serde_json::{Value as Json, json};

use super::named::{file, open};
use super::{bytes, same};

#[test]
fn settings_survive_in_files_of_our_own() {
    let pickle = bytes("sg3/sg3t_64.pkl");
    let archive = open(&pickle);
    let network = &archive.networks()[0];
    let metadata = [("dreamwire".to_owned(), network.metadata())].into();
    let saved = safetensors::serialize(&network.tensors, Some(metadata)).expect("sound tensors");
    let again = open(&saved);
    let again = again.network(&[Family::StyleGan3Generator]).expect("the network");
    assert_eq!((again.layout, again.part.as_str()), (Layout::Own, ""));
    assert_eq!(again.tensors, network.tensors);
    let numbers = |network: &Network<'_>| {
        let mut numbers = Vec::new();
        let settings = Json::Object(network.settings.clone());
        let mut open = vec![&settings];
        while let Some(value) = open.pop() {
            numbers.extend(value.as_f64());
            open.extend(value.as_object().into_iter().flat_map(serde_json::Map::values));
        }
        numbers.sort_by(f64::total_cmp);
        numbers
    };
    let (found, expected) = (numbers(&again), numbers(network));
    assert_eq!(found.len(), expected.len());
    // Decimal numbers may be off by their last bit.
    assert!(
        found.iter().zip(&expected).all(|(one, other)| (one - other).abs() < 1e-12),
        "{found:?} {expected:?}"
    );
}

fn round_trip(file: &[u8], part: &str, to: Layout) -> usize {
    let archive = open(file);
    let networks = archive.networks();
    let network = networks.iter().find(|network| network.part == part).expect("the part");
    let written = export(network, to).unwrap_or_else(|error| panic!("{error}"));
    let saved = safetensors::serialize(&written, None).expect("sound tensors");
    let again = open(&saved);
    let again = again.network(&[network.family]).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((again.layout, again.part.as_str()), (to, ""));
    same(&again, network);
    // The settings that are kept beside the tensors do not make these names ours.
    let metadata = [("dreamwire".to_owned(), network.metadata())].into();
    let saved = safetensors::serialize(&written, Some(metadata)).expect("sound tensors");
    let layout = open(&saved).networks()[0].layout;
    let is_ours = written.keys().eq(network.tensors.keys());
    assert_eq!(layout, if is_ours { Layout::Own } else { to }, "{part}");
    written.len()
}

#[test]
fn networks_are_written_for_other_programs_and_read_again() {
    let own = bytes("networks/network.safetensors");
    for part in ["G_ema", "D"] {
        for to in [Layout::Nvidia, Layout::Rosinality] {
            assert!(round_trip(&own, part, to) > 20, "{part}");
        }
    }
    let pickle = bytes("networks/sg2_16_py37_torch17_style.pkl");
    for part in ["G_ema", "G", "D"] {
        assert!(round_trip(&pickle, part, Layout::Rosinality) > 20, "{part}");
    }
    assert_eq!(round_trip(&bytes("sg3/sg3t_64.pkl"), "G_ema", Layout::Nvidia), 72);
    assert!(round_trip(&bytes("networks/ros_sg1_narrow.model"), "", Layout::Rosinality) > 100);
    // The names are rosinality's own.
    let file = bytes("networks/ros_sg2_64_converted.pt");
    let archive = open(&file);
    let written = export(&archive.networks()[0], Layout::Rosinality).expect("written");
    let average = (&archive.tensors["latent_avg"], &written["latent_avg"]);
    assert_eq!(average.0, average.1);
    let own: IndexMap<_, _> = archive.part("g_ema").map(|(name, it)| (name.to_owned(), it.clone())).collect();
    let rest = written.into_iter().filter(|(name, _)| name != "latent_avg").collect::<IndexMap<_, _>>();
    assert_eq!(rest, own);
}

#[test]
fn what_another_program_has_no_place_for_is_not_written() {
    let check = |names: &[(&str, &[usize])], to: Layout, expected: &str| {
        let file = file(names, None);
        let archive = open(&file);
        let error = export(&archive.networks()[0], to).expect_err("a refusal");
        assert_eq!(error.to_string(), expected);
    };
    let base: [(&str, &[usize]); 4] = [
        ("mapping.fc0.weight", &[8, 8]),
        ("synthesis.b4.const", &[2, 4, 4]),
        ("synthesis.b4.conv1.weight", &[2, 2, 3, 3]),
        ("synthesis.b4.conv1.affine.weight", &[2, 8]),
    ];
    let with = |more: &[(&'static str, &'static [usize])]| [&base[..], more].concat();
    let rgb: (&str, &[usize]) = ("synthesis.b4.torgb.weight", &[3, 2, 1, 1]);
    let start = "a StyleGAN2 generator cannot be written for rosinality's code";
    let only = "only `skip` is possible";
    check(&base, Layout::Rosinality, &format!("{start}: its architecture is `orig`, {only}"));
    let resnet = with(&[rgb, ("synthesis.b8.skip.weight", &[2, 2, 1, 1])]);
    check(&resnet, Layout::Rosinality, &format!("{start}: its architecture is `resnet`, {only}"));
    let classes = with(&[rgb, ("mapping.embed.weight", &[8, 5])]);
    check(&classes, Layout::Rosinality, &format!("{start}: it is conditional on classes"));
    let grey = with(&[("synthesis.b4.torgb.weight", &[1, 2, 1, 1])]);
    check(&grey, Layout::Rosinality, &format!("{start}: its pictures have 1 channel, only 3 are possible"));
    let mut wide = with(&[rgb]);
    wide[0].1 = &[8, 16];
    check(
        &wide,
        Layout::Rosinality,
        &format!("{start}: z has 16 numbers and w 8, only equal ones are possible"),
    );
    check(&with(&[rgb]), Layout::Timm, "a StyleGAN2 generator cannot be written for timm");
}

/// `DREAMWIRE_REFERENCES=FOLDER cargo test -p dreamwire-formats --test networks -- --ignored` looks at all checkpoints
/// of the references, of which the tree only has small ones.
#[test]
#[ignore = "needs the large references"]
fn every_reference_holds_networks() {
    let folder =
        PathBuf::from(std::env::var_os("DREAMWIRE_REFERENCES").expect("the folder of the references"));
    let mut seen = 0;
    for family in ["sg2", "sg3", "ros"] {
        let files = std::fs::read_dir(folder.join(family)).expect("the folder is there").flatten();
        for path in files.map(|file| file.path()) {
            let is_checkpoint =
                |end: &std::ffi::OsStr| ["pkl", "pt", "model", "pth"].iter().any(|it| end == *it);
            if !path.extension().is_some_and(is_checkpoint) {
                continue;
            }
            let bytes = std::fs::read(&path).expect("readable");
            let archive: Archive<'_> = read(&bytes, &Limits::default()).expect("a sound file");
            let networks = archive.networks();
            assert!(!networks.is_empty(), "{}", path.display());
            for network in &networks {
                let is_usable = !matches!(network.family, Family::Unsupported(_));
                assert!(is_usable && network.tensors.len() > 20, "{}: {network:?}", path.display());
                assert!(
                    network.setting("img_resolution").is_some()
                        || network.family == Family::StyleGan1Generator
                );
                if network.family == Family::StyleGan2Generator
                    && network.setting("architecture") == Some(&json!("skip"))
                    && network.setting("c_dim") == Some(&json!(0))
                    && network.setting("img_channels") == Some(&json!(3))
                {
                    round_trip(&bytes, &network.part, Layout::Rosinality);
                }
            }
            seen += 1;
        }
    }
    assert!(seen > 8, "{seen} checkpoints");
}
