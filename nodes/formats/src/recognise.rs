//! What a file is, by its content.

use crate::archive::Format;
use crate::numpy;
use crate::safetensors_file;
use crate::torch::legacy;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A file that can be read; a pickle or zip file may turn out to hold something else.
    Weights(Format),
    /// A zip file that is none of these.
    Zip,
    /// A web page.
    Html,
    /// A tar archive.
    Tar,
    /// Compressed by gzip, bzip2, xz or zstd.
    Compressed,
    /// What Git has in the place of a large file.
    LfsPointer,
    /// ONNX.
    Onnx,
    /// GGUF.
    Gguf,
    /// HDF5, which Keras uses.
    Hdf5,
    /// A model of Caffe, Torch 7 or TensorFlow.
    OtherFramework(&'static str),
    /// PNG, JPEG, WebP, GIF or TIFF.
    Picture,
    /// A text file.
    Text,
    /// No bytes.
    Empty,
    /// Nothing that is known.
    Unknown,
}

impl What {
    /// Its name in a sentence, with an article.
    pub fn name(self) -> &'static str {
        match self {
            Self::Weights(format) => format.name(),
            Self::Zip => "a zip file",
            Self::Html => "an HTML page",
            Self::Tar => "a tar archive",
            Self::Compressed => "a compressed file",
            Self::LfsPointer => "a Git LFS pointer",
            Self::Onnx => "an ONNX file",
            Self::Gguf => "a GGUF file",
            Self::Hdf5 => "an HDF5 file",
            Self::OtherFramework(name) => name,
            Self::Picture => "a picture",
            Self::Text => "a text file",
            Self::Empty => "an empty file",
            Self::Unknown => "an unknown kind of file",
        }
    }

    /// What to do about it, if it holds no weights.
    pub fn hint(self) -> Option<&'static str> {
        match self {
            Self::Html | Self::LfsPointer => Some("download the file itself, not a page or pointer to it"),
            Self::Empty => Some("download or copy it again"),
            Self::Zip | Self::Compressed => Some("unpack it first: the weights may be a file inside"),
            Self::Tar => Some(
                "unpack it first: the weights may be a file inside; if PyTorch before 0.1.10 wrote it, save it again \
                 with a current PyTorch",
            ),
            Self::Onnx | Self::Gguf | Self::Hdf5 | Self::OtherFramework(_) => {
                Some("get the network's PyTorch checkpoint or its .safetensors")
            }
            Self::Picture | Self::Text | Self::Unknown => {
                Some("weights are .safetensors, .pt, .pth, .pkl, .npy or .npz files")
            }
            Self::Weights(_) => None,
        }
    }
}

/// What a file is, by its first bytes.
pub fn recognise(bytes: &[u8]) -> What {
    let text = bytes.get(..bytes.len().min(256)).unwrap_or_default().trim_ascii_start().to_ascii_lowercase();
    let starts = |magics: &[&[u8]]| magics.iter().any(|magic| bytes.starts_with(magic));
    if bytes.is_empty() {
        What::Empty
    } else if safetensors_file::is_one(bytes) {
        What::Weights(Format::Safetensors)
    } else if starts(&[b"PK\x03\x04", b"PK\x05\x06"]) {
        What::Zip
    } else if starts(&[legacy::MAGIC]) {
        What::Weights(Format::TorchLegacy)
    } else if starts(&[numpy::MAGIC]) {
        What::Weights(Format::Npy)
    } else if matches!(bytes, [0x80, 0..=5, ..]) || is_old_pickle(bytes) {
        What::Weights(Format::Pickle)
    } else if starts(&[b"GGUF", b"ggml", b"lmgg", b"tjgg"]) {
        What::Gguf
    } else if starts(&[b"\x89HDF\r\n\x1a\n"]) {
        What::Hdf5
    } else if starts(&[
        b"\x1f\x8b",
        b"BZh",
        b"\xfd7zXZ\0",
        b"\x28\xb5\x2f\xfd",
        b"7z\xbc\xaf\x27\x1c",
        b"Rar!",
    ]) {
        What::Compressed
    } else if is_picture(bytes) {
        What::Picture
    } else if bytes.get(257..262).is_some_and(|magic| magic == b"ustar") {
        What::Tar
    } else if [&b"<!doctype html"[..], b"<html", b"<head", b"<?xml"].iter().any(|tag| text.starts_with(tag)) {
        What::Html
    } else if text.starts_with(b"version https://git-lfs") {
        What::LfsPointer
    } else if let Some(name) = other_framework(bytes) {
        What::OtherFramework(name)
    } else if is_onnx(bytes) {
        What::Onnx
    } else if is_text(bytes) {
        What::Text
    } else {
        What::Unknown
    }
}

fn is_picture(bytes: &[u8]) -> bool {
    let magics: [&[u8]; 7] =
        [b"\x89PNG", b"\xff\xd8\xff", b"RIFF", b"GIF8", b"II*\0", b"MM\0*", b"\x76\x2f\x31\x01"];
    magics.iter().any(|magic| bytes.starts_with(magic))
}

/// Protocols 0 and 1 have no first byte of their own: a container, or a class, and the stop at the end.
fn is_old_pickle(bytes: &[u8]) -> bool {
    let starts = match bytes {
        [b'(', second, ..] => b"dliptcVSUX(FIKGN".contains(second),
        [b'}' | b']', b'q', ..] => true,
        [b'c', rest @ ..] => rest.iter().take(200).filter(|byte| **byte == b'\n').count() >= 2,
        _ => false,
    };
    starts && bytes.trim_ascii_end().ends_with(b".")
}

fn other_framework(bytes: &[u8]) -> Option<&'static str> {
    // Torch 7 writes an object as its type (4), an index (1), and the length and text of its version.
    if bytes.starts_with(&[4, 0, 0, 0, 1, 0, 0, 0])
        && bytes.get(12..14).is_some_and(|version| version == b"V ")
    {
        return Some("a model of Torch 7 (Lua)");
    }
    // A Caffe network is protobuf: field 1 is its name, then come layers (field 2 or 100).
    if let [0x0a, length @ 1..=64, rest @ ..] = bytes {
        let (name, after) = rest.split_at_checked(usize::from(*length))?;
        let is_name = name.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
        if is_name && matches!(after, [0x12, ..] | [0xa2, 0x06, ..]) {
            return Some("a network of Caffe or a graph of TensorFlow");
        }
    }
    None
}

/// ONNX is protobuf: field 1 (the format's version, a small number), then usually field 2 (the producer's name, a short
/// text), otherwise field 7 or 8 (graph, opset).
fn is_onnx(bytes: &[u8]) -> bool {
    match bytes {
        [0x08, 1..=32, 0x12, length, rest @ ..] => {
            let name = &rest[..rest.len().min(usize::from(*length))];
            !name.is_empty() && name.iter().all(u8::is_ascii_graphic)
        }
        [0x08, 1..=32, 0x3a | 0x42, ..] => true,
        _ => false,
    }
}

fn is_text(bytes: &[u8]) -> bool {
    let start = bytes.get(..bytes.len().min(512)).unwrap_or_default();
    let whole = match std::str::from_utf8(start) {
        Ok(_) => true,
        // The last letter was cut.
        Err(error) => error.error_len().is_none() && start.len() == 512,
    };
    whole && !start.contains(&0)
}
