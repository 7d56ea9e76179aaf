//! The input files of a run, as they were when it began.

use crate::{File, InputPath, Plan, World, WorldError};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Each file of a run, read once: preflight, keys and nodes see the same bytes, even if files change meanwhile.
pub struct Snapshot {
    files: Mutex<HashMap<InputPath, Result<File, WorldError>>>,
}

impl Snapshot {
    /// Reads every file that a plan names.
    pub fn take(plan: &Plan, world: &dyn World) -> Self {
        let snapshot = Self { files: Mutex::default() };
        for file in plan.steps.iter().flat_map(|step| &step.files) {
            let _ = snapshot.read(&file.path, world);
        }
        snapshot
    }

    fn files(&self) -> MutexGuard<'_, HashMap<InputPath, Result<File, WorldError>>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A file of the snapshot. A file whose name comes over a link is not in the plan; it is read and added now.
    ///
    /// # Errors
    /// As [`World::read`].
    pub fn read(&self, path: &InputPath, world: &dyn World) -> Result<File, WorldError> {
        if let Some(known) = self.files().get(path) {
            return known.clone();
        }
        let read = world.read(path);
        self.files().entry(path.clone()).or_insert(read).clone()
    }

    /// The paths of the files that were read.
    pub fn inputs(&self) -> HashSet<PathBuf> {
        self.files().values().flatten().map(|file| file.path.clone()).collect()
    }

    /// Every path where a change matters, links unresolved: where files were found, and where they were looked for.
    pub fn places(&self) -> Vec<PathBuf> {
        let mut places: Vec<PathBuf> = Vec::new();
        for read in self.files().values() {
            let looked = read.as_ref().map_or_else(|error| &error.looked, |file| &file.looked);
            places.extend(looked.iter().cloned());
        }
        places.sort();
        places.dedup();
        places
    }

    /// Whether a plan's files have the same content in both snapshots. A file that is unreadable in both counts as
    /// equal.
    pub fn same_files(&self, other: &Self, plan: &Plan) -> bool {
        let hash = |snapshot: &Self, path| match snapshot.files().get(path) {
            Some(Ok(file)) => Some(file.hash),
            _ => None,
        };
        let mut files = plan.steps.iter().flat_map(|step| &step.files);
        files.all(|file| hash(self, &file.path) == hash(other, &file.path))
    }
}
