//! The file that a command writes: whole or not at all, and never by accident in the place of another.
//!
//! The engine writes results by the same steps (`world::publish`), but not with the same code: a result is in memory, has a
//! name of the engine's making and must not leave its folder, whereas this file is as large as a network, is written
//! piece by piece, and goes wherever the user says.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::exit::Exit;

/// Why a command ends without a result.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    pub(crate) exit: Exit,
}

/// A place that may be written to.
pub(crate) struct Output {
    path: PathBuf,
    force: bool,
    /// The option that names it.
    option: &'static str,
}

impl Output {
    /// The place at `path` for what is made of the file `input`, which is never replaced; another file only by `force`.
    /// Judged before anything is read, and once more when the file is written.
    ///
    /// # Errors
    ///
    /// If something is there that must not be replaced, or the folder is not there.
    pub(crate) fn at(path: PathBuf, input: &Path, force: bool) -> Result<Self, Refused> {
        Self::with_option("--out", path, input, force)
    }

    /// As [`Output::at`], of another option than `--out`.
    pub(crate) fn with_option(
        option: &'static str,
        path: PathBuf,
        input: &Path,
        force: bool,
    ) -> Result<Self, Refused> {
        let output = Self { path, force, option };
        if let (Ok(one), Ok(other)) = (output.path.canonicalize(), input.canonicalize())
            && one == other
        {
            let hint = format!("it would be lost; {option} names another file");
            return Err(output.refused("is the file that is read", &hint, Exit::USAGE));
        }
        // Also a link that leads nowhere is something.
        match output.path.symlink_metadata() {
            Ok(found) if found.is_dir() => {
                Err(output.refused("is a folder", &format!("name the file with {option} FILE"), Exit::USAGE))
            }
            Ok(_) if !force => Err(output.taken()),
            _ => output.in_a_folder(),
        }
    }

    /// The place, if its folder is there.
    fn in_a_folder(self) -> Result<Self, Refused> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        match folder.filter(|folder| !folder.is_dir()) {
            None => Ok(self),
            Some(folder) => {
                let hint = format!("make the folder `{}` first", folder.display());
                Err(self.refused("cannot be written: its folder is not there", &hint, Exit::OUTPUT))
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes what `content` writes.
    ///
    /// # Errors
    ///
    /// If the file cannot be written, or is there by now.
    pub(crate) fn write(
        &self,
        content: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
    ) -> Result<(), Refused> {
        let failed = |error: io::Error| {
            let hint = format!("give a folder that you may write to with {}, or make room", self.option);
            self.refused(&format!("cannot be written: {error}"), &hint, Exit::OUTPUT)
        };
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut builder = tempfile::Builder::new();
        builder.prefix(".dreamwire-").suffix(".tmp");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As any new file; the system takes away what the user's mask forbids.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let temporary = builder.tempfile_in(folder.unwrap_or(Path::new(".")));
        // The whole error has the name of the temporary file.
        let temporary = temporary.map_err(|error| failed(error.kind().into()))?;
        let mut writer = BufWriter::with_capacity(1 << 20, temporary.as_file());
        content(&mut writer).map_err(failed)?;
        writer.flush().map_err(failed)?;
        drop(writer);
        temporary.as_file().sync_all().map_err(failed)?;
        let kept = match self.force {
            true => temporary.persist(&self.path),
            false => temporary.persist_noclobber(&self.path),
        };
        match kept {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(self.taken()),
            Err(error) => Err(failed(error.error)),
        }
    }

    fn taken(&self) -> Refused {
        let hint = format!("--force replaces it, {} names another file", self.option);
        self.refused("exists already", &hint, Exit::USAGE)
    }

    fn refused(&self, what: &str, hint: &str, exit: Exit) -> Refused {
        let message = format!("`{}` {what}", self.path.display());
        Refused { message, hint: Some(hint.to_owned()), exit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_replaced_by_accident() {
        let folder = tempfile::tempdir().expect("a folder");
        let [path, input] = ["it.safetensors", "input.pkl"].map(|name| folder.path().join(name));
        let output = Output::at(path.clone(), &input, false).expect("it is free");
        output.write(|file| file.write_all(b"{}")).expect("it is written");
        let first = std::fs::read(&path).expect("it is there");
        assert!(Output::at(path.clone(), &input, false).is_err_and(|refused| refused.exit == Exit::USAGE));
        // It was free when it was judged.
        assert!(
            output.write(|file| file.write_all(b"other")).is_err_and(|refused| refused.exit == Exit::USAGE)
        );
        assert_eq!(std::fs::read(&path).expect("it is there"), first);
        let output = Output::at(path.clone(), &input, true).expect("it may be replaced");
        output.write(|file| file.write_all(b"other")).expect("it is written");
        assert_ne!(std::fs::read(&path).expect("it is there"), first);
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing else is left");
        assert!(
            Output::at(folder.path().to_owned(), &input, true)
                .is_err_and(|refused| refused.exit == Exit::USAGE)
        );
    }

    #[test]
    fn a_folder_that_is_not_there_is_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let input = folder.path().join("input.pkl");
        let none = folder.path().join("none/it.safetensors");
        let refused = Output::at(none, &input, false).err().expect("refused");
        assert_eq!(refused.exit, Exit::OUTPUT);
        assert!(refused.message.ends_with("none/it.safetensors` cannot be written: its folder is not there"));
        assert!(refused.hint.is_some_and(|hint| hint.ends_with("none` first")));
        // It was there when it was judged.
        std::fs::create_dir(folder.path().join("gone")).expect("a folder");
        let output =
            Output::at(folder.path().join("gone/it.safetensors"), &input, false).expect("it is free");
        std::fs::remove_dir(folder.path().join("gone")).expect("it is empty");
        let refused = output.write(|file| file.write_all(b"{}")).expect_err("the folder is gone");
        assert_eq!(refused.exit, Exit::OUTPUT);
        assert!(!refused.message.contains(".dreamwire-"), "{}", refused.message);
    }
}
