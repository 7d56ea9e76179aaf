//! The input files of a run, as they were when it began.

use crate::{File, InputPath, Plan, World, WorldError};
use blake3::{Hash, Hasher};
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
        let read = if path.many { self.list(path, world) } else { world.read(path, MOST_KEPT) };
        self.files().entry(path.clone()).or_insert(read).clone()
    }

    /// The files that a path means, as a file: their names, each with a zero byte after it. Its hash is of the names and of
    /// the content of the files, of which no more than the beginning is kept.
    fn list(&self, path: &InputPath, world: &dyn World) -> Result<File, WorldError> {
        let listing = world.list(path)?;
        let (mut looked, mut bytes, mut hasher) = (listing.looked, Vec::new(), Hasher::new());
        for name in &listing.names {
            let one = path.one(name);
            let known = self.files().get(&one).cloned();
            let read = known.unwrap_or_else(|| world.read(&one, 0));
            let read = self.files().entry(one).or_insert(read).clone();
            let file = read.map_err(|error| {
                let looked = [&looked[..], &error.looked[..]].concat();
                WorldError { looked, ..error }
            })?;
            hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes());
            hasher.update(file.hash.as_bytes());
            bytes.extend(name.bytes().chain([0]));
            looked.extend(file.looked);
        }
        let (length, hash) = (bytes.len() as u64, hasher.finalize());
        Ok(File { path: listing.folder, looked, bytes: Arc::new(bytes), length, hash })
    }

    /// Whether a file is one of those that a path of many means.
    pub(crate) fn lists(&self, path: &InputPath, name: &str, world: &dyn World) -> bool {
        let listed = |file: File| file.bytes.split(|byte| *byte == 0).any(|known| known == name.as_bytes());
        path.many && !name.is_empty() && self.look(path, world).is_ok_and(listed)
    }

    /// The whole content of a file of the snapshot.
    ///
    /// # Errors
    /// As [`World::read`], or it has changed since the run began.
    pub fn read(&self, path: &InputPath, world: &dyn World) -> Result<Arc<Vec<u8>>, WorldError> {
        let whole = self.whole(path, world)?;
        let bytes = Arc::clone(&whole.bytes);
        self.files().insert(path.clone(), Ok(whole));
        Ok(bytes)
    }

    /// The same for one of many files, which is not kept: together they may be larger than memory.
    ///
    /// # Errors
    /// As [`Snapshot::read`].
    pub(crate) fn read_once(&self, path: &InputPath, world: &dyn World) -> Result<Arc<Vec<u8>>, WorldError> {
        self.whole(path, world).map(|whole| whole.bytes)
    }

    fn whole(&self, path: &InputPath, world: &dyn World) -> Result<File, WorldError> {
        let known = self.look(path, world)?;
        if known.is_whole() {
            return Ok(known);
        }
        let whole = world.read(path, u64::MAX)?;
        if whole.hash != known.hash {
            let message = format!("`{}` has changed since the run began", path.text);
            return Err(WorldError::new(message).hint("run it again"));
        }
        Ok(whole)
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
