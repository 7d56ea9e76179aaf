//! Atomic writes.
//!
//! Writing in place would lose ENOSPC (`image::save`, `BufWriter`) and leave half a file after a crash. So bytes are
//! written to a temporary file in the same folder, flushed to the disk, and only then renamed. A rename over a symlink
//! replaces the link. The folder is a capability: no name leads out of it, whatever links it contains.
//!
//! A process that is killed in between leaves its temporary file, which a later one removes (`orphans`).

use super::WorldError;
use cap_std::fs::{Dir, File, OpenOptions};
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
    let (temporary, file) = temporary(folder)?;
    let result = write_flushed(file, bytes).and_then(|()| match if_taken {
        IfTaken::Replace => {
            keep_mode(folder, name, &temporary);
            folder.rename(&temporary, folder, name).map(|()| true)
        }
        // Only a hard link takes a free name atomically, with the complete file.
        IfTaken::Refuse => match folder.hard_link(&temporary, folder, name) {
            Ok(()) => folder.remove_file(&temporary).map(|()| true),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            // Without hard links: check, then rename. Two processes may race here, without locks.
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

/// Proves that files can be written in a folder.
pub(super) fn probe(folder: &Dir) -> io::Result<()> {
    let (temporary, file) = temporary(folder)?;
    drop(file);
    folder.remove_file(&temporary)
}

/// A new temporary file. Its name may exist: a killed process had the same number, as in a container.
fn temporary(folder: &Dir) -> io::Result<(String, File)> {
    loop {
        let name = temporary_name();
        // `create_new` and no explicit mode: the umask applies, and nothing is followed or overwritten.
        match folder.open_with(&name, OpenOptions::new().write(true).create_new(true)) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            result => return result.map(|file| (name, file)),
        }
    }
}

/// A name that no other thread or process uses.
pub(super) fn temporary_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!(".dreamwire-{}-{}.tmp", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The process that a temporary file is of, if the name is one that [`temporary_name`] gives.
pub(super) fn process_of(name: &str) -> Option<u32> {
    let (process, number) = name.strip_prefix(".dreamwire-")?.strip_suffix(".tmp")?.split_once('-')?;
    let (process, number): (u32, u64) = (process.parse().ok()?, number.parse().ok()?);
    (name == format!(".dreamwire-{process}-{number}.tmp")).then_some(process)
}

fn write_flushed(mut file: File, bytes: &[u8]) -> io::Result<()> {
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
pub(super) fn explain(folder: &Dir, name: &str, size: usize, error: &io::Error) -> WorldError {
    let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    // What a quota leaves is not known.
    let free = if error.kind() == io::ErrorKind::StorageFull { free_bytes(folder) } else { None };
    let size = grouped(size as u64);
    let figures = match free {
        Some(free) => format!("needs {size} bytes, {} are free", grouped(free)),
        None if full => format!("needs {size} bytes"),
        None => format!("{size} bytes"),
    };
    let explained = WorldError::new(format!("cannot write `{name}` ({figures}): {error}"));
    let hint = match error.kind() {
        _ if full => "free some space or choose another output folder; existing files are untouched",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => "choose another output folder",
        _ => return explained,
    };
    explained.hint(Hint::with(hint, Setting::OutputFolder))
}

/// What users other than root may still write on the folder's disk.
#[cfg(unix)]
fn free_bytes(folder: &Dir) -> Option<u64> {
    let disk = rustix::fs::fstatvfs(folder).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

#[cfg(not(unix))]
fn free_bytes(_: &Dir) -> Option<u64> {
    None
}

/// "3,145,728".
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use cap_std::ambient_authority;

    /// Faults: E1.
    #[test]
    fn a_full_disk_is_told_in_figures() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Dir::open_ambient_dir(dir.path(), ambient_authority()).unwrap();
        let told = |kind: io::ErrorKind| explain(&folder, "it.png", 3 << 20, &kind.into());
        let full = told(io::ErrorKind::StorageFull);
        assert!(full.message.starts_with("cannot write `it.png` (needs 3,145,728 bytes"), "{full}");
        assert_eq!(full.message.contains(" are free): "), cfg!(unix), "{full}");
        assert!(full.hint.unwrap().text.contains("free some space"));
        let other = told(io::ErrorKind::BrokenPipe);
        assert_eq!(other.message, "cannot write `it.png` (3,145,728 bytes): broken pipe");
        assert_eq!(other.hint, None);
        assert_eq!([0, 999, 1000, 1_000_000].map(grouped), ["0", "999", "1,000", "1,000,000"]);
    }

    #[test]
    fn a_temporary_file_of_an_earlier_process_of_the_same_number_is_not_in_the_way() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Dir::open_ambient_dir(dir.path(), ambient_authority()).unwrap();
        let (me, last) = (std::process::id(), temporary_name());
        let number: u64 = last.rsplit(['-', '.']).nth(1).unwrap().parse().unwrap();
        let names = (1..200).map(|n| format!(".dreamwire-{me}-{}.tmp", number + n));
        names.for_each(|name| folder.write(name, "").unwrap());
        assert!(write(&folder, "a.png", b"a", IfTaken::Refuse).unwrap());
        assert_eq!(std::fs::read(dir.path().join("a.png")).unwrap(), b"a");
        assert_eq!(process_of(&last), Some(me));
    }
}
