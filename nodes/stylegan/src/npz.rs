//! `.npz` files as NumPy writes them.

use std::io::{Cursor, Write};

use dreamwire_sdk::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// An `.npz` file of one array, as `numpy.savez(file, NAME=array)` makes it, but for the times of entries: the same
/// array makes the same bytes.
///
/// # Errors
///
/// If the array is too large for a zip file.
pub(crate) fn npz(name: &str, shape: &[usize], values: &[f32]) -> Result<Vec<u8>> {
    let array = npy(shape, values);
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default())
        .large_file(u32::try_from(array.len()).is_err());
    let failed = |error: &dyn std::fmt::Display| Error::failed(format!("cannot write the array: {error}"));
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file(format!("{name}.npy"), options).map_err(|error| failed(&error))?;
    zip.write_all(&array).map_err(|error| failed(&error))?;
    Ok(zip.finish().map_err(|error| failed(&error))?.into_inner())
}

/// An `.npy` file, version 1.0: the array in float32, row-major.
pub(crate) fn npy(shape: &[usize], values: &[f32]) -> Vec<u8> {
    // A tuple of one has a comma in Python.
    let sizes: String = match shape {
        [one] => format!("{one},"),
        sizes => sizes.iter().map(usize::to_string).collect::<Vec<_>>().join(", "),
    };
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({sizes}), }}");
    // Magic, version and length have 10 bytes; with the header and its end of line they fill lines of 64.
    let padded = (10 + header.len() + 1).next_multiple_of(64) - 11;
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    // At most three sizes of 20 digits: far below 65,536.
    file.extend(((padded + 1) as u16).to_le_bytes());
    file.extend(format!("{header:<padded$}\n").as_bytes());
    file.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `numpy.save(file, numpy.array([[1, 2, 3]], 'float32'))`.
    #[test]
    fn an_array_is_numpy_s() {
        let mut expected = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
        let header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }";
        expected.extend(header);
        expected.extend(vec![b' '; 0x75 - header.len()]);
        expected.extend(b"\n\x00\x00\x80\x3f\x00\x00\x00\x40\x00\x00\x40\x40");
        assert_eq!(npy(&[1, 3], &[1.0, 2.0, 3.0]), expected);
        let one = npy(&[1], &[1.0]);
        assert!(one.starts_with(
            b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }"
        ));
    }

    #[test]
    fn the_same_array_makes_the_same_bytes() {
        let file = || npz("w", &[1, 2], &[0.5, 1.5]).expect("it is written");
        assert_eq!(file(), file());
        let file = file();
        let archive = dreamwire_formats::read(&file, &dreamwire_formats::Limits::default()).expect("an npz");
        assert_eq!(archive.tensors["w"].shape(), [1, 2]);
        assert_eq!(archive.tensors["w"].to_f32(), [0.5, 1.5]);
    }
}
