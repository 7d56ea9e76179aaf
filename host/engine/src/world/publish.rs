//! Atomic writes.
//!
//! Writing in place would lose ENOSPC (`image::save`, `BufWriter`) and leave half a file after a crash. So bytes are
//! written to a temporary file in the same folder, flushed to the disk, and only then renamed. A rename over a symlink
//! replaces the link. The folder is a capability: no name leads out of it, whatever links it contains.

use super::WorldError;
use cap_std::fs::{Dir, OpenOptions};
use dreamwire_graph::{Hint, Setting};
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};

/// What to do if the name is taken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum IfTaken {
    /// Replace the file.
    Replace,
    /// Keep the file and report that the name is taken.
    Refuse,
}

/// Writes `bytes` to `name` in `folder`. `Ok(false)` if the name was taken and must not be replaced.
pub(super) fn write(folder: &Dir, name: &str, bytes: &[u8], if_taken: IfTaken) -> io::Result<bool> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let temporary = format!(".dreamwire-{}-{}.tmp", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let result = write_temporary(folder, &temporary, bytes).and_then(|()| match if_taken {
        IfTaken::Replace => {
            keep_mode(folder, name, &temporary);
            folder.rename(&temporary, folder, name).map(|()| true)
        }
        // Only a hard link takes a free name atomically, with the complete file.
        IfTaken::Refuse => match folder.hard_link(&temporary, folder, name) {
            Ok(()) => folder.remove_file(&temporary).map(|()| true),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            // Without hard links: check, then rename. Two processes may race here.
            Err(_) if !folder.exists(name) => folder.rename(&temporary, folder, name).map(|()| true),
            Err(_) => Ok(false),
        },
    });
    if !matches!(result, Ok(true)) {
        let _ = folder.remove_file(&temporary);
    }
    // The name must survive a power cut too; not every system can flush a folder.
    if let Ok(true) = result {
        let _ = folder.open(".").and_then(|f| f.sync_all());
    }
    result
}

fn write_temporary(folder: &Dir, name: &str, bytes: &[u8]) -> io::Result<()> {
    // `create_new` and no explicit mode: the umask applies, and nothing is followed or overwritten.
    let mut file = folder.open_with(name, OpenOptions::new().write(true).create_new(true))?;
    file.write_all(bytes)?;
    file.flush()?;
    file.sync_all()
}

/// Copies the permissions of the file that is replaced.
fn keep_mode(folder: &Dir, name: &str, temporary: &str) {
    if let Ok(metadata) = folder.metadata(name) {
        let _ = folder.set_permissions(temporary, metadata.permissions());
    }
}

/// The system's error, with a hint.
pub(super) fn explain(name: &str, size: usize, error: &io::Error) -> WorldError {
    let explained = WorldError::new(format!("cannot write `{name}` ({size} bytes): {error}"));
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => explained.hint(Hint::with(
            "free some space or choose another output folder; existing files are untouched",
            Setting::OutputFolder,
        )),
        io::ErrorKind::PermissionDenied => {
            explained.hint(Hint::with("choose another output folder", Setting::OutputFolder))
        }
        _ => explained,
    }
}
