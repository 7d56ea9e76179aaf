//! The plugin index: what is known of libraries without opening them, and private copies of them, kept in a folder of
//! the user's cache.
//!
//! ```text
//! libraries/stamps.json      path, size and times of a library --> hash of its build
//! STEM-HASH/                 a build of the library STEM
//!     descriptors.json       its kinds
//!     accepted               params that its kinds have accepted
//!     STEM-HASH.so           the private copy
//! *.tmp                      files that are being written
//! ```
//!
//! The index only saves time. What is missing, damaged or of another version counts as not there; what cannot be
//! written is left out.

mod accepted;
mod descriptors;
mod document;
mod stamps;
mod sweep;
mod trial;

pub(crate) use accepted::Accepted;
pub(crate) use stamps::{Stamp, Stamps};
pub use trial::LEARN;

use crate::descriptor::Descriptors;
use crate::temporary::{is_ours, private};
use crate::{host, search};
use blake3::Hash;
use document::{Document, write};
use dreamwire_engine::Level;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A plugin index in a folder that only this user can write to.
#[derive(Clone, Debug)]
pub struct PluginIndex {
    folder: PathBuf,
    /// The program that opens unknown libraries first.
    opener: Option<PathBuf>,
}

impl PluginIndex {
    /// The index in a folder, which is created if necessary. `None` if the folder cannot be used: then every library is
    /// read and opened when plugins are loaded.
    ///
    /// Libraries in it are run, so a folder of another user, or one that others can write to, is not used; the log says
    /// so.
    pub fn at(folder: &Path) -> Option<Self> {
        let mut builder = private();
        // Fails if it exists and is no folder; then there is nothing to read either.
        let _ = builder.recursive(true).create(folder);
        // Without links, so that one folder has one path.
        let folder = folder.canonicalize().ok()?;
        let metadata = folder.metadata().ok().filter(std::fs::Metadata::is_dir)?;
        if !is_ours(&metadata) || is_shared(&metadata) {
            let message = format!(
                "the plugin index `{}` is not used: others can write to it; remove it, or set its owner and permissions",
                folder.display()
            );
            host::note(Level::Warn, message);
            return None;
        }
        Some(Self { folder, opener: None })
    }

    /// The remembered hashes of libraries.
    pub(crate) fn stamps(&self) -> Stamps {
        Stamps::read(self.folder.join("libraries/stamps.json"))
    }

    /// The place of a build of a library.
    pub(crate) fn build(&self, library: &Path, hash: &Hash) -> Build {
        let stem = search::stem(library);
        Build { folder: self.folder.join(format!("{stem}-{}", hash.to_hex())), hash: *hash, stem }
    }

    /// Removes an index from its folder. What else lies in it stays.
    ///
    /// # Errors
    /// A file or folder cannot be removed.
    pub fn clear(folder: &Path) -> std::io::Result<()> {
        sweep::clear(folder)
    }

    /// Removes old builds.
    pub(crate) fn sweep(&self) {
        sweep::sweep(&self.folder, SystemTime::now());
    }
}

/// Whether others than the owner can write to a folder.
#[cfg(unix)]
fn is_shared(metadata: &std::fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o022 != 0
}

#[cfg(not(unix))]
fn is_shared(_: &std::fs::Metadata) -> bool {
    false
}

/// How exactly the last use of a build is known.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The place of one build in an index.
#[derive(Clone, Debug)]
pub(crate) struct Build {
    folder: PathBuf,
    hash: Hash,
    stem: String,
}

impl Build {
    /// The hash of the library's bytes.
    pub(crate) fn hash(&self) -> Hash {
        self.hash
    }

    /// The private copy.
    pub(crate) fn copy(&self) -> PathBuf {
        self.folder.join(format!("{}{}", file_stem(&self.stem, &self.hash), std::env::consts::DLL_SUFFIX))
    }

    fn descriptors(&self) -> Document {
        Document { path: self.folder.join("descriptors.json"), about: self.hash.to_hex().to_string() }
    }

    /// The descriptors, if the copy is there too. The copy is not read.
    pub(crate) fn read(&self) -> Option<Descriptors> {
        let document = self.descriptors();
        let (descriptors, size) = descriptors::from_json(&document.read()?)?;
        if self.copy().metadata().ok()?.len() != size {
            return None;
        }
        self.used(&document.path);
        Some(descriptors)
    }

    /// Notes that the build was used today, for the sweep.
    fn used(&self, file: &Path) {
        let now = SystemTime::now();
        let modified = file.metadata().and_then(|metadata| metadata.modified());
        let is_recent = modified.is_ok_and(|it| now.duration_since(it).is_ok_and(|age| age < DAY));
        if !is_recent && let Ok(file) = std::fs::File::options().append(true).open(file) {
            let _ = file.set_modified(now);
        }
    }

    /// Writes the descriptors, which make the build known.
    pub(crate) fn write(&self, descriptors: &Descriptors, size: usize) {
        self.descriptors().write(&descriptors::to_json(descriptors, size as u64));
    }

    /// Writes the private copy, unless it is there. Whether it is.
    pub(crate) fn write_copy(&self, bytes: &[u8]) -> bool {
        self.copy_is(bytes.len()) && self.read_copy().is_some() || write(&self.copy(), bytes)
    }

    fn copy_is(&self, len: usize) -> bool {
        self.copy().metadata().is_ok_and(|metadata| metadata.len() == len as u64)
    }

    /// The bytes of the private copy, if they are still those of the build.
    pub(crate) fn read_copy(&self) -> Option<Vec<u8>> {
        std::fs::read(self.copy()).ok().filter(|bytes| blake3::hash(bytes) == self.hash)
    }

    /// The params that kinds of this build have accepted.
    pub(crate) fn accepted(&self) -> Accepted {
        Accepted::at(self.folder.join("accepted"), self.hash)
    }

    /// Forgets the build.
    pub(crate) fn remove(&self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The name of a private copy, without its ending.
pub(crate) fn file_stem(stem: &str, hash: &Hash) -> String {
    format!("{stem}-{}", &hash.to_hex()[..16])
}

#[cfg(test)]
mod tests;
