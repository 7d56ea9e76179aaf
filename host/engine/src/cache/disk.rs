//! Results in a folder that processes share.
//!
//! `results/KEY` is a manifest: a line with the hash of the rest, then JSON ([`wire`](super::wire)). `blobs/HASH` has
//! the content of a tensor or file. Files are written beside their name and renamed, and verified when they are read;
//! whatever is missing, cut off, damaged or foreign is a miss. So the folder may be removed at any time, and a write
//! that fails, on a full or read-only disk, only means that a step runs again.

use super::entry::Entry;
use super::wire::Manifest;
use blake3::Hash;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// The free space that the cache leaves on its disk, in bytes.
const SPARE_BYTES: u64 = 1 << 30;
/// How long the size of the folder is known: other processes write to it too.
const COUNTS_FOR: Duration = Duration::from_secs(60);
/// The age at which a temporary file belongs to no writer any more.
const ABANDONED: Duration = Duration::from_secs(3600);
/// A manifest is small: more is not one.
const MANIFEST_BYTES: u64 = 64 << 20;

/// A cache folder.
pub struct DiskCache {
    results: PathBuf,
    blobs: PathBuf,
    limit: u64,
    /// The free space that stays on the disk, in bytes.
    spare: u64,
    /// Bytes written since the last trim.
    written: u64,
    /// The bytes of all files, and when they were counted. A folder with the results of thousands of runs is not listed
    /// after each of them.
    counted: Option<(u64, Instant)>,
}

/// What a cache folder holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskUsage {
    /// Stored results, by key; most steps have two keys.
    pub results: u64,
    /// Bytes of all files.
    pub bytes: u64,
}

/// A file of the cache.
struct Stored {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

impl DiskCache {
    /// A cache in `folder`, which is created with its first result, and kept below `limit` bytes.
    pub fn new(folder: &Path, limit: u64) -> Self {
        Self {
            results: folder.join("results"),
            blobs: folder.join("blobs"),
            limit,
            spare: SPARE_BYTES,
            written: 0,
            counted: None,
        }
    }

    /// What the cache holds now.
    pub fn usage(&self) -> DiskUsage {
        let mut usage = DiskUsage::default();
        for file in self.files() {
            usage.results += u64::from(file.path.starts_with(&self.results) && !is_temporary(&file.path));
            usage.bytes += file.bytes;
        }
        usage
    }

    /// Removes all its files. What else lies in the folder stays: it may have been named by mistake.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub fn clear(&self) -> io::Result<()> {
        for file in self.files() {
            match fs::remove_file(&file.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        for folder in [&self.results, &self.blobs] {
            // Only if nothing is left in it.
            let _ = fs::remove_dir(folder);
        }
        Ok(())
    }

    pub(super) fn get(&self, key: Hash) -> Option<Entry> {
        let path = self.results.join(key.to_hex().as_str());
        let text = read(&path, MANIFEST_BYTES)?;
        let manifest = verified(&text)?;
        let entry = manifest.entry(|hash, len| {
            // The name comes from a file: it must not lead anywhere else.
            let hash = Hash::from_hex(hash).ok()?;
            let path = self.blob(hash);
            let bytes = read(&path, len)?;
            if bytes.len() as u64 != len || blake3::hash(&bytes) != hash {
                // So that it is written again: a file of the right length is taken for whole then.
                let _ = fs::remove_file(&path);
                return None;
            }
            touch(&path);
            Some(bytes)
        })?;
        touch(&path);
        Some(entry)
    }

    /// Whether a result is there, as far as that can be told without reading all of it.
    pub(super) fn holds(&self, key: Hash) -> bool {
        let text = read(&self.results.join(key.to_hex().as_str()), MANIFEST_BYTES);
        let Some(manifest) = text.and_then(|text| verified(&text)) else { return false };
        manifest.blobs().all(|(hash, len)| {
            let metadata = Hash::from_hex(hash).ok().and_then(|hash| self.blob(hash).metadata().ok());
            metadata.is_some_and(|found| found.is_file() && found.len() == len)
        })
    }

    /// Stores a result; false if it could not. Failing to is no failure of the run.
    pub(super) fn put(&mut self, keys: &[Hash], entry: &Entry) -> bool {
        if entry.bytes > self.limit || !self.has_room(entry.bytes) {
            return false;
        }
        self.try_put(keys, entry).is_ok_and(|stored| stored)
    }

    /// Stores one of many results of a step, which together may be more than the limit: the oldest go at once.
    pub(super) fn put_part(&mut self, key: Hash, entry: &Entry) -> bool {
        let stored = self.put(&[key], entry);
        if self.written > self.limit / 4 {
            self.trim();
        }
        stored
    }

    /// False if it has no stored form.
    fn try_put(&mut self, keys: &[Hash], entry: &Entry) -> io::Result<bool> {
        let mut failed = None;
        let mut written = 0;
        let manifest = Manifest::of(entry, |bytes, hash| match self.keep(bytes, hash) {
            Ok(new) => {
                written += if new { bytes.len() as u64 } else { 0 };
                true
            }
            Err(error) => {
                failed = Some(error);
                false
            }
        });
        self.written += written;
        let Some(manifest) = manifest else { return failed.map_or(Ok(false), Err) };
        let body = serde_json::to_string(&manifest)?;
        let text = format!("{}\n{body}", blake3::hash(body.as_bytes()).to_hex());
        let mut paths = keys.iter().map(|key| self.results.join(key.to_hex().as_str()));
        let Some(first) = paths.next() else { return Ok(true) };
        write(&first, text.as_bytes())?;
        self.written += text.len() as u64;
        for further in paths {
            if fs::hard_link(&first, &further).is_err() {
                write(&further, text.as_bytes())?;
            }
        }
        Ok(true)
    }

    /// Stores a blob. False if it was there.
    fn keep(&self, bytes: &[u8], hash: Hash) -> io::Result<bool> {
        let path = self.blob(hash);
        // A blob of the right length was written completely; were it damaged, reading it would tell.
        if path.metadata().is_ok_and(|known| known.len() == bytes.len() as u64) {
            touch(&path);
            return Ok(false);
        }
        write(&path, bytes).map(|()| true)
    }

    fn blob(&self, hash: Hash) -> PathBuf {
        self.blobs.join(hash.to_hex().as_str())
    }

    /// Whether the disk has room for `bytes` more.
    #[cfg(unix)]
    fn has_room(&self, bytes: u64) -> bool {
        let Some(folder) = self.results.ancestors().find(|folder| folder.is_dir()) else { return true };
        let Ok(disk) = rustix::fs::statvfs(folder) else { return true };
        disk.f_bavail.saturating_mul(disk.f_frsize) >= bytes.saturating_add(self.spare)
    }

    #[cfg(not(unix))]
    fn has_room(&self, _: u64) -> bool {
        true
    }

    fn files(&self) -> Vec<Stored> {
        let entries = [&self.results, &self.blobs].into_iter().flat_map(|folder| fs::read_dir(folder).ok());
        let stored = |entry: fs::DirEntry| {
            let metadata = entry.metadata().ok()?;
            let used = metadata.modified().ok()?;
            let path = entry.path();
            (metadata.is_file() && is_own(&path)).then_some(Stored { path, bytes: metadata.len(), used })
        };
        entries.flatten().flatten().filter_map(stored).collect()
    }

    /// Removes what was used least recently until nine tenths of the limit are left, and temporary files of dead
    /// writers. A manifest whose blob is gone is a miss, so the order does not matter.
    pub(super) fn trim(&mut self) {
        let written = std::mem::take(&mut self.written);
        if written == 0 {
            return;
        }
        if let Some((total, at)) = &mut self.counted
            && at.elapsed() < COUNTS_FOR
        {
            *total += written;
            if *total <= self.limit {
                return;
            }
        }
        let mut files = self.files();
        let now = SystemTime::now();
        let is_abandoned = |file: &Stored| {
            is_temporary(&file.path) && now.duration_since(file.used).is_ok_and(|age| age > ABANDONED)
        };
        for file in files.iter().filter(|file| is_abandoned(file)) {
            let _ = fs::remove_file(&file.path);
        }
        let mut total: u64 = files.iter().map(|file| file.bytes).sum();
        self.counted = Some((total, Instant::now()));
        if total <= self.limit {
            return;
        }
        files.sort_by_key(|file| file.used);
        for file in files.iter().filter(|file| !is_temporary(&file.path)) {
            if total <= self.limit / 10 * 9 {
                break;
            }
            if fs::remove_file(&file.path).is_ok() {
                total -= file.bytes;
            }
        }
        self.counted = Some((total, Instant::now()));
    }
}

/// The whole file, unless it has more than `most` bytes.
fn read(path: &Path, most: u64) -> Option<Vec<u8>> {
    // Opening a named pipe would block.
    let metadata = path.metadata().ok().filter(fs::Metadata::is_file)?;
    (metadata.len() <= most).then(|| fs::read(path).ok())?
}

fn verified(text: &[u8]) -> Option<Manifest> {
    let text = std::str::from_utf8(text).ok()?;
    let (hash, body) = text.split_once('\n')?;
    let intact = blake3::hash(body.as_bytes()).to_hex().as_str() == hash;
    intact.then(|| serde_json::from_str(body).ok())?
}

/// Notes that a file was used. On a read-only disk it is not noted.
fn touch(path: &Path) {
    let _ = OpenOptions::new().append(true).open(path).and_then(|file| file.set_modified(SystemTime::now()));
}

/// Writes a file under a temporary name and renames it. It need not survive a power cut: what is read is verified.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let temporary = path.with_file_name(format!(".{}-{number}.tmp", std::process::id()));
    let written = create(&temporary)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// Creates a file, and its folder with the first one.
fn create(path: &Path) -> io::Result<File> {
    match File::create(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut folder = fs::DirBuilder::new();
            // Results may show what their user wants nobody to see.
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
            folder.recursive(true).create(path.parent().unwrap_or(path))?;
            File::create(path)
        }
        created => created,
    }
}

/// Whether a name is one that [`write`] gives: a hash, or a temporary one.
fn is_own(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    is_temporary(path) || Hash::from_hex(name).is_ok()
}

/// Whether a name has the form `.PROCESS-NUMBER.tmp`.
fn is_temporary(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let numbers = name.strip_prefix('.').and_then(|name| name.strip_suffix(".tmp")?.split_once('-'));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    numbers.is_some_and(|(process, number)| is_number(process) && is_number(number))
}

#[cfg(test)]
mod tests;
