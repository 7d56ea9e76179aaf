//! safetensors files.

use std::collections::HashMap;
use std::io::{self, Write};

use safetensors::SafeTensors;
use safetensors::tensor::{Metadata, TensorInfo};

use crate::archive::{Archive, Format};
use crate::bytes::Bytes;
use crate::dtype::DType;
use crate::error::Error;
use crate::limits::Budget;
use crate::quantised;
use crate::tensor::{Storage, Tensor, View, dense_strides};

/// The crate's own limit of a header; beyond it the length itself is wrong.
const MAX_HEADER: u64 = 100_000_000;

/// Whether the bytes start as a safetensors file: the length of a header, and the header's brace.
pub(crate) fn is_one(bytes: &[u8]) -> bool {
    bytes.get(8) == Some(&b'{') && bytes.get(4..8).is_some_and(|high| high == [0; 4])
}

/// Reads a safetensors file.
pub(crate) fn read<'a>(bytes: &'a [u8], budget: &Budget) -> Result<Archive<'a>, Error> {
    check_size(bytes)?;
    let damaged = |error: safetensors::SafeTensorError| Error::Damaged(error.to_string());
    let file = SafeTensors::deserialize(bytes).map_err(damaged)?;
    let mut archive = Archive::new(Format::Safetensors);
    let mut views: Vec<_> = file.iter().collect();
    // The order of the file is the order of the data.
    views.sort_by_key(|(name, view)| (view.data().as_ptr(), *name));
    for (name, view) in views {
        let unsupported =
            |dtype| Error::tensor(name, format!("has the type {dtype}, which is not supported"));
        let dtype = DType::try_from(view.dtype()).map_err(unsupported)?;
        let storage = Storage { bytes: Bytes::of_file(view.data()), dtype: Some(dtype), big_endian: false };
        let shape = view.shape().to_vec();
        let strides = dense_strides(&shape, false);
        let tensor = Tensor::new(&storage, View { dtype, offset: 0, shape, strides });
        archive.insert(name.to_owned(), tensor.map_err(|problem| Error::tensor(name, problem))?, budget)?;
    }
    quantised::pair_up(&mut archive, budget)?;
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
    let texts = metadata.metadata().clone().unwrap_or_default();
    let mut texts: Vec<_> = texts.into_iter().map(|(key, text)| (key, text.into())).collect();
    texts.sort_by(|(one, _), (other, _)| one.cmp(other));
    archive.add_metadata(texts.into_iter().collect());
    Ok(archive)
}

/// Checks the length that the header declares, because the safetensors crate's error does not state it.
fn check_size(bytes: &[u8]) -> Result<(), Error> {
    let found = bytes.len() as u64;
    let ends = |expected: u64| {
        let problem = format!("it must have {expected} bytes, found {found}");
        Err(if found < expected { Error::Truncated(problem) } else { Error::Damaged(problem) })
    };
    let Some((length, rest)) = bytes.split_first_chunk::<8>() else { return ends(8) };
    let header = u64::from_le_bytes(*length);
    if header > MAX_HEADER {
        return Ok(());
    }
    let Some(text) = usize::try_from(header).ok().and_then(|header| rest.get(..header)) else {
        return ends(8 + header);
    };
    match serde_json::from_slice::<Metadata>(text) {
        Ok(metadata) if 8 + header + metadata.data_len() as u64 != found => {
            ends(8 + header + metadata.data_len() as u64)
        }
        // `deserialize` reports what is wrong with the header.
        _ => Ok(()),
    }
}

/// Writes tensors as a safetensors file, with a text called `key` in its metadata. One tensor after the other is put in
/// order and written, so that they need no memory together.
///
/// # Errors
///
/// If two tensors have the same name, or those of `out`.
pub fn write<'s, 'a: 's>(
    out: &mut impl Write,
    tensors: impl IntoIterator<Item = (&'s str, &'s Tensor<'a>)>,
    (key, text): (&str, &str),
) -> io::Result<()> {
    let mut tensors: Vec<_> = tensors.into_iter().collect();
    // As the safetensors crate does: the widest type first, so that all data is aligned.
    tensors.sort_by_key(|(name, tensor)| (std::cmp::Reverse(tensor.dtype().size()), *name));
    let mut end = 0;
    let infos = tensors.iter().map(|(name, tensor)| {
        let start = end;
        end += tensor.byte_len();
        let (dtype, shape) = (tensor.dtype().into(), tensor.shape().to_vec());
        ((*name).to_owned(), TensorInfo { dtype, shape, data_offsets: (start, end) })
    });
    let texts = HashMap::from([(key.to_owned(), text.to_owned())]);
    let header = Metadata::new(Some(texts), infos.collect()).map_err(io::Error::other)?;
    let mut header = serde_json::to_vec(&header)?;
    header.resize(header.len().next_multiple_of(8), b' ');
    out.write_all(&(header.len() as u64).to_le_bytes())?;
    out.write_all(&header)?;
    tensors.iter().try_for_each(|(_, tensor)| out.write_all(&tensor.data()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    fn archive(bytes: &[u8]) -> Archive<'_> {
        crate::read(bytes, &Limits::default()).expect("it is read")
    }

    /// Name, type and bytes of every tensor of the archive.
    fn content<'s>(archive: &'s Archive<'_>) -> Vec<(&'s str, DType, Vec<u8>)> {
        let mut content: Vec<_> = archive
            .tensors
            .iter()
            .map(|(name, tensor)| (name.as_str(), tensor.dtype(), tensor.data().into_owned()))
            .collect();
        content.sort_by_key(|(name, ..)| *name);
        content
    }

    #[test]
    fn what_is_written_is_read_again() {
        for name in ["noncontiguous.pt", "mixed_dtypes_legacy.pth"] {
            let path = format!("{}/tests/ref/pickle/{name}", env!("CARGO_MANIFEST_DIR"));
            let bytes = std::fs::read(path).expect("the file is there");
            let original = archive(&bytes);
            let mut written = Vec::new();
            let tensors = original.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor));
            write(&mut written, tensors, ("dreamwire", r#"{"a": "ä"}"#)).expect("memory takes it");
            let again = archive(&written);
            assert_eq!(content(&again), content(&original), "{name}");
            assert_eq!(again.metadata["dreamwire"], r#"{"a": "ä"}"#);
        }
    }

    #[test]
    fn a_full_disk_is_an_error() {
        let header = br#"{"a":{"dtype":"F32","shape":[100],"data_offsets":[0,400]}}"#;
        let file = [&(header.len() as u64).to_le_bytes()[..], header, &[0; 400]].concat();
        let original = archive(&file);
        let tensors = original.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor));
        let mut room = [0; 100];
        let error = write(&mut &mut room[..], tensors, ("key", "text")).expect_err("it has no room");
        assert_eq!(error.kind(), io::ErrorKind::WriteZero);
    }
}
