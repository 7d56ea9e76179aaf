//! Arrays of floating point numbers in files, as latents and directions are kept.

use dreamwire_formats::{self as formats, Archive, DType, Limits};
use dreamwire_sdk::prelude::Error;

type Result<T> = std::result::Result<T, Error>;

/// How many arrays a refusal lists.
const LISTED: usize = 5;

/// The arrays of a file, whatever its format; `name` is for messages.
///
/// # Errors
///
/// If it is another kind of file, or damaged: says which, and what to do.
pub(crate) fn open<'a>(name: &str, bytes: &'a [u8]) -> Result<Archive<'a>> {
    formats::read(bytes, &Limits::default()).map_err(|error| {
        let refused = Error::content(format!("`{name}`: {error}"));
        match error.hint() {
            Some(hint) => refused.hint(hint),
            None => refused,
        }
    })
}

/// The numbers of an array as f32.
///
/// # Errors
///
/// If they are not floating point, or not finite.
pub(crate) fn floats(name: &str, array: &str, tensor: &formats::Tensor<'_>) -> Result<Vec<f32>> {
    if !matches!(tensor.dtype(), DType::F16 | DType::BF16 | DType::F32 | DType::F64) {
        let found = tensor.dtype().name();
        let message = format!("`{name}`: `{array}` must have floating point numbers, found {found}");
        return Err(Error::content(message));
    }
    let values = tensor.to_f32();
    match values.iter().filter(|value| !value.is_finite()).count() {
        0 => Ok(values),
        wrong => {
            let message = format!("`{name}`: {wrong} of the numbers in `{array}` are NaN or infinite as f32");
            Err(Error::content(message))
        }
    }
}

/// What a file is and holds, in words: `a NumPy array with array F32 [4, 512]`.
pub(crate) fn described(archive: &Archive<'_>) -> String {
    let arrays = archive.tensors.iter().take(LISTED);
    let arrays =
        arrays.map(|(name, tensor)| format!("`{name}` {} {:?}", tensor.dtype().name(), tensor.shape()));
    let mut text = format!("{} with {}", archive.format.name(), arrays.collect::<Vec<_>>().join(", "));
    if archive.tensors.len() > LISTED {
        text += &format!(" and {} more", archive.tensors.len() - LISTED);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::npz;

    #[test]
    fn files_are_described_by_what_they_hold() {
        let file = npz::npy(&[2, 3], &[0.0; 6]);
        let archive = open("it", &file).expect("an array");
        assert_eq!(described(&archive), "a NumPy array with `array` F32 [2, 3]");
    }

    #[test]
    fn numbers_that_cannot_be_used_are_counted() {
        let file = npz::npy(&[4], &[0.0, f32::NAN, 1.0, f32::INFINITY]);
        let archive = open("it.npy", &file).expect("an array");
        let error = floats("it.npy", "array", &archive.tensors["array"]).expect_err("refused");
        assert_eq!(error.to_string(), "`it.npy`: 2 of the numbers in `array` are NaN or infinite as f32");
    }

    #[test]
    fn other_files_are_called_by_their_names() {
        let error = open("it.npz", b"<!doctype html><title>404</title>").expect_err("refused");
        assert!(error.to_string().starts_with("`it.npz`: this is an HTML page"), "{error}");
    }
}
