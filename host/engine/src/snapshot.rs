//! The input files of a run, as they were when it began.

use crate::{File, InputPath, Plan, World, WorldError};
use blake3::Hash;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Files of more bytes than this are only hashed until a step asks for them, which is never if its result is cached.
const MOST_KEPT: u64 = 64 << 20;

/// Each file of a run: preflight, keys and nodes see the same bytes, even if files change meanwhile. A large file that
/// has changed when a step asks for it is refused.
pub struct Snapshot {
    files: Mutex<HashMap<InputPath, Result<File, WorldError>>>,
}

impl Snapshot {
    /// Reads every file that a plan names.
    pub fn take(plan: &Plan, world: &dyn World) -> Self {
        let snapshot = Self { files: Mutex::default() };
        for file in plan.steps.iter().flat_map(|step| &step.files) {
            let _ = snapshot.look(&file.path, world);
        }
        snapshot
    }

    fn files(&self) -> MutexGuard<'_, HashMap<InputPath, Result<File, WorldError>>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A file of the snapshot, of a large one perhaps only the beginning. A file whose name comes over a link is not in
    /// the plan; it is read and added now.
    ///
    /// # Errors
    /// As [`World::read`].
    pub fn look(&self, path: &InputPath, world: &dyn World) -> Result<File, WorldError> {
        if let Some(known) = self.files().get(path) {
            return known.clone();
        }
        let read = world.read(path, MOST_KEPT);
        self.files().entry(path.clone()).or_insert(read).clone()
    }

    /// The whole content of a file of the snapshot.
    ///
    /// # Errors
    /// As [`World::read`], or it has changed since the run began.
    pub fn read(&self, path: &InputPath, world: &dyn World) -> Result<Arc<Vec<u8>>, WorldError> {
        let known = self.look(path, world)?;
        if known.is_whole() {
            return Ok(known.bytes);
        }
        let whole = world.read(path, u64::MAX)?;
        if whole.hash != known.hash {
            let message = format!("`{}` has changed since the run began", path.text);
            return Err(WorldError::new(message).hint("run it again"));
        }
        let bytes = Arc::clone(&whole.bytes);
        self.files().insert(path.clone(), Ok(whole));
        Ok(bytes)
    }

    /// The paths of the files that were read.
    pub fn inputs(&self) -> HashSet<PathBuf> {
        self.files().values().flatten().map(|file| file.path.clone()).collect()
    }

    /// The size of all files together, in bytes.
    pub fn bytes(&self) -> u64 {
        self.files().values().flatten().map(|file| file.length).sum()
    }

    /// What is known about the files without their content.
    pub fn stamps(&self) -> Stamps {
        let files = self.files();
        let stamps = files.iter().map(|(path, read)| {
            let stamp = match read {
                Ok(file) => Stamp { looked: file.looked.clone(), hash: Some(file.hash) },
                Err(error) => Stamp { looked: error.looked.clone(), hash: None },
            };
            (path.clone(), stamp)
        });
        Stamps(stamps.collect())
    }
}

/// The files of a snapshot without their content.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stamps(Vec<(InputPath, Stamp)>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Stamp {
    /// Where it was found, and where it was looked for.
    looked: Vec<PathBuf>,
    /// `None` if it is unreadable.
    hash: Option<Hash>,
}

impl Stamps {
    /// Every path where a change matters, links unresolved: where files were found, and where they were looked for.
    pub fn places(&self) -> Vec<PathBuf> {
        let mut places: Vec<PathBuf> = self.0.iter().flat_map(|(_, stamp)| stamp.looked.clone()).collect();
        places.sort();
        places.dedup();
        places
    }

    /// Whether a plan's files have the same content in both. A file that is unreadable in both counts as equal.
    pub fn same_files(&self, other: &Self, plan: &Plan) -> bool {
        let hash = |stamps: &Self, path: &InputPath| {
            stamps.0.iter().find(|(known, _)| known == path).and_then(|(_, stamp)| stamp.hash)
        };
        let mut files = plan.steps.iter().flat_map(|step| &step.files);
        files.all(|file| hash(self, &file.path) == hash(other, &file.path))
    }
}
