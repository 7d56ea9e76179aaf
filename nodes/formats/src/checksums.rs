//! The checksums of zip files, which reading does not compare: data that is stored as it is stays in the file.

use crate::container::Container;
use crate::error::Error;
use crate::limits::{Budget, Limits};
use crate::recognise::{What, recognise};

/// How the data of a file agrees with its checksums.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checksums {
    /// The entries whose data is other than when they were written, by name.
    pub wrong: Vec<String>,
    /// The entries without a checksum: PyTorch can leave them out.
    pub without: usize,
    /// The entries that are as they were written.
    pub sound: usize,
}

/// Compares every entry of a zip file with its CRC-32. Files of other formats have no checksums, and give none.
///
/// # Errors
///
/// If it is no sound zip file, or unpacks to more than `limits` allow.
pub fn checksums(bytes: &[u8], limits: &Limits) -> Result<Checksums, Error> {
    match recognise(bytes) {
        What::Zip => {
            let budget = Budget::new(limits, bytes.len());
            Container::open(bytes, &budget)?.checksums(&budget)
        }
        _ => Ok(Checksums::default()),
    }
}
