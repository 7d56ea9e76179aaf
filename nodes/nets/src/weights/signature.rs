/// What pickle writes before PyTorch's magic number of checkpoints, in files older than version 1.6.
const TORCH_LEGACY: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";

const CONVERT: &str = "; convert it to safetensors first (docs/guide.md explains how)";
const FETCH: &str = "; download the file itself, not a page or pointer to it";

/// The kind of file, and a hint, if these are the first bytes of a well-known format other than safetensors.
pub(super) fn recognise(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    let is_safetensors = bytes.get(8) == Some(&b'{') && bytes[4..8] == [0; 4];
    if is_safetensors {
        return None;
    }
    let text = bytes[..bytes.len().min(256)].trim_ascii_start().to_ascii_lowercase();
    let found = if bytes.starts_with(b"PK\x03\x04") {
        ("a PyTorch checkpoint (zip)", CONVERT)
    } else if bytes.starts_with(TORCH_LEGACY) {
        ("a PyTorch checkpoint (legacy)", CONVERT)
    } else if matches!(bytes, [0x80, 2..=5, ..]) {
        ("a PyTorch checkpoint (pickle)", CONVERT)
    } else if text.starts_with(b"<!doctype html") || text.starts_with(b"<html") {
        ("an HTML page", FETCH)
    } else if text.starts_with(b"version https://git-lfs") {
        ("a Git LFS pointer", FETCH)
    } else if is_onnx(bytes) {
        ("an ONNX file", CONVERT)
    } else if bytes.starts_with(b"\x89PNG")
        || bytes.starts_with(b"\xff\xd8\xff")
        || bytes.starts_with(b"RIFF")
    {
        ("a picture", "")
    } else if bytes.is_empty() {
        ("an empty file", "")
    } else if bytes.len() >= 8 && std::str::from_utf8(&bytes[..bytes.len().min(64)]).is_ok() {
        ("a text file", "")
    } else {
        return None;
    };
    Some(found)
}

/// ONNX is protobuf: field 1 (the format's version, a small number), then usually field 2 (the
/// producer's name, a short text), otherwise field 7 or 8 (graph, opset).
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
