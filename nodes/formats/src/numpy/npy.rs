//! `.npy` and `.npz` files.

use crate::archive::{Archive, Format};
use crate::bytes::Bytes;
use crate::container::Container;
use crate::error::Error;
use crate::limits::Budget;
use crate::tensor::{Storage, Tensor, View, dense_strides};
use crate::walk::Found;

use super::dtype::{self, Elements};
use super::header;

/// The first bytes of an `.npy` file.
pub(crate) const MAGIC: &[u8] = b"\x93NUMPY";

/// Longer headers are not written by NumPy, which refuses to read them.
const MAX_HEADER: usize = 65_536;

/// Reads an `.npy` file. Its array is named `array`.
pub(crate) fn read_npy<'a>(bytes: &'a [u8], budget: &Budget) -> Result<Archive<'a>, Error> {
    let mut archive = Archive::new(Format::Npy);
    add("array", Bytes::of_file(bytes), budget, &mut archive)?;
    Ok(archive)
}

/// Reads an `.npz` file. Arrays are named as their entries, without `.npy`.
pub(crate) fn read_npz<'a>(container: &Container<'a>, budget: &Budget) -> Result<Archive<'a>, Error> {
    let mut archive = Archive::new(Format::Npz);
    for entry in container.names() {
        let name = entry.strip_suffix(".npy").unwrap_or(entry);
        if let Some(bytes) = container.get(entry, budget)? {
            add(name, bytes, budget, &mut archive)?;
        }
    }
    Ok(archive)
}

fn add<'a>(name: &str, bytes: Bytes<'a>, budget: &Budget, archive: &mut Archive<'a>) -> Result<(), Error> {
    match array(&bytes).map_err(|problem| Error::tensor(name, problem))? {
        Found::Tensor(tensor) => archive.insert(name.to_owned(), tensor, budget)?,
        Found::Skipped(why) => archive.skipped.push((name.to_owned(), why)),
        Found::Nothing => {}
    }
    Ok(())
}

fn array<'a>(file: &Bytes<'a>) -> Result<Found<'a>, String> {
    let ends = || "ends before its header does".to_owned();
    let bytes = file.as_slice();
    let rest = bytes.strip_prefix(MAGIC).ok_or("is not an array as NumPy writes it")?;
    let (start, length) = match rest {
        [1, _, low, high, ..] => (10, usize::from(u16::from_le_bytes([*low, *high]))),
        [2 | 3, _, a, b, c, d, ..] => {
            let length = u32::from_le_bytes([*a, *b, *c, *d]);
            (12, usize::try_from(length).map_err(|_| ends())?)
        }
        [1..=3, ..] | [] => return Err(ends()),
        [version, ..] => {
            return Err(format!("has version {version} of NumPy's format, which is not supported"));
        }
    };
    if length > MAX_HEADER {
        return Err(format!("has a header of {length} bytes, more than NumPy reads"));
    }
    let header = bytes.get(start..start + length).ok_or_else(ends)?;
    let header = std::str::from_utf8(header).ok().and_then(header::parse);
    let header = header.ok_or("has a header that NumPy does not write")?;
    let (dtype, big_endian) = match dtype::parse(&header.descr) {
        Some(Elements::Numbers { dtype, big_endian }) => (dtype, big_endian),
        Some(Elements::Other(why)) => return Ok(Found::Skipped(why)),
        None => {
            return Err(format!("has the type `{}`, which is not supported", header.descr.escape_debug()));
        }
    };
    let data = file.slice(start + length..bytes.len()).ok_or_else(ends)?;
    let strides = dense_strides(&header.shape, header.column_major);
    let storage = Storage { bytes: data, dtype: Some(dtype), big_endian };
    Tensor::new(&storage, View { dtype, offset: 0, shape: header.shape, strides }).map(Found::Tensor)
}
