use serde_json::Value;
use std::path::{Path, PathBuf};

/// A temporary folder with a graph in it.
pub struct Folder {
    dir: tempfile::TempDir,
}

impl Folder {
    /// An empty folder.
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a temporary folder") }
    }

    /// An empty folder inside another.
    pub fn inside(parent: &Path) -> Self {
        let dir = tempfile::Builder::new().prefix("test-").tempdir_in(parent);
        Self { dir: dir.unwrap_or_else(|e| panic!("{}: {e}", parent.display())) }
    }

    /// A folder with `graph.json`.
    pub fn with_graph(graph: &Value) -> Self {
        let folder = Self::new();
        folder.write("graph.json", format!("{graph:#}\n"));
        folder
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Where a file in it is.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Writes a file in it like an editor that saves by renaming.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let (path, temporary) = (self.join(name), self.join(&format!("{name}.saving")));
        std::fs::write(&temporary, content).unwrap_or_else(|e| panic!("{}: {e}", temporary.display()));
        std::fs::rename(&temporary, &path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        path
    }

    /// The bytes of a file in it.
    #[track_caller]
    pub fn read(&self, name: &str) -> Vec<u8> {
        let path = self.join(name);
        std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    /// The names of all files below a folder in it, sorted, with forward slashes; none if there is no such
    /// folder.
    pub fn files(&self, folder: &str) -> Vec<String> {
        let mut found = Vec::new();
        let root = self.join(folder);
        let mut pending = vec![root.clone()];
        while let Some(next) = pending.pop() {
            for entry in std::fs::read_dir(next).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    pending.push(path);
                } else if let Ok(name) = path.strip_prefix(&root) {
                    found.push(name.to_string_lossy().replace('\\', "/"));
                }
            }
        }
        found.sort();
        found
    }
}

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}
