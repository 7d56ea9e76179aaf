//! Arrays of floating point numbers in files, as latents and directions are kept.

use dreamwire_formats::{self as formats, Archive, DType, Limits, What};
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
        let (message, hint) = words(&error);
        let refused = Error::content(format!("`{name}`: {message}"));
        match hint {
            Some(hint) => refused.hint(hint),
            None => refused,
        }
    })
}

/// Message and hint of an error; those of `formats` speak of the weights of networks.
fn words(error: &formats::Error) -> (String, Option<&str>) {
    match error {
        formats::Error::NotWeights(what) => {
            let hint = match what {
                What::Zip | What::Compressed | What::Tar => {
                    Some("unpack it first: the arrays may be in a file inside")
                }
                What::Html | What::LfsPointer | What::Empty => what.hint(),
                _ => Some("arrays are in .npz, .npy and .safetensors files, or saved by PyTorch"),
            };
            (format!("this is {}, not a file of arrays", what.name()), hint)
        }
        formats::Error::NoTensors(what) => (format!("this is {what}; there are no arrays in it"), None),
        formats::Error::Limit { what, limit } => {
            (format!("the file has more {what} than a file of arrays needs (limit {limit})"), error.hint())
        }
        formats::Error::Code { global, at } => {
            let message = format!(
                "this pickle asks Python to call `{global}` (byte {at}), which no array needs; nothing of it was run"
            );
            (message, error.hint())
        }
        _ => (error.to_string(), error.hint()),
    }
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
        let check = |file: &[u8], expected: &str| {
            assert_eq!(open("it", file).expect_err("refused").to_string(), expected);
        };
        check(
            b"<!doctype html><title>404</title>",
            "`it`: this is an HTML page, not a file of arrays; hint: download the file itself, not a page or pointer to \
             it",
        );
        check(
            b"\x89PNG\r\n\x1a\n",
            "`it`: this is a picture, not a file of arrays; hint: arrays are in .npz, .npy and .safetensors files, or \
             saved by PyTorch",
        );
        check(
            b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            "`it`: this is a zip file, not a file of arrays; hint: unpack it first: the arrays may be in a file inside",
        );
        check(b"\x80\x02}.", "`it`: this is a pickle; there are no arrays in it");
        check(
            b"cos\nsystem\n(S'touch ran'\ntR.",
            "`it`: this pickle asks Python to call `os.system` (byte 0), which no array needs; nothing of it was run; \
             hint: do not open this file in Python: it may be an attack",
        );
    }
}
