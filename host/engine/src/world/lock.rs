//! The lock of a folder between processes.
//!
//! While a process chooses a name in a folder and writes the file, no other one does. The lock is advisory and belongs
//! to the open folder, so no lock file remains, and the system releases it with the process.

use cap_std::fs::Dir;
use std::time::{Duration, SystemTime};

/// Longer than any write: a process that holds the lock for so long was stopped. Even without the lock no file is
/// overwritten, because a number is taken atomically.
const LONGEST: Duration = Duration::from_secs(60);

/// An open folder that no other process publishes in, until this is dropped.
pub(super) struct Lock {
    /// `None` if the folder cannot be opened for reading.
    #[cfg(unix)]
    handle: Option<rustix::fd::OwnedFd>,
}

#[cfg(unix)]
impl Lock {
    /// Waits for the folder. File systems without locks are used without.
    pub(super) fn take(folder: &Dir) -> Self {
        use rustix::fs::{FlockOperation, Mode, OFlags, flock, openat};
        // An open file of its own, so that threads of one process exclude each other too.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = openat(folder, c".", flags, Mode::empty()).ok();
        let mut waited = Duration::ZERO;
        while let Some(handle) = &handle
            && waited < LONGEST
        {
            match flock(handle, FlockOperation::NonBlockingLockExclusive) {
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    let pause = Duration::from_millis(2);
                    std::thread::sleep(pause);
                    waited += pause;
                }
                Ok(()) | Err(_) => break,
            }
        }
        Self { handle }
    }

    /// Sets the folder's modification time to now, by a clock that is finer than the file system's, and returns it.
    /// The next change of the folder is then visible even if it happens within the same tick. `None` if the folder
    /// belongs to someone else.
    pub(super) fn stamp(&self) -> Option<SystemTime> {
        use rustix::fs::{Timespec, Timestamps, UTIME_OMIT, futimens};
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?;
        // Some file systems count tenths of microseconds.
        let nanos = now.subsec_nanos() / 100 * 100;
        let seconds = now.as_secs();
        let times = Timestamps {
            last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
            last_modification: Timespec { tv_sec: seconds.try_into().ok()?, tv_nsec: nanos.into() },
        };
        futimens(self.handle.as_ref()?, &times).ok()?;
        Some(SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos))
    }
}

#[cfg(not(unix))]
impl Lock {
    pub(super) fn take(_: &Dir) -> Self {
        Self {}
    }

    pub(super) fn stamp(&self) -> Option<SystemTime> {
        None
    }
}
