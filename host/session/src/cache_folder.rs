use std::path::{Path, PathBuf};

use dreamwire_engine::{DiskCache, History};
use dreamwire_loader::PluginIndex;
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

    /// Removes everything that is kept. What else lies in the folder stays: it may have been named by mistake.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub fn clear(&self) -> std::io::Result<()> {
        self.results().clear()?;
        PluginIndex::clear(&self.root.join("plugins"))?;
        let graphs = self.root.join("graphs");
        for entry in std::fs::read_dir(&graphs).into_iter().flatten().flatten() {
            if entry.file_name().to_str().is_some_and(is_history) {
                std::fs::remove_file(entry.path())?;
            }
        }
        // Only if nothing is left in it.
        let _ = std::fs::remove_dir(&graphs);
        Ok(())
    }

    /// Whether anything can be kept in it.
    ///
    /// # Errors
    /// The system's error.
    pub fn check(&self) -> std::io::Result<()> {
        private_folder(&self.root)?;
        let probe = self.root.join(format!(".{}-0.tmp", std::process::id()));
        std::fs::write(&probe, "").and_then(|()| std::fs::remove_file(&probe))
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

/// Whether a file is named like a history: `HASH.json`, or `HASH.PROCESS.tmp` while it is written.
fn is_history(name: &str) -> bool {
    let (hash, rest) = name.split_once('.').unwrap_or((name, ""));
    blake3::Hash::from_hex(hash).is_ok() && (rest == "json" || rest.ends_with(".tmp"))
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
