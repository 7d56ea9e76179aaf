//! The watched folders. Folders are watched, never files: a save by rename would end the watch of a file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind};
use notify::{Config, Event, EventKind, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher};

use super::Message;

pub(super) const POLL: Duration = Duration::from_millis(500);

/// The folders that are watched now.
pub(super) struct Folders {
    sender: Sender<Message>,
    watcher: Option<Box<dyn Watcher>>,
    polling: bool,
    watched: BTreeMap<PathBuf, Identity>,
}

/// Device and inode: distinguishes a folder from another that has taken its name.
type Identity = (u64, u64);

impl Folders {
    pub(super) fn new(sender: Sender<Message>) -> Self {
        Folders { sender, watcher: None, polling: false, watched: BTreeMap::new() }
    }

    /// Watches exactly these folders; for one that does not exist, its nearest existing ancestor. Returns the reason if
    /// the system cannot watch, for instance if it has no watches left. From then on folders are polled every [`POLL`].
    pub(super) fn sync(&mut self, wanted: impl IntoIterator<Item = PathBuf>) -> Option<String> {
        let wanted: BTreeSet<PathBuf> = wanted.into_iter().filter_map(|folder| nearest(&folder)).collect();
        let mut said = None;
        if self.watcher.is_none() {
            said = self.start();
        }
        if let Err(error) = self.apply(&wanted)
            && !self.polling
        {
            said = Some(self.poll(&error));
            let _ = self.apply(&wanted);
        }
        said
    }

    /// Forgets the watches, so that the next `sync` watches everything again.
    pub(super) fn forget(&mut self) {
        self.watched.values_mut().for_each(|identity| *identity = (0, 0));
    }

    fn start(&mut self) -> Option<String> {
        match RecommendedWatcher::new(handler(self.sender.clone()), Config::default()) {
            Ok(watcher) => {
                self.watcher = Some(Box::new(watcher));
                None
            }
            Err(error) => Some(self.poll(&error)),
        }
    }

    /// Falls back to polling the folders.
    fn poll(&mut self, why: &notify::Error) -> String {
        self.polling = true;
        self.watched.clear();
        let config = Config::default().with_poll_interval(POLL);
        self.watcher = PollWatcher::new(handler(self.sender.clone()), config)
            .ok()
            .map(|watcher| Box::new(watcher) as Box<dyn Watcher>);
        why.to_string()
    }

    fn apply(&mut self, wanted: &BTreeSet<PathBuf>) -> notify::Result<()> {
        let Some(watcher) = &mut self.watcher else { return Ok(()) };
        let old: Vec<PathBuf> = self.watched.keys().filter(|path| !wanted.contains(*path)).cloned().collect();
        for path in old {
            let _ = watcher.unwatch(&path);
            self.watched.remove(&path);
        }
        for path in wanted {
            let identity = identity(path);
            if self.watched.get(path) == Some(&identity) {
                continue;
            }
            if self.watched.remove(path).is_some() {
                let _ = watcher.unwatch(path);
            }
            match watcher.watch(path, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.watched.insert(path.clone(), identity);
                }
                // It disappeared between the lookup and the watch; the next sync notices.
                Err(error) if matches!(error.kind, notify::ErrorKind::PathNotFound) => {}
                // Without permission polling would fail too.
                Err(error) if is_denied(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn is_denied(error: &notify::Error) -> bool {
    let denied = std::io::ErrorKind::PermissionDenied;
    matches!(&error.kind, notify::ErrorKind::Io(error) if error.kind() == denied)
}

/// The folder, or its nearest existing ancestor.
fn nearest(folder: &Path) -> Option<PathBuf> {
    let folder = std::path::absolute(folder).ok()?;
    let found = folder.ancestors().find(|ancestor| ancestor.is_dir())?;
    found.canonicalize().ok()
}

#[cfg(unix)]
fn identity(folder: &Path) -> Identity {
    use std::os::unix::fs::MetadataExt;
    folder.metadata().map_or((0, 1), |metadata| (metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(_: &Path) -> Identity {
    (0, 1)
}

fn handler(sender: Sender<Message>) -> impl FnMut(notify::Result<Event>) + Send + 'static {
    move |event| {
        let message = match event {
            Ok(event) if event.need_rescan() => Message::Anything,
            Ok(event) if matters(event.kind) => {
                Message::Changed { writing: is_writing(event.kind), paths: event.paths }
            }
            Ok(_) => return,
            Err(_) => Message::Anything,
        };
        let _ = sender.send(message);
    }
}

/// Reads are not changes: the program itself reads these files.
fn matters(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

/// Whether more will follow: somebody has the file open. Only Linux tells when it is closed.
fn is_writing(kind: EventKind) -> bool {
    let open = matches!(kind, EventKind::Create(CreateKind::File) | EventKind::Modify(ModifyKind::Data(_)));
    cfg!(target_os = "linux") && open
}

#[cfg(test)]
mod tests {
    use notify::event::RemoveKind;

    use super::*;

    #[test]
    fn reading_is_no_change() {
        assert!(!matters(EventKind::Access(AccessKind::Open(AccessMode::Any))));
        assert!(matters(EventKind::Access(AccessKind::Close(AccessMode::Write))));
        assert!(matters(EventKind::Modify(ModifyKind::Any)));
        assert!(matters(EventKind::Remove(RemoveKind::Any)));
    }

    /// Faults: G6.
    #[test]
    fn a_missing_folder_is_waited_for_above_it() {
        let here = std::env::current_dir().and_then(|path| path.canonicalize()).unwrap();
        assert_eq!(nearest(Path::new("no/such/folder")), Some(here.clone()));
        assert_eq!(nearest(Path::new(".")), Some(here));
    }
}
