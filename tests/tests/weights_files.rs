//! `dreamwire weights`: what it says about files, and what it makes of them.

use dreamwire_tests::safetensors::{shapes, tensor, zeros};
use dreamwire_tests::{Cmd, Folder, Outcome, repository};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Files that the programs of others have written.
fn reference(name: &str) -> PathBuf {
    repository().join("nodes/formats/tests/ref").join(name)
}

/// NVIDIA's StyleGAN2 of 16 px with G, D and G_ema, and the tensors of G_ema.
const STYLEGAN2: (&str, &str) = ("sg2/sg2_16_nhwc_proto4.pkl", "sg2/sg2_16_nhwc.safetensors");

/// A folder with copies of these reference files, under their own names.
fn with_copies(names: &[&str]) -> Folder {
    let folder = Folder::new();
    for name in names {
        let path = reference(name);
        let content = std::fs::read(&path).expect("the file is there");
        folder.write(path.file_name().and_then(|name| name.to_str()).expect("a name"), &content);
    }
    folder
}

fn weights(folder: &Folder, arguments: &[&str]) -> Outcome {
    Cmd::new(folder).args(["weights"]).args(arguments).run()
}

/// The metadata `dreamwire` of a safetensors file.
fn metadata(file: &Path) -> Value {
    let bytes = std::fs::read(file).expect("the file is there");
    let (length, rest) = bytes.split_first_chunk::<8>().expect("it has a header");
    let header: Value =
        serde_json::from_slice(&rest[..u64::from_le_bytes(*length) as usize]).expect("the header is JSON");
    let text = header["__metadata__"]["dreamwire"].as_str().expect("it has the metadata");
    serde_json::from_str(text).expect("the metadata is JSON")
}

#[test]
fn an_import_has_the_tensors_of_the_generator() {
    let folder = with_copies(&[STYLEGAN2.0]);
    let outcome = weights(&folder, &["import", "sg2_16_nhwc_proto4.pkl"]);
    outcome.exits(0).says("sg2_16_nhwc_proto4_G_ema.safetensors").says("a StyleGAN2 generator");
    assert_eq!(outcome.stdout, "");
    assert_eq!(folder.files("."), ["sg2_16_nhwc_proto4.pkl", "sg2_16_nhwc_proto4_G_ema.safetensors"]);
    let (found, wanted) = (folder.join("sg2_16_nhwc_proto4_G_ema.safetensors"), reference(STYLEGAN2.1));
    let names: Vec<String> = shapes(&found).into_iter().map(|(name, _)| name).collect();
    let expected = shapes(&wanted);
    let generator = expected.iter().filter_map(|(name, _)| name.strip_prefix("G_ema."));
    let mut checked = 0;
    for name in generator {
        assert!(tensor(&found, name) == tensor(&wanted, &format!("G_ema.{name}")), "{name}");
        checked += 1;
    }
    assert_eq!(names.len(), checked, "{names:?}");
    let told = metadata(&found);
    assert_eq!(told["part"], "G_ema");
    assert_eq!(told["source"]["file"], "sg2_16_nhwc_proto4.pkl");
    assert_eq!(told["source"]["blake3"].as_str().map(str::len), Some(64));
}

/// An import is a network of its own: the same again, but for where it came from.
#[test]
fn an_import_can_be_imported() {
    let folder = with_copies(&[STYLEGAN2.0]);
    weights(&folder, &["import", "sg2_16_nhwc_proto4.pkl", "-o", "once.safetensors"]).exits(0);
    weights(&folder, &["import", "once.safetensors", "--out", "twice.safetensors"]).exits(0);
    let (once, twice) = (folder.join("once.safetensors"), folder.join("twice.safetensors"));
    assert_eq!(shapes(&once), shapes(&twice));
    for (name, _) in shapes(&once) {
        assert!(tensor(&once, &name) == tensor(&twice, &name), "{name}");
    }
    assert_eq!(metadata(&once)["settings"], metadata(&twice)["settings"]);
    assert_eq!(metadata(&once)["family"], metadata(&twice)["family"]);
}

#[test]
fn other_networks_of_a_checkpoint_can_be_had() {
    let folder = with_copies(&[STYLEGAN2.0]);
    weights(&folder, &["import", "sg2_16_nhwc_proto4.pkl", "--part", "D"]).exits(0).says("discriminator");
    let found = shapes(&folder.join("sg2_16_nhwc_proto4_D.safetensors"));
    assert!(found.iter().any(|(name, _)| name == "b4.out.weight"), "{found:?}");
    let outcome = weights(&folder, &["import", "sg2_16_nhwc_proto4.pkl", "--part", "E"]);
    outcome.exits(2).says("`E`").says("`G_ema`").says("`D`");
}

#[test]
fn nothing_is_replaced_without_being_told_to() {
    let folder = with_copies(&["pickle/lpips_v0.1_vgg.pth"]);
    folder.write("it.safetensors", b"mine");
    let import = ["import", "lpips_v0.1_vgg.pth", "-o", "it.safetensors"];
    weights(&folder, &import).exits(2).says("`it.safetensors` exists already").says("--force");
    assert_eq!(folder.read("it.safetensors"), b"mine");
    weights(&folder, &[&import[..], &["--force"]].concat()).exits(0);
    assert!(folder.read("it.safetensors").len() > 1000);
    // What is read is never written over.
    let itself = ["import", "lpips_v0.1_vgg.pth", "-o", "./lpips_v0.1_vgg.pth", "--force"];
    weights(&folder, &itself).exits(2).says("is the file that is read").says("--out");
    let outcome = weights(&folder, &["import", "lpips_v0.1_vgg.pth", "-o", "none/it.safetensors"]);
    outcome.exits(6).says("none/it.safetensors").says("make the folder `none` first");
}

/// Without an average over the training, one of several generators is taken, which is said.
#[test]
fn the_one_of_several_generators_is_told() {
    let folder = Folder::new();
    let names = ["net_a", "net_b", "G_ema"]
        .map(|part| ["synthesis.b4.const", "synthesis.b4.conv1.weight"].map(|name| format!("{part}.{name}")));
    let file = |parts: usize| {
        let names = names[3 - parts..].iter().flatten();
        zeros(&names.map(|name| (name.as_str(), &[2usize][..])).collect::<Vec<_>>())
    };
    let without: Vec<(&str, &[usize])> =
        names[..2].iter().flatten().map(|name| (name.as_str(), &[2usize][..])).collect();
    folder.write("it.safetensors", zeros(&without));
    let outcome = weights(&folder, &["import", "it.safetensors"]);
    outcome.exits(0).says("(net_a)").says("no average over the training: --part takes `net_b`");
    let outcome = weights(&folder, &["import", "it.safetensors", "--part", "net_b"]);
    outcome.exits(0).says("(net_b)");
    assert!(!outcome.stderr.contains("--part"), "{}", outcome.stderr);
    let outcome = weights(&folder, &["info", "it.safetensors"]);
    let expected = "LoadStyleGAN's `weights`, after `dreamwire weights import FILE --part net_b`";
    assert!(outcome.stdout.contains(expected), "{}", outcome.stdout);
    let outcome = weights(&folder, &["info", "it.safetensors", "--json"]);
    let told: Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    assert_eq!(json!([told["networks"][0]["used"], told["networks"][1]["used"]]), json!([true, false]));
    // With one there is no question.
    folder.write("average.safetensors", file(3));
    let outcome = weights(&folder, &["import", "average.safetensors"]);
    outcome.exits(0).says("(G_ema)");
    assert!(!outcome.stderr.contains("--part"), "{}", outcome.stderr);
}

#[test]
fn the_first_stylegan_has_its_sizes() {
    let folder = with_copies(&["networks/ros_sg1_narrow.model"]);
    let outcome = weights(&folder, &["info", "ros_sg1_narrow.model"]);
    outcome.exits(0);
    for name in ["resolution", "channels", "width of z", "width of w", "layers of w", "classes"] {
        assert!(outcome.stdout.contains(&format!("\n  {name} ")), "{name}:\n{}", outcome.stdout);
    }
    weights(&folder, &["verify", "ros_sg1_narrow.model"]).exits(0).says("a StyleGAN (v1) generator");
}

#[test]
fn verify_compares_the_checksums_of_zip_files() {
    let folder = with_copies(&["networks/ros_sg2_64_converted.pt"]);
    let file = "ros_sg2_64_converted.pt";
    weights(&folder, &["verify", file]).exits(0).says("checksums are right");
    // A bit of the last tensor, far from the directory at the end.
    let mut bytes = folder.read(file);
    let directory = bytes.windows(4).position(|four| four == b"PK\x01\x02").expect("a directory");
    let place = directory - 4000;
    bytes[place] ^= 1;
    folder.write(file, &bytes);
    let outcome = weights(&folder, &["verify", file]);
    outcome.exits(5).says("does not match its checksum");
}

#[test]
fn info_says_what_the_networks_are_good_for() {
    let folder = with_copies(&[STYLEGAN2.0, "sg3/sg3t_64.pkl"]);
    let outcome = weights(&folder, &["info", "sg2_16_nhwc_proto4.pkl"]);
    outcome.exits(0);
    for part in ["a StyleGAN pickle of NVIDIA", "G_ema", "a StyleGAN2 generator", "LoadStyleGAN", "blake3"] {
        assert!(outcome.stdout.contains(part), "{part}:\n{}", outcome.stdout);
    }
    let outcome = weights(&folder, &["info", "sg3t_64.pkl", "--json"]);
    outcome.exits(0);
    let told: Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    assert_eq!(told["bytes"], std::fs::metadata(reference("sg3/sg3t_64.pkl")).expect("a file").len());
    let networks = told["networks"].as_array().expect("a list");
    let generator = networks.iter().find(|network| network["part"] == "G_ema").expect("a generator");
    assert_eq!(generator["name"], "a StyleGAN3 generator");
    assert_eq!(generator["used_by"], "LoadStyleGAN's `weights`");
    assert_eq!(generator["settings"]["img_resolution"], 64);
}

/// One tensor of each kind: fine, NaN in it, empty.
fn three() -> Vec<u8> {
    let mut file = zeros(&[("fine", &[2, 2]), ("broken", &[3]), ("empty", &[0])]);
    let end = file.len();
    for (index, value) in [1.5f32, -2.0, 0.5, 1.0, f32::NAN, f32::INFINITY, 4.0].into_iter().enumerate() {
        file[end - 28 + 4 * index..][..4].copy_from_slice(&value.to_le_bytes());
    }
    file
}

#[test]
fn tensors_are_listed_with_their_statistics() {
    let folder = Folder::new();
    folder.write("it", three());
    let outcome = weights(&folder, &["list", "it"]);
    outcome.exits(0);
    let lines: Vec<Vec<&str>> =
        outcome.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["fine", "F32", "[2,", "2]"]);
    let outcome = weights(&folder, &["list", "it", "--stats", "--json"]);
    outcome.exits(0);
    let told: Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    let expected = [
        json!({ "name": "fine", "dtype": "F32", "shape": [2, 2], "min": -2.0, "max": 1.5, "mean": 0.25, "nan": 0,
                "infinite": 0 }),
        json!({ "name": "broken", "dtype": "F32", "shape": [3], "min": 4.0, "max": 4.0, "mean": 4.0, "nan": 1,
                "infinite": 1 }),
        json!({ "name": "empty", "dtype": "F32", "shape": [0], "min": null, "max": null, "mean": null, "nan": 0,
                "infinite": 0 }),
    ];
    for entry in expected {
        assert!(told.as_array().expect("a list").contains(&entry), "{entry} in {told:#}");
    }
    let outcome = weights(&folder, &["list", "it", "--stats"]);
    assert!(outcome.stdout.contains("1 NaN, 1 infinite"), "{}", outcome.stdout);
}

/// Faults: C7.
#[test]
fn verify_reads_everything() {
    let folder = with_copies(&[STYLEGAN2.0]);
    weights(&folder, &["verify", "sg2_16_nhwc_proto4.pkl"]).exits(0).says("a StyleGAN2 generator");
    folder.write("it", three());
    weights(&folder, &["verify", "it"]).exits(5).says("`broken`").says("1 NaN, 1 infinite of 3");
    // A tensor of the generator is gone.
    let mut tensors = shapes(&reference(STYLEGAN2.1));
    tensors.retain(|(name, _)| !name.ends_with("b8.conv1.bias"));
    let views: Vec<(&str, &[usize])> = tensors.iter().map(|(name, shape)| (&name[..], &shape[..])).collect();
    folder.write("less", zeros(&views));
    weights(&folder, &["verify", "less"]).exits(5).says("synthesis.b8.conv1.bias");
}

/// Faults: C2.
#[test]
fn a_file_cut_anywhere_is_refused_by_every_command() {
    let folder = Folder::new();
    let whole = std::fs::read(reference(STYLEGAN2.0)).expect("the file is there");
    for percent in [1, 25, 50, 75, 99] {
        folder.write("it.pkl", &whole[..whole.len() * percent / 100]);
        for command in ["info", "list", "verify", "import"] {
            weights(&folder, &[command, "it.pkl"]).exits(5).says("it.pkl");
        }
        assert_eq!(folder.files("."), ["it.pkl"], "cut at {percent} %");
    }
}

/// Faults: C4.
#[test]
fn files_of_other_kinds_are_called_by_their_names() {
    let mut tar = vec![0; 1024];
    tar[..4].copy_from_slice(b"data");
    tar[257..262].copy_from_slice(b"ustar");
    let cases: [(&[u8], &str, &str); 7] = [
        (b"<!doctype html><title>404</title>", "an HTML page", "download the file itself"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00",
            "a Git LFS pointer",
            "download the file",
        ),
        (&tar, "a tar archive", "unpack it first"),
        (b"\x08\x06\x12\x07pytorch\x1a\x051.9.0", "an ONNX file", "PyTorch checkpoint"),
        (b"GGUF\x03\0\0\0\0\0\0\0", "a GGUF file", "PyTorch checkpoint"),
        (b"\x80\x02cos\nsystem\n(S'touch ran'\ntR.", "os.system", "it may be an attack"),
        (b"", "an empty file", "again"),
    ];
    let folder = Folder::new();
    for (content, name, hint) in cases {
        folder.write("it", content);
        for command in ["info", "import"] {
            weights(&folder, &[command, "it"]).exits(5).says(name).says(hint);
        }
    }
    assert_eq!(folder.files("."), ["it"], "nothing was written, and nothing ran");
    let outcome = weights(&folder, &["info", "none"]);
    outcome
        .exits(5)
        .says("there is no file `none`")
        .says("looked for")
        .says(&folder.join("none").display().to_string());
    weights(&folder, &["verify", "itt"]).exits(5).says("did you mean `it`");
    weights(&folder, &["import", "no/it"]).exits(5).says("there is no folder");
    weights(&folder, &["info", "."]).exits(5).says("cannot read `.`");
    #[cfg(unix)]
    weights(&folder, &["info", "/dev/zero"]).exits(5).says("`/dev/zero` is not a regular file");
}

#[test]
fn names_are_translated_there_and_back() {
    let folder = with_copies(&[STYLEGAN2.0]);
    let file = "sg2_16_nhwc_proto4.pkl";
    weights(&folder, &["export", file, "--to", "rosinality", "-o", "r.safetensors"]).exits(0);
    weights(&folder, &["export", "r.safetensors", "--to", "nvidia", "-o", "n.safetensors"]).exits(0);
    let names: Vec<String> =
        shapes(&folder.join("r.safetensors")).into_iter().map(|(name, _)| name).collect();
    assert!(names.iter().any(|name| name.ends_with("conv1.conv.modulation.weight")), "{names:?}");
    let (found, wanted) = (folder.join("n.safetensors"), reference(STYLEGAN2.1));
    for name in ["synthesis.b4.const", "synthesis.b16.conv0.weight", "mapping.fc1.weight", "mapping.w_avg"] {
        assert!(tensor(&found, name) == tensor(&wanted, &format!("G_ema.{name}")), "{name}");
    }
}

/// From seeds to a picture.
fn pictures(folder: &Folder, weights: &str, threads: &str) -> Vec<Vec<u8>> {
    let graph = json!({
        "net": { "class_type": "LoadStyleGAN", "inputs": { "weights": weights } },
        "z": { "class_type": "LatentNoise", "inputs": { "seeds": "0-2", "mapping": ["net", "MAPPING"] } },
        "w": { "class_type": "MappingNetwork", "inputs": { "mapping": ["net", "MAPPING"], "z": ["z", 0] } },
        "pictures": { "class_type": "Synthesis", "inputs": { "generator": ["net", 1], "w": ["w", 0] } },
        // Files that are compared must not contain the graph.
        "save": { "class_type": "SaveImage",
                  "inputs": { "images": ["pictures", 0], "filename_prefix": "it", "metadata": false } },
    });
    folder.write("graph.json", graph.to_string().as_bytes());
    let out = format!("{weights}_{threads}");
    Cmd::new(folder).args(["run", "graph.json", "--threads", threads, "--out", &out]).run().exits(0);
    folder.files(&out).iter().map(|name| folder.read(&format!("{out}/{name}"))).collect()
}

#[test]
fn a_pickle_and_its_import_make_the_same_pictures() {
    let folder = with_copies(&[STYLEGAN2.0]);
    weights(&folder, &["import", "sg2_16_nhwc_proto4.pkl", "-o", "it.safetensors"]).exits(0);
    let expected = pictures(&folder, "it.safetensors", "1");
    assert!(expected.len() == 3 && expected[0] != expected[1], "three different pictures");
    for (weights, threads) in [("it.safetensors", "2"), ("sg2_16_nhwc_proto4.pkl", "1")] {
        assert!(pictures(&folder, weights, threads) == expected, "{weights}, {threads} threads");
    }
    assert!(pictures(&folder, "sg2_16_nhwc_proto4.pkl", "2") == expected);
}
