//! A JSON file that says what made it and whether it is whole.

use crate::temporary::private;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// The version of these files. It grows when their content, or what the host reads from descriptors, changes within one
/// version of the host.
const FORMAT: u64 = 2;
/// A larger file was not written by us.
const MAX_BYTES: u64 = 16 << 20;

/// A JSON file of an index.
pub(super) struct Document {
    pub(super) path: PathBuf,
    /// What the content is about; part of the hash, so that a file in another's place is noticed.
    pub(super) about: String,
}

impl Document {
    /// The content, if it was written whole by this version of the program.
    pub(super) fn read(&self) -> Option<Value> {
        if self.path.metadata().ok()?.len() > MAX_BYTES {
            return None;
        }
        let mut document: Value = serde_json::from_slice(&std::fs::read(&self.path).ok()?).ok()?;
        let content = document.get_mut("content")?.take();
        (document == self.envelope(&content)).then_some(content)
    }

    /// Replaces the content. Whether that was possible.
    pub(super) fn write(&self, content: &Value) -> bool {
        let mut document = self.envelope(content);
        document["content"] = content.clone();
        write(&self.path, document.to_string().as_bytes())
    }

    /// Everything but the content.
    fn envelope(&self, content: &Value) -> Value {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.about.as_bytes()).update(b"\n").update(content.to_string().as_bytes());
        let hash = hasher.finalize().to_hex().to_string();
        json!({ "format": FORMAT, "host": env!("CARGO_PKG_VERSION"), "hash": hash, "content": null })
    }
}

/// The ending of files that are not complete yet.
pub(super) const TEMPORARY: &str = "tmp";

/// Replaces a file atomically. Whether that was possible; if not, nothing has changed. Nothing is flushed to the disk:
/// what a power failure damages is noticed by its hash.
pub(super) fn write(path: &Path, bytes: &[u8]) -> bool {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    // Beside the file's folder, where the sweep finds what a killed process has left.
    let Some(folder) = path.parent() else { return false };
    if private().recursive(true).create(folder).is_err() {
        return false;
    }
    let aside = folder.with_extension(format!("{}-{number}.{TEMPORARY}", std::process::id()));
    let written = std::fs::write(&aside, bytes).and_then(|()| std::fs::rename(&aside, path)).is_ok();
    if !written {
        let _ = std::fs::remove_file(&aside);
    }
    written
}
