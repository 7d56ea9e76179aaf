use std::io::ErrorKind;
use std::path::Path;

use dreamwire_formats::{self as formats, Archive, Limits};
use dreamwire_graph::Class;

use super::Refused;
use crate::exit::Exit;

/// A file of weights, read once. Tensors borrow from it.
pub(super) struct File<'p> {
    path: &'p Path,
    pub(super) bytes: Vec<u8>,
}

impl<'p> File<'p> {
    /// Reads the file whole.
    ///
    /// # Errors
    ///
    /// If it cannot be read, is not a regular file, or is larger than memory.
    pub(super) fn read(path: &'p Path) -> Result<Self, Refused> {
        let is_device = std::fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir());
        if is_device {
            // It may never end.
            let message = format!("`{}` is not a regular file", path.display());
            return Err(Refused { message, hint: None, exit: Exit::INPUT });
        }
        let bytes = std::fs::read(path).map_err(|error| {
            let exit = match error.kind() {
                ErrorKind::OutOfMemory => Exit::for_class(Class::Limit),
                _ => Exit::INPUT,
            };
            Refused { message: format!("cannot read `{}`: {error}", path.display()), hint: None, exit }
        })?;
        Ok(Self { path, bytes })
    }

    /// What it holds.
    ///
    /// # Errors
    ///
    /// If it is another kind of file, damaged, or wants code to be run.
    pub(super) fn archive(&self) -> Result<Archive<'_>, Refused> {
        formats::read(&self.bytes, &Limits::default()).map_err(|error| self.refused(&error))
    }

    /// The refusal of this file for that reason.
    pub(super) fn refused(&self, error: &formats::Error) -> Refused {
        let message = format!("`{}`: {error}", self.path.display());
        Refused { message, hint: error.hint().map(|hint| hint.to_string()), exit: Exit::INPUT }
    }

    /// Its name without folders.
    pub(super) fn name(&self) -> String {
        self.path.file_name().unwrap_or(self.path.as_os_str()).to_string_lossy().into_owned()
    }

    /// The hash of its bytes.
    pub(super) fn blake3(&self) -> String {
        blake3::hash(&self.bytes).to_hex().to_string()
    }
}
