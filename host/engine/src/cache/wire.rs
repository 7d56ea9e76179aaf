//! Results as text: values in JSON, with large contents beside it, named by their hash.

use super::entry::{Entry, Part, Saved};
use crate::{Dtype, Tensor, Value};
use blake3::Hash;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Rises when the meaning of stored results changes.
const FORMAT: u32 = 1;
/// The format of results in parts, which older programs do not know.
const FORMAT_OF_PARTS: u32 = 2;
/// Contents up to this many bytes are written into the text: one file instead of two.
const INLINE_BYTES: usize = 512;

/// A result as it is stored.
#[derive(Serialize, Deserialize)]
pub(super) struct Manifest {
    format: u32,
    outputs: Vec<Output>,
    saved: Vec<File>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    parts: Vec<Rows>,
}

/// A part.
#[derive(Serialize, Deserialize)]
struct Rows {
    key: String,
    rows: usize,
    files: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Output {
    None,
    Bool(bool),
    Int(i64),
    /// The bits: JSON has no infinity, and readers differ in the last digit.
    Float(u64),
    Text(String),
    Tensor {
        dtype: String,
        shape: Vec<i64>,
        content: Content,
    },
}

#[derive(Serialize, Deserialize)]
struct File {
    template: String,
    content: Content,
}

/// Bytes, in hexadecimal, or the name and length of the blob that has them.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Content {
    Inline(String),
    Blob { hash: String, len: u64 },
}

impl Manifest {
    /// The stored form of a result; `None` if a function is among its outputs. `keep` stores a blob.
    pub(super) fn of(entry: &Entry, mut keep: impl FnMut(&[u8], Hash) -> bool) -> Option<Self> {
        let mut content = |bytes: &[u8], hash: &dyn Fn() -> Hash| {
            if bytes.len() <= INLINE_BYTES {
                return Some(Content::Inline(bytes.iter().map(|byte| format!("{byte:02x}")).collect()));
            }
            let hash = hash();
            keep(bytes, hash)
                .then(|| Content::Blob { hash: hash.to_hex().to_string(), len: bytes.len() as u64 })
        };
        let mut outputs = Vec::new();
        for value in &entry.outputs {
            outputs.push(match value {
                Value::None => Output::None,
                Value::Bool(value) => Output::Bool(*value),
                Value::Int(value) => Output::Int(*value),
                Value::Float(value) => Output::Float(value.to_bits()),
                Value::Text(text) => Output::Text(text.to_string()),
                Value::Tensor(tensor) => Output::Tensor {
                    dtype: tensor.dtype().name().to_owned(),
                    shape: tensor.shape().to_vec(),
                    content: content(tensor.bytes(), &|| tensor.bytes_hash())?,
                },
                Value::Function(_) => return None,
            });
        }
        let mut saved = Vec::new();
        for file in &entry.saved {
            let template = file.template.clone();
            saved.push(File { template, content: content(&file.bytes, &|| file.hash)? });
        }
        let rows =
            |part: &Part| Rows { key: part.key.to_hex().to_string(), rows: part.rows, files: part.files };
        let parts: Vec<Rows> = entry.parts.iter().map(rows).collect();
        let format = if parts.is_empty() { FORMAT } else { FORMAT_OF_PARTS };
        Some(Self { format, outputs, saved, parts })
    }

    /// The hash and length of each blob.
    pub(super) fn blobs(&self) -> impl Iterator<Item = (&str, u64)> {
        let tensors = self.outputs.iter().filter_map(|output| match output {
            Output::Tensor { content, .. } => Some(content),
            _ => None,
        });
        tensors.chain(self.saved.iter().map(|file| &file.content)).filter_map(|content| match content {
            Content::Blob { hash, len } => Some((hash.as_str(), *len)),
            Content::Inline(_) => None,
        })
    }

    /// The result; `None` if anything is missing, damaged or of another format. `fetch` gives a blob's bytes,
    /// verified.
    pub(super) fn entry(self, fetch: impl Fn(&str, u64) -> Option<Vec<u8>>) -> Option<Entry> {
        match self.format {
            FORMAT if self.parts.is_empty() => {}
            FORMAT_OF_PARTS if !self.parts.is_empty() => {
                let part = |part: Rows| {
                    Some(Part { key: Hash::from_hex(part.key).ok()?, rows: part.rows, files: part.files })
                };
                return self.parts.into_iter().map(part).collect::<Option<_>>().map(Entry::of_parts);
            }
            _ => return None,
        }
        let bytes = |content: Content| match content {
            Content::Inline(text) => unhex(&text),
            Content::Blob { hash, len } => fetch(&hash, len),
        };
        let output = |output: Output| {
            Some(match output {
                Output::None => Value::None,
                Output::Bool(value) => Value::Bool(value),
                Output::Int(value) => Value::Int(value),
                Output::Float(bits) => Value::Float(f64::from_bits(bits)),
                Output::Text(text) => Value::Text(text.into()),
                Output::Tensor { dtype, shape, content } => {
                    let dtype = Dtype::named(&dtype)?;
                    Value::Tensor(Tensor::copied(dtype, shape, bytes(content)?)?)
                }
            })
        };
        let outputs = self.outputs.into_iter().map(output).collect::<Option<Vec<Value>>>()?;
        let saved = self.saved.into_iter().map(|file| {
            let bytes: Arc<[u8]> = bytes(file.content)?.into();
            Some(Saved { template: file.template, hash: blake3::hash(&bytes), bytes })
        });
        Some(Entry::new(outputs, saved.collect::<Option<Vec<Saved>>>()?))
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    (digits.len().is_multiple_of(2) && digits.iter().all(u8::is_ascii_hexdigit))
        .then(|| digits.chunks(2).map(pair).collect())?
}
