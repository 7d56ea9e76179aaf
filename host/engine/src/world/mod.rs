//! All access to files.
//!
//! Files are hashed as they are read; a run reads each file once and keeps it in its [`Snapshot`](crate::Snapshot),
//! except for large ones, which are read again if a step asks for them. Files are written atomically: a temporary file
//! in the same folder, flushed to the disk, then renamed. Processes that publish in one folder take turns.

pub mod annotation;
mod dates;
mod disk;
mod inputs;
mod lock;
mod name;
mod orphans;
mod outputs;
mod publish;

pub use disk::Disk;

use blake3::Hash;
use dreamwire_graph::Hint;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An input file as a param names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct InputPath {
    /// As written.
    pub text: String,
    /// It came from the command line, so it may lie anywhere; a graph may only name files under its own roots.
    pub anywhere: bool,
    /// It is a folder, or a pattern of names in one, and means the files there: [`World::list`].
    pub many: bool,
}

impl InputPath {
    /// One of the files that it means.
    pub(crate) fn one(&self, text: impl Into<String>) -> Self {
        Self { text: text.into(), anywhere: self.anywhere, many: false }
    }
}

/// The files of a folder that an [`InputPath`] means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The path of the folder without links.
    pub folder: PathBuf,
    /// The paths that were tried, the one that was found last.
    pub looked: Vec<PathBuf>,
    /// The files, as a param would name them, in natural order: numbers count, so 2 is before 10.
    pub names: Vec<String>,
}

/// How much of a large file is kept at first, in bytes.
pub const HEAD_BYTES: u64 = 64 << 10;

/// A file at the time it was read.
#[derive(Clone)]
pub struct File {
    /// Its path without links.
    pub path: PathBuf,
    /// The paths that were tried, the one that was found last: a file may appear at an earlier one.
    pub looked: Vec<PathBuf>,
    /// The content, or the beginning of it.
    pub bytes: Arc<Vec<u8>>,
    /// The length of the whole content in bytes.
    pub length: u64,
    /// The hash of the whole content.
    pub hash: Hash,
}

impl File {
    /// Whether all of its content is here.
    pub fn is_whole(&self) -> bool {
        self.bytes.len() as u64 == self.length
    }
}

/// A file to publish.
pub struct NewFile<'a> {
    /// Who publishes it.
    pub origin: Origin,
    /// Its name below the output root. The last `{counter:05}` is replaced by a number, and
    /// `%year%`, `%date:yyyy-MM-dd%` and the like by the time; all else is literal.
    pub template: &'a str,
    /// The content.
    pub bytes: &'a [u8],
    /// Files that must not be overwritten: the paths of the run's inputs, without links.
    pub inputs: &'a HashSet<PathBuf>,
    /// The step did not run: the file is from the cache, and may be one that another step has published.
    pub cached: bool,
}

/// A file that a run published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// Its name below the output root, with forward slashes.
    pub name: String,
    /// Its path.
    pub path: PathBuf,
    /// The hash of its bytes.
    pub hash: Hash,
    /// False if a file with these bytes existed already.
    pub written: bool,
}

/// The origin of a published file. Names are kept by origin, so that a rerun replaces its own file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// Node id.
    pub node: String,
    /// Index among the step's files, from 0.
    pub index: usize,
}

/// Why a file could not be read or published.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct WorldError {
    /// The operation and the system's error.
    pub message: String,
    /// How to fix it.
    pub hint: Option<Hint>,
    /// The paths where an unreadable file was looked for: it may appear there.
    pub looked: Vec<PathBuf>,
}

impl WorldError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, looked: Vec::new() }
    }

    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<Hint>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Reads inputs and publishes outputs.
pub trait World: Send + Sync {
    /// A file in its current state. One of more than `most` bytes is hashed in constant memory, and only its first
    /// [`HEAD_BYTES`] are kept.
    ///
    /// # Errors
    /// It is missing, not a regular file, outside the roots, too large, or unreadable.
    fn read(&self, path: &InputPath, most: u64) -> Result<File, WorldError>;

    /// The names of the regular files in a folder, or of those that fit a pattern. They are not read.
    ///
    /// # Errors
    /// There is no such folder or no such file, or the folder is outside the roots or unreadable.
    fn list(&self, path: &InputPath) -> Result<Listing, WorldError>;

    /// Publishes a file under the output root. A file with the same bytes that exists already is not written again.
    ///
    /// # Errors
    /// The name leaves the root or names an input, or writing fails. No partial file remains.
    fn publish(&self, file: &NewFile<'_>) -> Result<Published, WorldError>;

    /// Checks that files can be published; called before the first step runs, so that no work is lost.
    ///
    /// # Errors
    /// The output root cannot be created or written.
    fn probe(&self) -> Result<(), WorldError>;

    /// Checks that files can be published whose names begin with `prefix`. Nothing remains but the output root.
    ///
    /// # Errors
    /// The names leave the root, or their folder cannot be created or written.
    fn probe_prefix(&self, prefix: &str) -> Result<(), WorldError>;
}

/// The path from the root of the file system: plugins may change the current folder.
fn absolute(path: &Path) -> PathBuf {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
