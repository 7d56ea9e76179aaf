//! Which rows are done: what each was made of and the files that it published, in `OUT/.dreamwire/rows.jsonl`.
//!
//! Lines are only ever added, each in one write, so that several processes may do so; the last one about a file counts. A
//! damaged line is no line, and without the journal rows are only done again, from the cache.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use dreamwire_engine::Published;
use serde::{Deserialize, Serialize};

/// A row that is done.
#[derive(Serialize, Deserialize)]
struct Line {
    /// What it was made of.
    key: String,
    files: Vec<Known>,
}

/// A file as it was published.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Known {
    name: String,
    bytes: u64,
    /// Nanoseconds since 1970; a file that was touched since is read to see whether it is the same.
    modified: u64,
    hash: String,
}

/// The journal of an output folder.
pub(super) struct Journal {
    out: PathBuf,
    /// The last line about each row.
    rows: HashMap<String, Vec<Known>>,
    /// The row that published a file last.
    last: HashMap<String, String>,
    file: Option<File>,
}

impl Journal {
    pub(super) fn open(out: &Path) -> Self {
        let path = path(out);
        let mut journal =
            Self { out: out.to_owned(), rows: HashMap::new(), last: HashMap::new(), file: None };
        let text = std::fs::read(&path).unwrap_or_default();
        for line in
            text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Line>(line).ok())
        {
            journal.note(line);
        }
        journal
    }

    fn note(&mut self, line: Line) {
        for file in &line.files {
            self.last.insert(file.name.clone(), line.key.clone());
        }
        self.rows.insert(line.key, line.files);
    }

    /// Whether a row made of this is done, and all its files are there as it has left them.
    pub(super) fn is_done(&self, key: &str) -> bool {
        let Some(files) = self.rows.get(key) else { return false };
        files.iter().all(|file| {
            self.last.get(&file.name).is_some_and(|last| last == key)
                && is_same(&self.out.join(&file.name), file)
        })
    }

    /// Notes that a row is done. Failing to is no failure of the run.
    pub(super) fn done(&mut self, key: String, published: &[Published]) {
        let files: Option<Vec<Known>> = published.iter().map(|file| known(&file.path, file)).collect();
        let Some(files) = files else { return };
        let line = Line { key, files };
        if self.rows.get(&line.key) == Some(&line.files) {
            return;
        }
        if self.file.is_none() {
            let path = path(&self.out);
            let _ = path.parent().map(std::fs::create_dir_all);
            self.file = OpenOptions::new().create(true).append(true).open(path).ok();
        }
        if let (Some(file), Ok(mut text)) = (&mut self.file, serde_json::to_vec(&line)) {
            text.push(b'\n');
            let _ = file.write_all(&text);
        }
        self.note(line);
    }
}

fn path(out: &Path) -> PathBuf {
    out.join(".dreamwire").join("rows.jsonl")
}

fn modified(metadata: &std::fs::Metadata) -> u64 {
    let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(0))
}

fn known(path: &Path, file: &Published) -> Option<Known> {
    let metadata = path.metadata().ok()?;
    let (bytes, modified) = (metadata.len(), modified(&metadata));
    Some(Known { name: file.name.clone(), bytes, modified, hash: file.hash.to_hex().to_string() })
}

fn is_same(path: &Path, file: &Known) -> bool {
    let Some(metadata) = path.metadata().ok().filter(|metadata| metadata.is_file()) else { return false };
    if metadata.len() != file.bytes {
        return false;
    }
    let is_untouched = modified(&metadata) == file.modified && file.modified != 0;
    is_untouched || std::fs::read(path).is_ok_and(|bytes| blake3::hash(&bytes).to_hex().as_str() == file.hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publish(out: &Path, name: &str, bytes: &[u8]) -> Published {
        let path = out.join(name);
        std::fs::write(&path, bytes).unwrap();
        Published { name: name.to_owned(), path, hash: blake3::hash(bytes), written: true }
    }

    #[test]
    fn rows_are_done_while_their_files_are_as_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path();
        let mut journal = Journal::open(out);
        assert!(!journal.is_done("a"));
        let files = [publish(out, "1.png", b"one"), publish(out, "2.png", b"two")];
        journal.done("a".into(), &files);
        assert!(journal.is_done("a"));
        let journal = Journal::open(out);
        assert!(journal.is_done("a") && !journal.is_done("b"));
        // Written again with the same bytes it is the same.
        publish(out, "1.png", b"one");
        assert!(journal.is_done("a"));
        publish(out, "1.png", b"xxx");
        assert!(!journal.is_done("a"));
        publish(out, "1.png", b"on");
        assert!(!journal.is_done("a"));
        std::fs::remove_file(out.join("1.png")).unwrap();
        assert!(!journal.is_done("a"));
    }

    /// Faults: F2.
    #[test]
    fn the_last_row_that_published_a_file_counts_and_damage_is_no_line() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path();
        let mut journal = Journal::open(out);
        journal.done("a".into(), &[publish(out, "1.png", b"one")]);
        journal.done("b".into(), &[publish(out, "1.png", b"one")]);
        assert!(!journal.is_done("a") && journal.is_done("b"));
        let path = path(out);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{{\"key\": 3\n{}\n{}", text.lines().last().unwrap(), &text[..20]))
            .unwrap();
        let journal = Journal::open(out);
        assert!(journal.is_done("b") && !journal.is_done("a"));
    }
}
