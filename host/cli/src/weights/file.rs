use std::io::ErrorKind;
use std::path::Path;

use dreamwire_formats::{self as formats, Archive, Limits};
use dreamwire_graph::{Class, did_you_mean};

use crate::exit::Exit;
use crate::output::Refused;

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
            if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) {
                return missing(path);
            }
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

/// The refusal of a file that is not there: a file with a similar name, and where it was looked for.
fn missing(path: &Path) -> Refused {
    const MOST: usize = 10_000;
    let message = format!("there is no file `{}`", path.display());
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let folder = whole.parent().unwrap_or(&whole);
    let looked = match folder.is_dir() {
        true => format!("looked for `{}`", whole.display()),
        false => format!("looked for `{}`; there is no folder `{}`", whole.display(), folder.display()),
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().take(MOST);
    let names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let name = whole.file_name().unwrap_or_default().to_string_lossy();
    let hint = match did_you_mean(&name, names.iter().map(String::as_str)) {
        Some(similar) => format!("{similar}\n{looked}"),
        None => looked,
    };
    Refused { message, hint: Some(hint), exit: Exit::INPUT }
}
