//! Small files with tensors of chosen names and shapes, and hashes of bytes.
#![allow(dead_code, reason = "each test file uses a part")]

use std::collections::HashMap;

use dreamwire_formats::{Archive, Limits, read};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

pub(crate) fn open(bytes: &[u8]) -> Archive<'_> {
    read(bytes, &Limits::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// A safetensors file with tensors of f32, filled with 0, 1, ...
pub(crate) fn file(tensors: &[(&str, &[usize])], metadata: Option<HashMap<String, String>>) -> Vec<u8> {
    let bytes: Vec<Vec<u8>> = tensors
        .iter()
        .map(|(_, shape)| {
            (0..shape.iter().product()).flat_map(|value: usize| (value as f32).to_le_bytes()).collect()
        })
        .collect();
    let views = tensors.iter().zip(&bytes).map(|((name, shape), bytes)| {
        (*name, TensorView::new(Dtype::F32, shape.to_vec(), bytes).expect("as many bytes as the shape says"))
    });
    safetensors::serialize(views, metadata).expect("sound tensors")
}

/// FNV-1a of 64 bits, in hexadecimal.
pub(crate) fn fnv(bytes: &[u8]) -> String {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}
