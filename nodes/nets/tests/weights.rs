//! Reading weights files, and errors for other files.

use std::collections::HashMap;

use candle_core::DType;
use dreamwire_nets::weights;
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
    let error = weights::read(bytes).unwrap_err().to_string();
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
    let tensors = weights::read(&bytes).unwrap();
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
        weights::read(&file(&[quantised.clone(), ("k.weight.scale", Dtype::F32, vec![2], &scale)])).unwrap();
    assert_eq!(tensors.len(), 1);
    let weight = &tensors["k.weight"];
    assert_eq!((weight.dims(), weight.dtype()), (&shape[..], DType::F32));
    assert_eq!(weight.flatten_all().unwrap().to_vec1::<f32>().unwrap(), [0.5, -1.0, 254.0, -256.0]);

    check_error(
        &file(std::slice::from_ref(&quantised)),
        "tensor `k.weight.q8` is quantised: its scale `k.weight.scale` must be f32 [2], found nothing",
    );
    let short = ("k.weight.scale", Dtype::F32, vec![1], &scale[..4]);
    check_error(
        &file(&[quantised, short]),
        "tensor `k.weight.q8` is quantised: its scale `k.weight.scale` must be f32 [2], found F32 [1]",
    );
    check_error(
        &file(&[("k", Dtype::I8, vec![4], &values)]),
        "tensor `k` has type I8, which is not supported",
    );
}

#[test]
fn other_kinds_of_file_are_recognised() {
    let legacy = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
    check_error(
        b"PK\x03\x04\x00\x00\x08\x08\x00\x00",
        "this is a PyTorch checkpoint (zip), not a safetensors file",
    );
    check_error(legacy, "this is a PyTorch checkpoint (legacy), not");
    check_error(
        b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00",
        "this is a PyTorch checkpoint (pickle), not",
    );
    check_error(
        b"\n<!DOCTYPE html><html><head>",
        "this is an HTML page, not a safetensors file; download the file",
    );
    check_error(b"<html>\n", "this is an HTML page");
    check_error(b"version https://git-lfs.github.com/spec/v1\noid sha256:4d", "this is a Git LFS pointer");
    check_error(b"\x08\x06\x12\x07pytorch\x1a\x051.9", "this is an ONNX file");
}

/// Faults: C2.
#[test]
fn damaged_files_tell_their_sizes() {
    let bytes = file(&[("x", Dtype::F32, vec![2], &[0; 8])]);
    let size = bytes.len();
    let expect = |found| format!("this safetensors file must have {size} bytes, found {found}");
    check_error(&bytes[..size - 3], &expect(size - 3));
    check_error(&[&bytes[..], b"more"].concat(), &expect(size + 4));
    check_error(&bytes[..20], &format!("this safetensors file must have {} bytes, found 20", size - 8));
    check_error(&bytes[..5], "this safetensors file must have 8 bytes, found 5");
    check_error(b"", "this is an empty file, not a safetensors file");
    check_error(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "this is a picture, not a safetensors file");
    check_error(b"#!/bin/sh\necho hello\n", "this is a text file, not a safetensors file");

    let mut lying = bytes.clone();
    lying[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    check_error(&lying, &format!("this safetensors file of {size} bytes is damaged: "));
    let header = br#"{"x":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#;
    let lying = [&(header.len() as u64).to_le_bytes()[..], header, &[0; 8]].concat();
    check_error(&lying, &format!("this safetensors file of {} bytes is damaged: ", lying.len()));
}
