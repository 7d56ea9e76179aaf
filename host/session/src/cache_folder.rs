use std::path::{Path, PathBuf};

use dreamwire_engine::{DiskCache, History};
use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};

/// The size of the disk cache, unless another one is asked for, in bytes.
pub const CACHE_LIMIT: u64 = 8 << 30;
/// Histories of larger graphs are not kept, in steps.
const MOST_STEPS: usize = 5000;

/// The folder of what one process leaves for the next: results, what the last run of each graph was made of, and the
/// index of plugins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheFolder {
    root: PathBuf,
    limit: u64,
}

impl CacheFolder {
    /// The folder of the current user. `None` without a home.
    pub fn of_user() -> Option<Self> {
        // The system's convention: `~/Library/Caches` on macOS, `%LOCALAPPDATA%` on Windows.
        let caches = etcetera::base_strategy::choose_native_strategy().ok()?.cache_dir();
        caches.is_absolute().then(|| Self::at(caches.join("dreamwire")))
    }

    /// A folder of the caller's choice. It is created when something is first kept.
    pub fn at(root: PathBuf) -> Self {
        // A plugin may change the working folder.
        let root = std::path::absolute(&root).unwrap_or(root);
        Self { root, limit: CACHE_LIMIT }
    }

    /// With another limit for results, in bytes.
    #[must_use]
    pub fn limit(self, limit: u64) -> Self {
        Self { limit, ..self }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// The limit for results, in bytes.
    pub fn limit_bytes(&self) -> u64 {
        self.limit
    }

    /// The results of steps.
    pub fn results(&self) -> DiskCache {
        DiskCache::new(&self.root, self.limit)
    }

    /// Removes everything that is kept.
    ///
    /// # Errors
    /// A folder cannot be removed.
    pub fn clear(&self) -> std::io::Result<()> {
        self.results().clear()?;
        for folder in ["graphs", "plugins"] {
            match std::fs::remove_dir_all(self.root.join(folder)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    fn history_file(&self, graph: &Path) -> PathBuf {
        let graph = std::path::absolute(graph).unwrap_or_else(|_| graph.to_owned());
        let name = blake3::hash(graph.as_os_str().as_encoded_bytes()).to_hex();
        self.root.join("graphs").join(format!("{name}.json"))
    }

    /// What the last run of a graph file was made of; empty if that is not known.
    pub(crate) fn history(&self, graph: &Path) -> History {
        let text = std::fs::read(self.history_file(graph)).ok();
        text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }

    /// Keeps what a run of a graph file was made of. It only explains: failing to is no failure.
    pub(crate) fn keep_history(&self, graph: &Path, history: &History) {
        if history.len() > MOST_STEPS {
            return;
        }
        let path = self.history_file(graph);
        let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
        let keep = || {
            private_folder(&self.root.join("graphs"))?;
            std::fs::write(&temporary, serde_json::to_vec(history)?)?;
            std::fs::rename(&temporary, &path)
        };
        if keep().is_err() {
            let _ = std::fs::remove_file(&temporary);
        }
    }
}

/// Creates a folder that only this user can enter: params may tell what nobody else should know.
fn private_folder(path: &Path) -> std::io::Result<()> {
    let mut folder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
    folder.recursive(true).create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_is_kept_per_graph_and_damage_is_no_history() {
        let folder = tempfile::tempdir().unwrap();
        let cache = CacheFolder::at(folder.path().join("cache"));
        let graph = Path::new("a.json");
        assert_eq!(cache.history(graph), History::default());
        let known = r#"{"n": {"kind": "K", "version": 1, "build": "", "mode": "", "params": {}, "files": [], "inputs": []}}"#;
        let history: History = serde_json::from_str(known).unwrap();
        cache.keep_history(graph, &history);
        assert_eq!(cache.history(graph), history);
        assert_eq!(cache.history(Path::new("b.json")), History::default());
        std::fs::write(cache.history_file(graph), "{").unwrap();
        assert_eq!(cache.history(graph), History::default());
    }
}
