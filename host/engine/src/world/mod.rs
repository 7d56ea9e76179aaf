//! The one door to files.
//!
//! Whatever is read is read once per run, into memory, and hashed; the set of files that were asked for is the watch
//! list and part of the keys. Whatever is written is written whole: a temporary file in the same folder, flushed to the
//! disk, then given its name.

mod disk;
mod name;
mod publish;

pub use disk::Disk;

use blake3::Hash;
use std::path::PathBuf;
use std::sync::Arc;

/// A file as a param names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct InputPath {
    /// as written
    pub text: String,
    /// it came from the command line, so it may lie anywhere; a graph may only name files under its own roots
    pub anywhere: bool,
}

/// A file's bytes at the time it was first asked for in this run.
#[derive(Clone)]
pub struct File {
    /// the content
    pub bytes: Arc<[u8]>,
    /// its hash
    pub hash: Hash,
}

/// A file that a run published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// below the output root, with forward slashes
    pub name: String,
    /// where it is
    pub path: PathBuf,
    /// of its bytes
    pub hash: Hash,
    /// false if a file with these bytes was there already
    pub written: bool,
}

/// Where a file is published from: names are remembered by this, so that a re-run replaces its own file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// node id
    pub node: String,
    /// the how-manieth file of that step
    pub index: usize,
}

/// Why a file could not be read or published.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct WorldError {
    /// what was tried, and what the system said
    pub message: String,
    /// what to do about it
    pub help: Option<String>,
}

impl WorldError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None }
    }

    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Reads inputs and publishes outputs.
pub trait World: Send + Sync {
    /// A file's content; the same bytes for the whole run.
    ///
    /// # Errors
    /// Missing, not a regular file, outside the roots, too large, unreadable.
    fn read(&self, path: &InputPath) -> Result<File, WorldError>;

    /// Publishes bytes under the output root. `{counter:05}` in the template is counted; all else is literal.
    ///
    /// # Errors
    /// The name leaves the root or names an input; the disk says no. No partial file stays behind.
    fn publish(&self, origin: &Origin, template: &str, bytes: &[u8]) -> Result<Published, WorldError>;

    /// True if the published file is still there with the same bytes.
    fn still_there(&self, file: &Published) -> bool;

    /// Whether anything can be published at all; asked before the first step runs, so that no work is lost.
    ///
    /// # Errors
    /// The output root cannot be made or written.
    fn probe(&self) -> Result<(), WorldError>;

    /// A new run: files are read afresh. Names of published files are remembered.
    fn begin_run(&self);

    /// Every file that was asked for since the run began, whether it could be read or not.
    fn asked(&self) -> Vec<PathBuf>;
}
