//! A published picture, to be compared with what would be made now.

use std::io::{Error, ErrorKind, Result};
use std::path::Path;

use dreamwire_engine::{Hash, Record, metadata};

/// The largest picture that is read, in bytes.
const MOST: u64 = 4 << 30;

/// A picture, and what it says of itself.
#[derive(Debug)]
pub struct SavedPicture {
    /// What it was made of; older pictures, and those of other programs, do not say it.
    pub record: Option<Record>,
    /// What it is without its metadata.
    content: Hash,
}

impl SavedPicture {
    /// Reads a picture.
    ///
    /// # Errors
    /// It cannot be read, or is no picture of a format that carries graphs.
    pub fn read(path: &Path) -> Result<Self> {
        let metadata = path.metadata()?;
        if !metadata.is_file() {
            return Err(Error::new(ErrorKind::InvalidInput, "it is not a regular file"));
        }
        if metadata.len() > MOST {
            return Err(Error::new(ErrorKind::InvalidInput, "it has more than 4 GiB"));
        }
        Self::of(&std::fs::read(path)?)
            .ok_or_else(|| Error::new(ErrorKind::InvalidData, "it is no PNG, JPEG, WebP, TIFF or OpenEXR"))
    }

    fn of(bytes: &[u8]) -> Option<Self> {
        Some(Self { record: Record::read(bytes), content: metadata::content(bytes)? })
    }

    /// Whether it is still what was published; `None` if it does not say what that was.
    pub fn is_intact(&self) -> Option<bool> {
        let record = self.record.as_ref()?;
        Some(record.content == self.content.to_hex().as_str())
    }

    /// Whether another file is the picture that was published as this one, their metadata aside. If this one does not say
    /// what was published, it is taken for it.
    pub fn was(&self, other: &Self) -> bool {
        match &self.record {
            Some(record) => record.content == other.content.to_hex().as_str(),
            None => self.content == other.content,
        }
    }
}
