//! Files that are whole before they have a name.

use cap_std::fs::{Dir, OpenOptions};
use std::fs::File;
use std::io::{self, ErrorKind, Seek, Write};
use std::sync::atomic::{AtomicU64, Ordering};

/// What to do if a name is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IfTaken {
    /// Replace the file.
    Replace,
    /// Keep the file and say so.
    Keep,
}

/// A file under a name of its own in the folder where it is to stay. Dropped without a name, it is removed: so is what
/// a client leaves that goes away during an upload.
pub(crate) struct Temporary {
    folder: Dir,
    /// Empty once the file has its name.
    name: String,
    file: File,
}

impl Temporary {
    /// The name is one that the engine's sweep of abandoned files knows.
    pub(super) fn create(folder: Dir) -> io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1 << 32);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!(".dreamwire-{}-{number}.tmp", std::process::id());
            let mut options = OpenOptions::new();
            // No explicit mode: the umask applies, so that others may read what they could read before.
            match folder.open_with(&name, options.read(true).write(true).create_new(true)) {
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                result => return result.map(|file| Self { folder, name, file: file.into_std() }),
            }
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// The file, from its beginning.
    pub(crate) fn rewound(&mut self) -> io::Result<&mut File> {
        self.file.rewind()?;
        Ok(&mut self.file)
    }

    /// Whether the file of that name in a folder has the same content.
    pub(super) fn equals(&mut self, folder: &Dir, name: &str) -> io::Result<bool> {
        let metadata = folder.metadata(name)?;
        if !metadata.is_file() || metadata.len() != self.file.metadata()?.len() {
            return Ok(false);
        }
        let hash = |file: &mut File| blake3::Hasher::new().update_reader(file).map(|h| h.finalize());
        Ok(hash(&mut folder.open(name)?.into_std())? == hash(self.rewound()?)?)
    }

    pub(super) fn publish(&mut self, folder: &Dir, name: &str, if_taken: IfTaken) -> io::Result<bool> {
        self.file.sync_all()?;
        match rename((&self.folder, &self.name), (folder, name), if_taken) {
            Ok(done) => {
                if done {
                    self.name.clear();
                    // The name must survive a power cut too; not every system can flush a folder.
                    let _ = folder.open(".").and_then(|f| f.sync_all());
                }
                Ok(done)
            }
            // Another file system: a copy beside the name first.
            Err(e) if e.kind() == ErrorKind::CrossesDevices => {
                let mut copy = Self::create(folder.try_clone()?)?;
                io::copy(self.rewound()?, &mut copy.file)?;
                copy.publish(folder, name, if_taken)
            }
            Err(e) => Err(e),
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.name.is_empty() {
            let _ = self.folder.remove_file(&self.name);
        }
    }
}

/// Renames a file. `Ok(false)` if the name is taken and must not be replaced.
pub(super) fn rename(from: (&Dir, &str), to: (&Dir, &str), if_taken: IfTaken) -> io::Result<bool> {
    let replace = || from.0.rename(from.1, to.0, to.1).map(|()| true);
    if if_taken == IfTaken::Replace {
        return replace();
    }
    // Only a hard link takes a free name atomically.
    match from.0.hard_link(from.1, to.0, to.1) {
        Ok(()) => from.0.remove_file(from.1).map(|()| true),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(e) if e.kind() == ErrorKind::CrossesDevices => Err(e),
        // Without hard links: look, then rename.
        Err(_) if to.0.symlink_metadata(to.1).is_err() => replace(),
        Err(_) => Ok(false),
    }
}
