//! The hashes of libraries that have not changed since they were read.

use super::document::Document;
use blake3::Hash;
use serde_json::{Value, json};
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How many libraries are remembered.
const MAX_LIBRARIES: usize = 256;
/// A file that changed less than this ago may change again and keep its times.
const SETTLED: Duration = Duration::from_secs(2);

/// Size, times and identity of a file. Another content has another stamp, unless the file is being changed right now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    text: String,
    changed: Option<SystemTime>,
}

impl Stamp {
    /// The stamp of a file.
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let (size, modified) = (metadata.len(), metadata.modified().ok());
        let (identity, changed) = identity(metadata);
        let times = [modified, changed].map(|time| time.map_or(0, nanoseconds));
        Self {
            text: format!("{size} {} {} {identity}", times[0], times[1]),
            // A system without times tells nothing.
            changed: modified.zip(changed).map(|(modified, changed)| modified.max(changed)),
        }
    }

    /// Whether a further change would give another stamp.
    fn is_settled(&self, now: SystemTime) -> bool {
        let age = self.changed.and_then(|changed| now.duration_since(changed).ok());
        age.is_some_and(|age| age > SETTLED)
    }
}

fn nanoseconds(time: SystemTime) -> i128 {
    let since =
        |earlier: SystemTime, later: SystemTime| later.duration_since(earlier).map(|d| d.as_nanos() as i128);
    since(SystemTime::UNIX_EPOCH, time).unwrap_or_else(|_| -since(time, SystemTime::UNIX_EPOCH).unwrap_or(0))
}

/// Which file it is, and the last change of its content or description, which no program can set.
#[cfg(unix)]
fn identity(metadata: &Metadata) -> (String, Option<SystemTime>) {
    use std::os::unix::fs::MetadataExt;
    let (seconds, fraction) =
        (u64::try_from(metadata.ctime()).ok(), u32::try_from(metadata.ctime_nsec()).ok());
    let changed = seconds.zip(fraction).map(|(s, n)| SystemTime::UNIX_EPOCH + Duration::new(s, n));
    (format!("{}:{}", metadata.dev(), metadata.ino()), changed)
}

#[cfg(not(unix))]
fn identity(metadata: &Metadata) -> (String, Option<SystemTime>) {
    (String::new(), metadata.created().ok())
}

/// The remembered hashes.
pub(crate) struct Stamps {
    file: PathBuf,
    /// Path, stamp and hash; the latest last.
    entries: Vec<(String, String, Hash)>,
    changed: bool,
}

impl Stamps {
    pub(super) fn read(file: PathBuf) -> Self {
        let entry = |entry: &Value| {
            let text = |index: usize| entry.get(index)?.as_str().map(str::to_owned);
            Some((text(0)?, text(1)?, Hash::from_hex(text(2)?).ok()?))
        };
        let content = document(&file).read();
        let entries = content.as_ref().and_then(Value::as_array).into_iter().flatten().filter_map(entry);
        Self { entries: entries.collect(), file, changed: false }
    }

    /// The hash of a library that has not changed.
    pub(crate) fn hash(&self, library: &Path, stamp: &Stamp) -> Option<Hash> {
        self.hash_at(library, stamp, SystemTime::now())
    }

    fn hash_at(&self, library: &Path, stamp: &Stamp, now: SystemTime) -> Option<Hash> {
        let key = key(library)?;
        let (_, _, hash) =
            self.entries.iter().find(|(path, known, _)| *path == key && *known == stamp.text)?;
        stamp.is_settled(now).then_some(*hash)
    }

    /// Remembers the hash of a library whose stamp was the same before and after it was read.
    pub(crate) fn remember(&mut self, library: &Path, stamp: &Stamp, hash: Hash) {
        self.remember_at(library, stamp, hash, SystemTime::now());
    }

    fn remember_at(&mut self, library: &Path, stamp: &Stamp, hash: Hash, now: SystemTime) {
        if let Some(key) = key(library).filter(|_| stamp.is_settled(now)) {
            self.entries.retain(|(path, _, _)| *path != key);
            self.entries.push((key, stamp.text.clone(), hash));
            self.changed = true;
        }
    }

    /// Writes what has changed.
    pub(crate) fn write(&self) {
        if self.changed {
            let kept = &self.entries[self.entries.len().saturating_sub(MAX_LIBRARIES)..];
            let entry =
                |(path, stamp, hash): &(String, String, Hash)| json!([path, stamp, hash.to_hex().as_str()]);
            document(&self.file).write(&kept.iter().map(entry).collect());
        }
    }
}

fn document(file: &Path) -> Document {
    Document { path: file.to_owned(), about: "libraries".to_owned() }
}

/// The whole path. `None` if it is no text.
fn key(library: &Path) -> Option<String> {
    std::path::absolute(library).ok()?.to_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn later() -> SystemTime {
        SystemTime::now() + Duration::from_secs(60)
    }

    #[test]
    fn a_hash_is_remembered_until_the_file_changes() {
        let folder = tempfile::tempdir().unwrap();
        let (file, library) = (folder.path().join("libraries.json"), folder.path().join("a.so"));
        std::fs::write(&library, "one").unwrap();
        let stamp = Stamp::of(&library.metadata().unwrap());
        let hash = blake3::hash(b"one");
        let mut stamps = Stamps::read(file.clone());
        stamps.remember_at(&library, &stamp, hash, later());
        stamps.write();
        let read = Stamps::read(file);
        assert_eq!(read.hash_at(&library, &stamp, later()), Some(hash));
        assert_eq!(read.hash_at(&folder.path().join("b.so"), &stamp, later()), None);
        // The same size, in the same file, with the old time of modification.
        let modified = library.metadata().unwrap().modified().unwrap();
        std::thread::sleep(Duration::from_millis(20));
        std::fs::write(&library, "two").unwrap();
        std::fs::File::options().append(true).open(&library).unwrap().set_modified(modified).unwrap();
        let changed = Stamp::of(&library.metadata().unwrap());
        #[cfg(unix)]
        assert_eq!(read.hash_at(&library, &changed, later()), None);
        assert_eq!(stamp.text.split(' ').nth(1), changed.text.split(' ').nth(1));
    }

    #[test]
    fn what_has_just_changed_or_will_change_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("a.so");
        std::fs::write(&library, "one").unwrap();
        let stamp = Stamp::of(&library.metadata().unwrap());
        let mut stamps = Stamps::read(folder.path().join("libraries.json"));
        stamps.remember(&library, &stamp, blake3::hash(b"one"));
        assert!(stamps.entries.is_empty());
        stamps.remember_at(&library, &stamp, blake3::hash(b"one"), later());
        assert!(stamps.hash_at(&library, &stamp, later()).is_some());
        assert!(stamps.hash(&library, &stamp).is_none());
        let file = std::fs::File::options().append(true).open(&library).unwrap();
        file.set_modified(later() + Duration::from_secs(60)).unwrap();
        assert!(!Stamp::of(&library.metadata().unwrap()).is_settled(later()));
    }

    #[test]
    fn only_the_latest_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("libraries.json");
        std::fs::write(&file, "").unwrap();
        let stamp = Stamp::of(&file.metadata().unwrap());
        let mut stamps = Stamps::read(file.clone());
        for number in 0..MAX_LIBRARIES + 5 {
            stamps.remember_at(Path::new(&format!("/{number}.so")), &stamp, blake3::hash(b""), later());
        }
        stamps.write();
        let read = Stamps::read(file);
        assert_eq!((read.entries.len(), &read.entries[0].0[..]), (MAX_LIBRARIES, "/5.so"));
    }
}
