//! Params that a kind has accepted, so that it need not be asked again.

use blake3::Hash;
use std::collections::HashSet;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// Bytes of one line: the hash of an accepted judgement.
const LINE: usize = 33;
/// How many are kept in a file that has become too long.
const KEPT: usize = 1024;
const MAX_BYTES: usize = 4 * KEPT * LINE;

/// The params that the kinds of one build have accepted. Refusals are not kept: their messages come from the plugin.
pub(crate) struct Accepted {
    file: PathBuf,
    build: Hash,
    known: OnceLock<Mutex<HashSet<String>>>,
}

impl Accepted {
    pub(super) fn at(file: PathBuf, build: Hash) -> Self {
        Self { file, build, known: OnceLock::new() }
    }

    /// Whether a kind has accepted these params.
    pub(crate) fn has(&self, kind: &str, params: &str) -> bool {
        self.known().contains(&self.line(kind, params))
    }

    /// Notes that a kind has accepted these params. A line that is lost or damaged is one that was never written.
    pub(crate) fn add(&self, kind: &str, params: &str) {
        let line = self.line(kind, params);
        if self.known().insert(line.clone())
            && let Ok(mut file) = std::fs::File::options().append(true).create(true).open(&self.file)
        {
            // In one write, so that lines of other processes do not end up inside this one.
            let _ = file.write_all(format!("{line}\n").as_bytes());
        }
    }

    fn line(&self, kind: &str, params: &str) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"accepted 1\n").update(self.build.as_bytes());
        hasher.update(&(kind.len() as u64).to_le_bytes()).update(kind.as_bytes()).update(params.as_bytes());
        hasher.finalize().to_hex()[..LINE - 1].to_owned()
    }

    fn known(&self) -> MutexGuard<'_, HashSet<String>> {
        self.known.get_or_init(|| Mutex::new(self.read())).lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> HashSet<String> {
        let bytes = std::fs::read(&self.file).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let mut lines: Vec<&str> = text.lines().filter(|line| line.len() == LINE - 1).collect();
        if bytes.len() > MAX_BYTES {
            lines.drain(..lines.len().saturating_sub(KEPT));
            let kept: String = lines.iter().map(|line| format!("{line}\n")).collect();
            super::write(&self.file, kept.as_bytes());
        }
        lines.into_iter().map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build() -> Hash {
        blake3::hash(b"a library")
    }

    #[test]
    fn what_was_accepted_is_known_to_the_next_process() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("accepted");
        let accepted = Accepted::at(file.clone(), build());
        assert!(!accepted.has("Kind", "{}"));
        accepted.add("Kind", "{}");
        accepted.add("Kind", "{}");
        assert!(accepted.has("Kind", "{}"));
        assert_eq!(std::fs::read(&file).unwrap().len(), LINE);
        let next = Accepted::at(file.clone(), build());
        assert!(next.has("Kind", "{}") && !next.has("Kin", "d{}") && !next.has("Kind", "{ }"));
        assert!(!Accepted::at(file, blake3::hash(b"another")).has("Kind", "{}"));
    }

    #[test]
    fn damage_forgets_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("accepted");
        let accepted = Accepted::at(file.clone(), build());
        accepted.add("A", "1");
        accepted.add("A", "2");
        let mut bytes = std::fs::read(&file).unwrap();
        bytes[3] ^= 0x80;
        std::fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
        let next = Accepted::at(file, build());
        assert!(!next.has("A", "1") && next.has("A", "2"));
        let nowhere = Accepted::at(folder.path().join("no/folder"), build());
        nowhere.add("A", "1");
        assert!(nowhere.has("A", "1"));
    }

    #[test]
    fn a_long_file_is_cut_to_its_latest_lines() {
        let folder = tempfile::tempdir().unwrap();
        let builds = folder.path().join("builds");
        std::fs::create_dir(&builds).unwrap();
        let file = builds.join("accepted");
        let lines: String = (0..MAX_BYTES / LINE + 2).map(|number| format!("{number:032x}\n")).collect();
        std::fs::write(&file, lines).unwrap();
        let accepted = Accepted::at(file.clone(), build());
        assert!(!accepted.has("A", "1"));
        assert_eq!(std::fs::read(&file).unwrap().len(), KEPT * LINE);
        assert_eq!(accepted.known().len(), KEPT);
    }
}
