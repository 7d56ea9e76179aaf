//! The output folder.

use super::super::{WorldError, absolute};
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use dreamwire_graph::{Hint, Setting};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The output folder, opened when first needed.
pub(in super::super) struct Root {
    /// As the user gave it, for messages.
    shown: PathBuf,
    path: PathBuf,
    held: Mutex<Option<Arc<Dir>>>,
}

impl Root {
    pub(super) fn new(shown: PathBuf) -> Self {
        Self { path: absolute(&shown), shown, held: Mutex::default() }
    }

    pub(super) fn shown(&self) -> &Path {
        &self.shown
    }

    /// The absolute path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The open folder; creates it if only its last folder is missing. It is opened again if another one is there now.
    pub(super) fn open(&self) -> Result<Arc<Dir>, WorldError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(dir) = &*held
            && is_at(dir, &self.path)
        {
            return Ok(Arc::clone(dir));
        }
        let dir = Arc::new(self.open_anew()?);
        *held = Some(Arc::clone(&dir));
        Ok(dir)
    }

    fn open_anew(&self) -> Result<Dir, WorldError> {
        let path = &self.path;
        if !path.exists() {
            if !path.parent().is_some_and(Path::is_dir) {
                let shown = self.shown.parent().filter(|p| !p.as_os_str().is_empty());
                let parent = shown.unwrap_or(Path::new(".")).display();
                let message = format!(
                    "cannot create the output folder `{}`: there is no `{parent}`",
                    self.shown.display()
                );
                let text = "create its parent folder, or choose another output folder";
                return Err(WorldError::new(message).hint(Hint::with(text, Setting::OutputFolder)));
            }
            std::fs::create_dir(path)
                .or_else(|e| if path.is_dir() { Ok(()) } else { Err(e) })
                .map_err(|e| self.cannot_use(&e))?;
        }
        Dir::open_ambient_dir(path, ambient_authority()).map_err(|e| self.cannot_use(&e))
    }

    pub(super) fn cannot_use(&self, error: &io::Error) -> WorldError {
        let message = format!("cannot use the output folder `{}`: {error}", self.shown.display());
        WorldError::new(message).hint(Hint::with("choose another output folder", Setting::OutputFolder))
    }

    /// Opens the folder of a name below the root; creates it if missing.
    pub(super) fn folder(&self, folder: &str, name: &str) -> Result<Dir, WorldError> {
        let root = self.open()?;
        if folder.is_empty() {
            return root.try_clone().map_err(|e| self.cannot_use(&e));
        }
        root.create_dir_all(folder).map_err(|e| cannot_write(name, &e))?;
        root.open_dir(folder).map_err(|e| cannot_write(name, &e))
    }
}

/// Why a name's folder cannot be used.
pub(super) fn cannot_write(name: &str, error: &io::Error) -> WorldError {
    // A name that leads out through a link has no error of the system.
    let text = match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
            if error.raw_os_error().is_some() =>
        {
            "choose another output folder"
        }
        _ => "output names must stay under the output folder, even through links",
    };
    WorldError::new(format!("cannot write `{name}`: {error}")).hint(Hint::with(text, Setting::OutputFolder))
}

/// Whether the open folder is the one at the path.
#[cfg(unix)]
fn is_at(dir: &Dir, path: &Path) -> bool {
    use cap_std::fs::MetadataExt as _;
    use std::os::unix::fs::MetadataExt as _;
    let (Ok(held), Ok(there)) = (dir.dir_metadata(), path.metadata()) else { return false };
    (held.dev(), held.ino()) == (there.dev(), there.ino())
}

/// Without such numbers the folder is opened each time.
#[cfg(not(unix))]
fn is_at(_: &Dir, _: &Path) -> bool {
    false
}
