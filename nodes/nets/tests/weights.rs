//! Reading weights files, and errors for other files.

use std::collections::HashMap;

use candle_core::DType;
use dreamwire_nets::weights::{self, Family};
use safetensors::tensor::{Dtype, TensorView};

type Entry<'a> = (&'a str, Dtype, Vec<usize>, &'a [u8]);

fn file(entries: &[Entry<'_>]) -> Vec<u8> {
    let views: HashMap<&str, TensorView<'_>> = entries
        .iter()
        .map(|(name, dtype, shape, data)| (*name, TensorView::new(*dtype, shape.clone(), data).unwrap()))
        .collect();
    safetensors::serialize(views, None).unwrap()
}

fn check_error(bytes: &[u8], expected: &str) {
    let error = weights::read_all(bytes).unwrap_err().to_string();
    assert!(error.starts_with(expected), "{error}");
}

/// Faults: C6.
#[test]
fn floats_become_f32_and_integers_stay() {
    let half = [0x00, 0x3c, 0x00, 0xc0];
    let brain = [0x80, 0x3f, 0x00, 0xc0];
    let double = [1.0f64.to_le_bytes(), (-2.0f64).to_le_bytes()].concat();
    let long = 7i64.to_le_bytes();
    let bytes = file(&[
        ("half", Dtype::F16, vec![2], &half),
        ("brain", Dtype::BF16, vec![2], &brain),
        ("double", Dtype::F64, vec![2], &double),
        ("long", Dtype::I64, vec![], &long),
    ]);
    let tensors = weights::read_all(&bytes).unwrap();
    for name in ["half", "brain", "double"] {
        assert_eq!(tensors[name].to_vec1::<f32>().unwrap(), [1.0, -2.0], "{name}");
    }
    assert_eq!(tensors["long"].to_scalar::<i64>().unwrap(), 7);
}

#[test]
fn int8_rows_are_scaled() {
    let values = [1i8, -2, 127, -128].map(|value| value as u8);
    let scale = [0.5f32.to_le_bytes(), 2.0f32.to_le_bytes()].concat();
    let shape = vec![2, 2, 1, 1];
    let quantised = ("k.weight.q8", Dtype::I8, shape.clone(), &values[..]);
    let tensors =
        weights::read_all(&file(&[quantised.clone(), ("k.weight.scale", Dtype::F32, vec![2], &scale)]))
            .unwrap();
    assert_eq!(tensors.len(), 1);
    let weight = &tensors["k.weight"];
    assert_eq!((weight.dims(), weight.dtype()), (&shape[..], DType::F32));
    assert_eq!(weight.flatten_all().unwrap().to_vec1::<f32>().unwrap(), [0.5, -1.0, 254.0, -256.0]);

    check_error(
        &file(std::slice::from_ref(&quantised)),
        "tensor `k.weight.q8` is quantised, and there is no `k.weight.scale`",
    );
    let short = ("k.weight.scale", Dtype::F32, vec![1], &scale[..4]);
    check_error(
        &file(&[quantised, short]),
        "tensor `k.weight.q8` is quantised: its scale must be F32 [2], found F32 [1]",
    );
    check_error(
        &file(&[("k", Dtype::I8, vec![4], &values)]),
        "tensor `k` has type I8, which is not supported",
    );
}

/// Faults: C4.
#[test]
fn other_kinds_of_file_are_recognised() {
    check_error(b"\n<!DOCTYPE html><html><head>", "this is an HTML page");
    check_error(b"version https://git-lfs.github.com/spec/v1\noid sha256:4d", "this is a Git LFS pointer");
    check_error(b"\x08\x06\x12\x07pytorch\x1a\x051.9", "this is an ONNX file");
    check_error(b"cos\nsystem\n(S'touch ran'\ntR.", "the pickle asks for `os.system` at byte 0");
    let error = weights::read_all(b"<html>").unwrap_err();
    assert_eq!(error.hint(), Some("download the file itself, not a page or pointer to it"));
}

/// Faults: C2.
#[test]
fn damaged_files_tell_their_sizes() {
    let bytes = file(&[("x", Dtype::F32, vec![2], &[0; 8])]);
    let size = bytes.len();
    let said = |found| format!("it must have {size} bytes, found {found}");
    check_error(&bytes[..size - 3], &format!("the file is truncated: {}", said(size - 3)));
    check_error(&[&bytes[..], b"more"].concat(), &format!("the file is damaged: {}", said(size + 4)));
    check_error(b"", "this is an empty file");
    let mut lying = bytes;
    lying[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    weights::read_all(&lying).unwrap_err();
}

/// Faults: C7.
#[test]
fn tensors_with_nan_are_found_and_counted() {
    let mut halves = [0; 2 * 64 * 3 * 3 * 3];
    halves[..6].copy_from_slice(&[0x00, 0x3c, 0x00, 0x7e, 0x00, 0x7c]);
    // Finite as f64, too large for f32.
    let double = 1e300f64.to_le_bytes();
    let bytes = file(&[
        ("features.0.weight", Dtype::F16, vec![64, 3, 3, 3], &halves),
        ("features.0.bias", Dtype::F64, vec![1], &double),
        ("features.2.weight", Dtype::F32, vec![2], &[0; 8]),
        ("features.2.steps", Dtype::I64, vec![1], &[0xff; 8]),
    ]);
    let read = weights::read(&bytes, &[Family::Vgg]).unwrap();
    let expected =
        "the weights have NaN or infinity in `features.0.bias` (1 of 1), `features.0.weight` (2 of 1728)";
    assert_eq!(read.finite().unwrap_err().to_string(), expected);
}

/// A reference file of the readers.
fn reference(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../formats/tests/ref/sg2/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn of_a_checkpoint_only_the_generator_is_read() {
    let bytes = reference("sg2_16_nhwc_proto4.pkl");
    let read = weights::read(&bytes, &[Family::StyleGan2Generator]).unwrap().finite().unwrap();
    assert_eq!(
        (read.family, read.settings["img_resolution"].as_u64()),
        (Family::StyleGan2Generator, Some(16))
    );
    let expected = weights::read_all(&reference("sg2_16_nhwc.safetensors")).unwrap();
    let numbers = |tensor: &candle_core::Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let mut compared = 0;
    for (name, tensor) in &expected {
        let Some(name) = name.strip_prefix("G_ema.") else { continue };
        assert_eq!(numbers(&read.tensors[name]), numbers(tensor), "{name}");
        compared += 1;
    }
    assert_eq!(read.tensors.len(), compared);
    let error = weights::read(&bytes, &[Family::Vgg, Family::AdainEncoder]).unwrap_err().to_string();
    let expected = "this is a StyleGAN2 generator: LoadStyleGAN's `weights` takes it; needed is a VGG or \
                    pytorch-AdaIN's encoder";
    assert_eq!(error, expected);
}
