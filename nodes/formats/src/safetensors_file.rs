//! safetensors files.

use safetensors::SafeTensors;
use safetensors::tensor::Metadata;

use crate::archive::{Archive, Format};
use crate::bytes::Bytes;
use crate::dtype::DType;
use crate::error::Error;
use crate::limits::Budget;
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
