//! The program as its users meet it, at sizes that take no time.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Output};

use candle_core::{Device, Tensor};
use dreamwire_nets::weights;
use serde_json::Value;

/// A first StyleGAN of few channels, up to 1024 pixels.
const NARROW: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/ref/ros/ros_sg1_narrow.safetensors");

fn bench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dreamwire-bench")).args(arguments).output().expect("the program starts")
}

/// The JSON that it writes.
fn report(arguments: &[&str]) -> Value {
    let output = bench(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("it writes JSON")
}

fn result(file: &Path) -> Tensor {
    let bytes = std::fs::read(file).expect("the result was written");
    weights::read_all(&bytes).expect("it is a safetensors file").remove("result").expect("it is called so")
}

/// Largest deviation relative to the largest value.
fn deviation(a: &Tensor, b: &Tensor) -> f32 {
    let largest = |x: &Tensor| x.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
    largest(&(a - b).unwrap()) / largest(b)
}

#[test]
fn both_engines_compute_the_same_vgg16() {
    let folder = tempfile::tempdir().unwrap();
    let files = ["kernels", "candle"].map(|engine| {
        let file = folder.path().join(engine);
        let path = file.to_str().expect("the path is text");
        let arguments =
            ["vgg16", "--size", "32", "--threads", "2", "--repeat", "2", "--json", "--engine", engine];
        let report = report(&[&arguments[..], &["--output", path]].concat());
        assert_eq!(report["name"], "vgg16");
        assert_eq!(report["engine"], engine);
        let times = report["times_ms"].as_array().expect("there are times");
        assert_eq!(times.len(), 2, "{report}");
        assert!(times.iter().all(|time| time.as_f64().is_some_and(|ms| ms > 0.0)), "{report}");
        file
    });
    let [kernels, candle] = files.map(|file| result(&file));
    assert_eq!(kernels.dims(), [1, 512, 2, 2]);
    assert!(deviation(&kernels, &candle) < 1e-4, "{}", deviation(&kernels, &candle));
}

#[test]
fn gradients_have_the_shape_of_what_they_are_of() {
    let check = |arguments: &[&str], expected: &[usize]| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("gradient");
        let path = file.to_str().expect("the path is text");
        let common = ["--backward", "--repeat", "1", "--warmup", "0", "--json", "--output", path];
        let report = report(&[arguments, &common].concat());
        assert_eq!(report["backward"], true, "{report}");
        let gradient = result(&file);
        assert_eq!(gradient.dims(), expected, "{arguments:?}");
        assert!(gradient.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap() > 0.0);
    };
    check(&["vgg16", "--size", "32", "--layer", "relu3_1"], &[1, 3, 32, 32]);
    check(&["stylegan1", "--size", "32", "--weights", NARROW], &[1, 8, 32]);
    check(&["stylegan2", "--size", "16"], &[1, 6, 512]);
    check(&["stylegan3", "--size", "16"], &[1, 16, 512]);
}

/// Pictures and gradients of whole networks, at every SIMD level of this CPU.
#[test]
fn levels_agree() {
    let check = |arguments: &[&str], tolerance: f32| {
        let folder = tempfile::tempdir().unwrap();
        let run = |level: &str| {
            let file = folder.path().join(level);
            let output = Command::new(env!("CARGO_BIN_EXE_dreamwire-bench"))
                .args(arguments)
                .args(["--repeat", "1", "--warmup", "0", "--json", "--output"])
                .arg(&file)
                .env("DREAMWIRE_SIMD", level)
                .output()
                .expect("the program starts");
            assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
            let report: Value = serde_json::from_slice(&output.stdout).expect("it writes JSON");
            (report["simd"] == level).then(|| result(&file))
        };
        let expected = run("portable").expect("every CPU has portable vectors");
        for level in ["avx2", "avx512"] {
            if let Some(found) = run(level) {
                let deviation = deviation(&found, &expected);
                assert!(deviation <= tolerance, "{arguments:?} with {level}: {deviation}");
            }
        }
    };
    check(&["vgg16", "--size", "64"], 1e-5);
    // Near-ties of rectifiers and pools resolve either way, and each routes its gradient differently.
    check(&["vgg16", "--size", "64", "--layer", "relu3_1", "--backward"], 1e-2);
    check(&["stylegan2", "--size", "32"], 1e-5);
    check(&["stylegan2", "--size", "32", "--backward"], 1e-4);
    // Dividing by deviations amplifies the remaining rounding.
    check(&["adain", "--size", "48"], 1e-4);
}

#[test]
fn pictures_are_painted() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("painted");
    let path = file.to_str().expect("the path is text");
    report(&["adain", "--size", "32", "--repeat", "1", "--json", "--output", path]);
    assert_eq!(result(&file).dims(), [1, 32, 32, 3]);
}

#[test]
fn layers_are_measured_one_by_one() {
    let report = report(&["vgg16", "--size", "32", "--layers", "--repeat", "1", "--peak", "100", "--json"]);
    let layers = report["layers"].as_array().expect("there are layers");
    assert_eq!(layers.len(), 13, "{report}");
    assert_eq!(layers[1]["layer"], "conv1_2");
    assert!(layers.iter().all(|layer| layer["f4_percent"].is_array()), "{report}");
}

/// At 128 pixels, where the first layer of a block is fused.
#[test]
fn a_first_stylegan_paints_with_the_given_noise() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().expect("the path is text").to_owned();
    let uniform = |shape: &[usize]| Tensor::rand(-1f32, 1.0, shape, &Device::Cpu).unwrap();
    let mut tensors = HashMap::from([("w".to_owned(), uniform(&[1, 12, 32]))]);
    for index in 0..6 {
        tensors.insert(format!("noise_{index}"), uniform(&[1, 1, 4 << index, 4 << index]));
    }
    let arguments =
        ["stylegan1", "--size", "128", "--weights", NARROW, "--repeat", "1", "--warmup", "0", "--json"];
    let mut painted = Vec::new();
    for name in ["one", "other"] {
        let (input, output) = (path("inputs"), path(name));
        candle_core::safetensors::save(&tensors, &input).unwrap();
        report(&[&arguments[..], &["--input", &input, "--output", &output]].concat());
        painted.push(result(Path::new(&output)));
        tensors.insert("noise_5".to_owned(), uniform(&[1, 1, 128, 128]));
    }
    assert_eq!(painted[0].dims(), [1, 128, 128, 3]);
    let change = deviation(&painted[0], &painted[1]);
    assert!(change > 1e-3 && change.is_finite(), "{change}");
    tensors.remove("noise_2");
    let input = path("inputs");
    candle_core::safetensors::save(&tensors, &input).unwrap();
    let output = bench(&[&arguments[..], &["--input", &input]].concat());
    let talk = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{talk}");
    assert!(talk.contains("tensor `noise_2` must be [1, 1, 16, 16], found nothing"), "{talk}");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let check = |arguments: &[&str], code: i32, text: &str| {
        let output = bench(arguments);
        let talk = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {talk}");
        assert!(talk.contains(text), "`{text}` expected in:\n{talk}");
    };
    check(&[], 2, "Usage");
    check(&["resnet"], 2, "resnet");
    check(&["vgg16", "--size", "none"], 2, "none");
    check(&["vgg16", "--layer", "relu6_1"], 2, "there is no such layer");
    check(&["vgg16", "--layers", "--engine", "candle"], 2, "cannot be used with");
    check(&["stylegan1"], 2, "--weights: there is no random StyleGAN of the first kind, name a file");
    check(&["stylegan1", "--size", "24", "--weights", NARROW], 2, "--size: this network paints at 4, 8, 16");
    check(&["stylegan2", "--size", "24"], 2, "16, 32, 64");
    check(&["stylegan3", "--size", "24"], 2, "16, 32, 64");
    if !cfg!(feature = "cuda") {
        let text =
            "--device: cuda:0 cannot be used: this program was built without it; `cargo build --release";
        check(&["vgg16", "--device", "cuda"], 2, text);
    }
    check(&["adain", "--size", "30"], 2, "a multiple of 4, found 30");
    check(&["vgg16", "--weights", "/nowhere/at.all"], 5, "/nowhere/at.all");
}
