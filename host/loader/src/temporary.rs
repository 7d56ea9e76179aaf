//! Private folders for copies of libraries, outside of an index.

use crate::Refusal;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// What the names of our folders start with.
const PREFIX: &str = "dreamwire-";

/// A folder that only this user can enter. Its content is removed when it is dropped.
pub(crate) struct PrivateFolder(PathBuf);

impl PrivateFolder {
    /// A new folder where the system keeps temporary files.
    pub(crate) fn new() -> Result<Self, Refusal> {
        sweep_once();
        Self::below(&std::env::temp_dir())
    }

    fn below(parent: &Path) -> Result<Self, Refusal> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let nonce = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.subsec_nanos());
        let folder = parent.join(format!("{PREFIX}{}-{number}-{nonce:08x}", std::process::id()));
        // `create` fails if the folder exists, so no other user can have prepared it.
        private().create(&folder).map_err(|e| no_room(parent, &e))?;
        Ok(Self(folder))
    }

    /// Writes a file in it.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, Refusal> {
        let path = self.0.join(name);
        let parent = self.0.parent().unwrap_or(&self.0);
        std::fs::write(&path, bytes).map_err(|e| no_room(parent, &e))?;
        Ok(path)
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        // On Unix a mapping outlives its file; elsewhere a later process sweeps the folder.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Makes folders that only this user can enter.
pub(crate) fn private() -> std::fs::DirBuilder {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    // `mut` is for Unix only.
    let _ = &mut builder;
    builder
}

fn no_room(parent: &Path, error: &std::io::Error) -> Refusal {
    Refusal {
        why: format!("no private copy of it can be written in `{}`: {error}", parent.display()),
        hint: Some(
            format!("set {} to a folder with free space", if cfg!(windows) { "TMP" } else { "TMPDIR" })
                .into(),
        ),
        of_the_machine: true,
    }
}

/// How old a folder must be before it is swept. A process in another container that shares the folder does not exist
/// here, but it needs its copy for less than that.
const ABANDONED: Duration = Duration::from_secs(60);

/// Removes what killed processes have left where the system keeps temporary files, once per process.
pub(crate) fn sweep_once() {
    static SWEPT: Once = Once::new();
    SWEPT.call_once(|| sweep(&std::env::temp_dir(), SystemTime::now()));
}

/// Removes the folders of processes that were killed.
fn sweep(parent: &Path, now: SystemTime) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let Some(process) = entry.file_name().to_str().and_then(owner) else { continue };
        let Ok(metadata) = std::fs::symlink_metadata(entry.path()) else { continue };
        let age = metadata.modified().ok().and_then(|modified| now.duration_since(modified).ok());
        let abandoned = age.is_some_and(|age| age >= ABANDONED);
        if metadata.is_dir() && abandoned && is_ours(&metadata) && is_dead(process) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// The process in the name of one of our folders: `dreamwire-PID-NUMBER-NONCE`.
fn owner(name: &str) -> Option<i32> {
    let mut parts = name.strip_prefix(PREFIX)?.split('-');
    let (process, number, nonce) = (parts.next()?, parts.next()?, parts.next()?);
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_nonce = nonce.len() == 8 && nonce.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_number(process) && is_number(number) && is_nonce && parts.next().is_none())
        .then(|| process.parse().ok())?
}

#[cfg(unix)]
fn is_dead(process: i32) -> bool {
    // Another user's process answers EPERM, and is alive.
    rustix::process::Pid::from_raw(process)
        .is_some_and(|pid| rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH))
}

/// Elsewhere the files of a process that runs cannot be removed.
#[cfg(not(unix))]
fn is_dead(_: i32) -> bool {
    true
}

/// Whether this user owns a file.
#[cfg(unix)]
pub(crate) fn is_ours(metadata: &std::fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::uid(metadata) == rustix::process::geteuid().as_raw()
}

/// Whether this user owns a file.
#[cfg(not(unix))]
pub(crate) fn is_ours(_: &std::fs::Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_private_and_goes_with_its_value() {
        let parent = tempfile::tempdir().unwrap();
        let folder = PrivateFolder::below(parent.path()).unwrap();
        let file = folder.write("a.so", b"bytes").unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"bytes");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(folder.0.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        }
        drop(folder);
        assert!(!file.exists());
    }

    #[test]
    fn a_missing_place_is_named_and_the_setting_too() {
        let refusal = PrivateFolder::below(Path::new("/no/such/place")).err().unwrap();
        assert!(refusal.of_the_machine && refusal.why.contains("`/no/such/place`"), "{refusal:?}");
        assert!(refusal.hint.unwrap().text.contains("to a folder with free space"));
    }

    #[cfg(unix)]
    #[test]
    fn only_old_folders_of_dead_processes_are_swept() {
        let parent = tempfile::tempdir().unwrap();
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let dead = child.id();
        child.wait().unwrap();
        let alive = std::process::id();
        let names = [
            format!("dreamwire-{dead}-0-0123abcd"),
            format!("dreamwire-{alive}-0-0123abcd"),
            format!("dreamwire-{dead}-notes"),
            format!("dreamwire-{dead}-0-0123abcd-x"),
            "dreamwire-0-0-0123abcd".to_owned(),
        ];
        for name in &names {
            std::fs::create_dir(parent.path().join(name)).unwrap();
        }
        std::fs::write(parent.path().join(&names[0]).join("copy.so"), b"bytes").unwrap();
        let left = || names.iter().filter(|name| parent.path().join(name).exists()).count();
        sweep(parent.path(), SystemTime::now());
        assert_eq!(left(), names.len());
        sweep(parent.path(), SystemTime::now() + 2 * ABANDONED);
        assert!(left() == names.len() - 1 && !parent.path().join(&names[0]).exists());
    }
}
