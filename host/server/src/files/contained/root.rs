//! A folder that no name leaves.

use super::{IfTaken, Name, Temporary, refusal, temporary};
use crate::files::refusal::Refusal;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, Metadata};
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

/// How deep lists go, in folders.
const DEEPEST: usize = 16;

/// A folder. It is opened for each request, so it may appear and be replaced while the server runs.
#[derive(Clone, Debug)]
pub(crate) struct Root {
    path: PathBuf,
    links: Links,
}

/// Where links in a folder may lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Links {
    Inside,
    Anywhere,
}

/// A regular file that was opened for reading.
pub(crate) struct Opened {
    pub(crate) file: File,
    /// Its length in bytes.
    pub(crate) length: u64,
    /// When it was last written.
    pub(crate) modified: SystemTime,
}

/// A file or folder in a list.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Its path from the folder that is listed, with forward slashes.
    pub(crate) path: String,
    pub(crate) is_folder: bool,
    /// Its length in bytes.
    pub(crate) size: u64,
    pub(crate) modified: SystemTime,
    /// When it was made, or last written where the file system does not tell.
    pub(crate) created: SystemTime,
}

impl Root {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, links: Links::Inside }
    }

    /// A folder whose files are opened wherever its links lead: one that nobody writes to but whoever installed it, such as
    /// a package of which each file is a link into the cache of its installer.
    pub(crate) fn with_links(path: PathBuf) -> Self {
        Self { path, links: Links::Anywhere }
    }

    fn open_dir(&self) -> io::Result<Dir> {
        Dir::open_ambient_dir(&self.path, ambient_authority())
    }

    /// Opens the folder of a name, and makes what is missing of it.
    fn folder(&self, folder: &str) -> io::Result<Dir> {
        Dir::create_ambient_dir_all(&self.path, ambient_authority())?;
        let root = self.open_dir()?;
        if folder.is_empty() {
            return Ok(root);
        }
        match root.open_dir(folder) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                root.create_dir_all(folder)?;
                root.open_dir(folder)
            }
            opened => opened,
        }
    }

    /// Opens a file for reading.
    ///
    /// # Errors
    /// 404 if there is none, also if the name is that of a folder; 403 if a link leads out or it may not be read.
    pub(crate) fn open(&self, name: &Name) -> Result<Opened, Refusal> {
        if self.links == Links::Anywhere {
            return self.open_linked(name);
        }
        let root = self.open_dir()?;
        // Opening a pipe would wait for its other end.
        if !root.metadata(name.as_str())?.is_file() {
            return Err(Refusal::missing());
        }
        let file = root.open(name.as_str())?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(Refusal::missing());
        }
        let modified = metadata.modified()?.into_std();
        Ok(Opened { file: file.into_std(), length: metadata.len(), modified })
    }

    fn open_linked(&self, name: &Name) -> Result<Opened, Refusal> {
        let path = self.path.join(name.as_str()).canonicalize()?;
        // Opening a pipe would wait for its other end.
        if !path.metadata()?.is_file() {
            return Err(Refusal::missing());
        }
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        Ok(Opened { file, length: metadata.len(), modified: metadata.modified()? })
    }

    /// The files, or with `folders` also the folders, in the root or the folder of that name, in no order; `most` of
    /// them at most, so that a folder of a million files costs bounded memory. What begins with a dot, what a link
    /// leads out to and what is neither file nor folder is left out. Links to folders are not followed.
    ///
    /// # Errors
    /// 404 if there is no such folder.
    pub(crate) fn list(&self, within: Option<&Name>, how: Listed) -> Result<Vec<Entry>, Refusal> {
        let root = self.open_dir()?;
        let top = match within {
            Some(name) => root.open_dir(name.as_str())?,
            None => root,
        };
        let mut found = Vec::new();
        let mut pending = vec![(top, String::new(), 0)];
        while let Some((folder, prefix, depth)) = pending.pop() {
            for entry in folder.entries()?.flatten() {
                if found.len() >= how.most {
                    return Ok(found);
                }
                let Ok(name) = entry.file_name().into_string() else { continue };
                // A link is looked through, and one that leads out fails.
                let Ok(metadata) = folder.metadata(&name) else { continue };
                let is_listed = metadata.is_file() || (metadata.is_dir() && how.folders);
                if refusal(&name).is_some() || !(metadata.is_file() || metadata.is_dir()) {
                    continue;
                }
                let path = format!("{prefix}{name}");
                let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
                let is_entered = metadata.is_dir() && how.deep && depth < DEEPEST && !is_link;
                if is_entered
                    && how.skip != Some(path.as_str())
                    && let Ok(inner) = folder.open_dir(&name)
                {
                    pending.push((inner, format!("{path}/"), depth + 1));
                }
                if is_listed {
                    found.push(Entry::new(path, &metadata));
                }
            }
        }
        Ok(found)
    }

    /// What is known of a file.
    ///
    /// # Errors
    /// 404 if there is none.
    pub(crate) fn entry(&self, name: &Name) -> Result<Entry, Refusal> {
        let metadata = self.open_dir()?.metadata(name.as_str())?;
        if !metadata.is_file() {
            return Err(Refusal::missing());
        }
        Ok(Entry::new(name.to_string(), &metadata))
    }

    /// A temporary file in the folder of a name, which is made if missing.
    ///
    /// # Errors
    /// The folder leads out through a link or cannot be written.
    pub(crate) fn temporary(&self, name: &Name) -> Result<Temporary, Refusal> {
        Ok(Temporary::create(self.folder(name.split().0)?)?)
    }

    /// Gives a temporary file, of this root or another one, its name. False if the name is taken and not to be
    /// replaced.
    ///
    /// # Errors
    /// The file cannot be written or renamed.
    pub(crate) fn publish(
        &self,
        file: &mut Temporary,
        name: &Name,
        if_taken: IfTaken,
    ) -> Result<bool, Refusal> {
        let (folder, own) = name.split();
        Ok(file.publish(&self.folder(folder)?, own, if_taken)?)
    }

    /// Whether the file of that name has the content of a temporary one.
    ///
    /// # Errors
    /// One of the two cannot be read.
    pub(crate) fn equals(&self, file: &mut Temporary, name: &Name) -> Result<bool, Refusal> {
        Ok(file.equals(&self.open_dir()?, name.as_str())?)
    }

    /// Removes a file.
    ///
    /// # Errors
    /// 404 if there is none.
    pub(crate) fn remove(&self, name: &Name) -> Result<(), Refusal> {
        let root = self.open_dir()?;
        // A link is removed itself.
        if root.symlink_metadata(name.as_str())?.is_dir() {
            return Err(Refusal::missing());
        }
        Ok(root.remove_file(name.as_str())?)
    }

    /// Moves a file. False if the new name is taken and not to be replaced.
    ///
    /// # Errors
    /// 404 if there is no such file; the new name leads out or cannot be written.
    pub(crate) fn rename(&self, from: &Name, to: &Name, if_taken: IfTaken) -> Result<bool, Refusal> {
        let root = self.open_dir()?;
        if !root.metadata(from.as_str())?.is_file() {
            return Err(Refusal::missing());
        }
        let (folder, own) = to.split();
        Ok(temporary::rename((&root, from.as_str()), (&self.folder(folder)?, own), if_taken)?)
    }
}

/// What a list has.
#[derive(Clone, Copy)]
pub(crate) struct Listed<'a> {
    /// Folders too.
    pub(crate) folders: bool,
    /// What is in folders too.
    pub(crate) deep: bool,
    /// A folder whose content is left out.
    pub(crate) skip: Option<&'a str>,
    /// The most entries.
    pub(crate) most: usize,
}

impl Entry {
    fn new(path: String, metadata: &Metadata) -> Self {
        let modified =
            metadata.modified().map_or(SystemTime::UNIX_EPOCH, cap_std::time::SystemTime::into_std);
        let created = metadata.created().map_or(modified, cap_std::time::SystemTime::into_std);
        Self { path, is_folder: metadata.is_dir(), size: metadata.len(), modified, created }
    }

    /// Milliseconds since 1970, as the protocol has times.
    pub(crate) fn millis(time: SystemTime) -> u64 {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}
