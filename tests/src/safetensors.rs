//! Weights files for tests: made of zeros, and read without the code under test.

use serde_json::{Map, Value, json};
use std::path::Path;

/// A safetensors file of float32 zeros with these names and shapes.
pub fn zeros(tensors: &[(&str, &[usize])]) -> Vec<u8> {
    let mut header = Map::new();
    let mut end = 0;
    for (name, shape) in tensors {
        let start = end;
        end += 4 * shape.iter().product::<usize>();
        let tensor = json!({ "dtype": "F32", "shape": shape, "data_offsets": [start, end] });
        header.insert((*name).to_owned(), tensor);
    }
    let header = Value::Object(header).to_string();
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    file.resize(file.len() + end, 0);
    file
}

/// Names and shapes of what a safetensors file holds, in the order of its header.
///
/// # Panics
/// If it is not such a file.
pub fn shapes(file: &Path) -> Vec<(String, Vec<usize>)> {
    let (header, _) = parts(file);
    let shape = |tensor: &Value| numbers(&tensor["shape"]);
    let tensors = header.iter().filter(|(name, _)| *name != "__metadata__");
    tensors.map(|(name, tensor)| (name.clone(), shape(tensor))).collect()
}

/// The bytes of one tensor of a safetensors file.
///
/// # Panics
/// If it is not such a file, or holds no such tensor.
pub fn tensor(file: &Path, name: &str) -> Vec<u8> {
    let (header, data) = parts(file);
    let tensor = header.get(name).unwrap_or_else(|| panic!("{} holds no `{name}`", file.display()));
    match numbers(&tensor["data_offsets"])[..] {
        [start, end] => data[start..end].to_vec(),
        _ => panic!("`{name}` of {} has no place", file.display()),
    }
}

fn parts(file: &Path) -> (Map<String, Value>, Vec<u8>) {
    let bytes = std::fs::read(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let (length, rest) = bytes.split_first_chunk::<8>().expect("a safetensors file starts with a length");
    let (header, data) = rest.split_at(u64::from_le_bytes(*length) as usize);
    let header = serde_json::from_slice(header).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    (header, data.to_vec())
}

fn numbers(list: &Value) -> Vec<usize> {
    let list = list.as_array().expect("a list of numbers");
    list.iter().map(|number| number.as_u64().expect("a number") as usize).collect()
}
