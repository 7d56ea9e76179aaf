//! Files that PyTorch and NVIDIA's code wrote, with their tensors as PyTorch read them (tests/ref/README.md).

use std::path::{Path, PathBuf};

use dreamwire_formats::{DType, Format, Limits, Tensor, read};
use safetensors::{Dtype, SafeTensors};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ref")
}

/// The same numbers: bytes where the types are the same, otherwise as f32, in which a reference has bf16 and f64.
fn same(found: &Tensor<'_>, expected: &safetensors::tensor::TensorView<'_>) -> bool {
    let expected_f32 = || {
        let numbers = expected.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
        numbers.collect::<Vec<_>>()
    };
    let is_same_type = safetensors::Dtype::from(found.dtype()) == expected.dtype();
    // The references have scalars as one element.
    let is_same_shape =
        found.shape() == expected.shape() || (found.shape().is_empty() && expected.shape() == [1]);
    let is_same_data = if is_same_type {
        found.data() == expected.data()
    } else {
        expected.dtype() == Dtype::F32 && found.to_f32() == expected_f32()
    };
    is_same_shape && is_same_data
}

/// Compares each file of `folder` whose tensors are known, and gives how many tensors were compared.
fn compare(folder: &Path, file: &str, reference: &str, names: impl Fn(&str) -> Option<String>) -> usize {
    let (path, reference) = (folder.join(file), folder.join(reference));
    let (Ok(bytes), Ok(reference)) = (std::fs::read(&path), std::fs::read(&reference)) else { return 0 };
    let archive = read(&bytes, &Limits::default()).unwrap_or_else(|error| panic!("{file}: {error}"));
    let reference = SafeTensors::deserialize(&reference).expect("a sound reference");
    let mut count = 0;
    for (key, expected) in reference.tensors() {
        let Some(name) = names(&key) else { continue };
        let nested = format!(".{name}");
        let mut found = archive.tensors.iter().filter(|(key, _)| **key == name || key.ends_with(&nested));
        let found =
            found.next().unwrap_or_else(|| panic!("{file} has no {name}: {:?}", archive.tensors.keys())).1;
        assert!(same(found, &expected), "{file}: {name} {found:?}, expected {expected:?}");
        count += 1;
    }
    count
}

/// Small checkpoints of every layout of PyTorch.
fn small(folder: &Path) -> Vec<(String, usize)> {
    let mut files: Vec<_> =
        std::fs::read_dir(folder.join("pickle")).expect("the folder is there").flatten().collect();
    files.sort_by_key(std::fs::DirEntry::path);
    let names = files.iter().map(|file| file.file_name().to_string_lossy().into_owned());
    let checkpoints = names.filter(|name| name.ends_with(".pt") || name.ends_with(".pth"));
    checkpoints
        .map(|file| {
            let stem = file.split_once(".p").map_or("", |(stem, _)| stem);
            let stem = stem.strip_suffix("_legacy").filter(|stem| *stem != "old").unwrap_or(stem);
            let name = |key: &str| key.strip_prefix(stem)?.strip_prefix('|').map(str::to_owned);
            let count = compare(folder, &format!("pickle/{file}"), "pickle/expected.safetensors", name);
            (file, count)
        })
        .collect()
}

#[test]
fn checkpoints_of_every_layout_give_the_tensors_that_pytorch_reads() {
    for (file, count) in small(&folder()) {
        let expected = match file.as_str() {
            "mixed_dtypes.pt" | "mixed_dtypes_legacy.pth" => 10,
            "noncontiguous.pt" | "lpips_v0.1_vgg.pth" => 5,
            "old_legacy.pth" => 6,
            "shared_storage.pt" | "shared_storage_legacy.pth" => 4,
            "module_whole.pt" => 0,
            _ => 2,
        };
        assert_eq!(count, expected, "{file}");
    }
}

#[test]
fn a_whole_module_gives_the_names_of_its_state_dict() {
    let bytes = std::fs::read(folder().join("pickle/module_whole.pt")).expect("the file is there");
    let archive = read(&bytes, &Limits::default()).expect("a sound file");
    let names: Vec<&str> = archive.tensors.keys().map(String::as_str).collect();
    let norm = ["1.weight", "1.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked"];
    assert_eq!(names, [&["0.weight", "0.bias"][..], &norm].concat());
    assert_eq!(archive.tensors["1.num_batches_tracked"].dtype(), DType::I64);
}

fn stylegan3(key: &str) -> Option<String> {
    Some(format!("G_ema.{key}"))
}

#[test]
fn a_stylegan3_pickle_gives_its_tensors_and_its_arguments() {
    let (file, reference) = ("sg3/sg3t_64.pkl", "sg3/sg3t_64_tensors.safetensors");
    assert_eq!(compare(&folder(), file, reference, stylegan3), 72);
    let bytes = std::fs::read(folder().join(file)).expect("the file is there");
    let archive = read(&bytes, &Limits::default()).expect("a sound file");
    assert_eq!(archive.format, Format::StyleGan);
    let network = &archive.metadata["G_ema"];
    assert_eq!(network["class_name"], "Generator");
    assert_eq!(network["_init_kwargs"]["z_dim"], 64);
    assert_eq!(network["_init_kwargs"]["img_resolution"], 64);
}

/// `DREAMWIRE_REFERENCES=FOLDER cargo test -p dreamwire-formats --test reference -- --ignored` compares all references,
/// of which the tree only has the small ones.
#[test]
#[ignore = "needs the large references"]
fn every_reference() {
    let folder =
        PathBuf::from(std::env::var_os("DREAMWIRE_REFERENCES").expect("the folder of the references"));
    let is_weight = |key: &str| !matches!(key, "img" | "z" | "ws" | "w" | "c");
    let same_name = |key: &str| is_weight(key).then(|| key.to_owned());
    let mut counts = small(&folder);
    for kind in ["t", "r"] {
        let (file, reference) =
            (format!("sg3/sg3{kind}_64.pkl"), format!("sg3/sg3{kind}_64_tensors.safetensors"));
        counts.push((file.clone(), compare(&folder, &file, &reference, stylegan3)));
    }
    let nhwc = ["proto2", "proto3", "proto4", "proto5"].map(|kind| format!("sg2/sg2_16_nhwc_{kind}.pkl"));
    for file in nhwc {
        counts.push((file.clone(), compare(&folder, &file, "sg2/sg2_16_nhwc.safetensors", same_name)));
    }
    let file = "sg2/sg2_64.pkl";
    counts.push((file.to_owned(), compare(&folder, file, "sg2/sg2_64_tensors.safetensors", same_name)));
    for (file, count) in counts {
        assert!(count > 0 || file == "module_whole.pt", "{file} was not compared");
    }
    for file in ["sg2/sg2_16_py37_torch17_style.pkl", "sg2/sg2_16_variants.pkl", "ros/ros_sg1_narrow.model"] {
        let bytes = std::fs::read(folder.join(file)).expect("the file is there");
        let archive = read(&bytes, &Limits::default()).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(archive.tensors.len() > 50, "{file}: {:?}", archive.tensors);
    }
}
