//! Input files: finding and reading them.

use super::{File, InputPath, WorldError, absolute};
use dreamwire_graph::{Hint, Setting, did_you_mean};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The largest input file: files are read into memory.
const MAX_FILE_BYTES: u64 = 4 << 30;

/// The folders that a graph may read from.
pub(super) struct Inputs {
    roots: Vec<Place>,
    /// The current folder when this was made, for paths from the command line.
    here: Place,
}

/// A path as the user gave it, and as it is used.
#[derive(Clone)]
struct Place {
    shown: PathBuf,
    path: PathBuf,
}

impl Place {
    fn new(shown: PathBuf) -> Self {
        Self { path: absolute(&shown), shown }
    }

    fn join(&self, text: &Path) -> Self {
        Self { shown: self.shown.join(text), path: self.path.join(text) }
    }
}

impl Inputs {
    pub(super) fn new(roots: Vec<PathBuf>) -> Self {
        Self { roots: roots.into_iter().map(Place::new).collect(), here: Place::new(PathBuf::new()) }
    }

    pub(super) fn read(&self, path: &InputPath) -> Result<File, WorldError> {
        let candidates = self.candidates(path);
        self.load(path, &candidates).map_err(|error| WorldError { looked: paths(&candidates), ..error })
    }

    /// The candidate paths, in order.
    fn candidates(&self, path: &InputPath) -> Vec<Place> {
        let text = Path::new(&path.text);
        if text.is_absolute() {
            return vec![Place::new(text.to_owned())];
        }
        // A path from the command line is relative to the current folder first.
        let here = path.anywhere.then_some(&self.here);
        here.into_iter().chain(&self.roots).map(|root| root.join(text)).collect()
    }

    fn load(&self, path: &InputPath, candidates: &[Place]) -> Result<File, WorldError> {
        let (found, real) = self.locate(path, candidates)?;
        let text = &path.text;
        let metadata = real.metadata().map_err(|e| cannot_read(text, &e))?;
        if metadata.is_dir() {
            return Err(WorldError::new(format!("`{text}` is a folder, not a file")));
        }
        // A pipe or a device would block or never end.
        if !metadata.is_file() {
            return Err(WorldError::new(format!("`{text}` is not a regular file")));
        }
        if metadata.len() > MAX_FILE_BYTES {
            let size = metadata.len();
            return Err(WorldError::new(format!("`{text}` has {size} bytes; the limit is {MAX_FILE_BYTES}")));
        }
        let bytes = std::fs::read(&real).map_err(|e| cannot_read(text, &e))?;
        let hash = blake3::hash(&bytes);
        Ok(File { path: real, looked: paths(&candidates[..=found]), bytes: Arc::new(bytes), hash })
    }

    /// The first candidate that exists, by index, and its path without links.
    fn locate(&self, path: &InputPath, candidates: &[Place]) -> Result<(usize, PathBuf), WorldError> {
        let text = &path.text;
        let mut found = None;
        for (index, candidate) in candidates.iter().enumerate() {
            match candidate.path.symlink_metadata() {
                Ok(_) => {
                    found = Some(index);
                    break;
                }
                Err(e) if is_absent(e.kind()) => {}
                // A folder without permission: whether the file exists is unknown.
                Err(e) => {
                    return Err(cannot_read(text, &e).hint(format!("at `{}`", candidate.shown.display())));
                }
            }
        }
        let Some(found) = found else {
            let hint = self.near(path, candidates);
            return Err(WorldError::new(format!("there is no file `{text}`")).hint(hint));
        };
        let real = candidates[found].path.canonicalize().map_err(|e| cannot_read(text, &e))?;
        if !self.may_be_read(path, &real) {
            let hint = Hint::with("add its folder as an input folder", Setting::InputFolder);
            return Err(WorldError::new(format!("`{text}` lies outside the graph's folder")).hint(hint));
        }
        Ok((found, real))
    }

    fn may_be_read(&self, path: &InputPath, real: &Path) -> bool {
        let inside = |root: &Place| root.path.canonicalize().is_ok_and(|root| real.starts_with(root));
        path.anywhere || self.roots.iter().any(inside)
    }

    /// The hint for a file that was not found: a suggestion, and where it was looked for.
    fn near(&self, path: &InputPath, candidates: &[Place]) -> String {
        let mut lines = Vec::new();
        if path.text.starts_with("~/") {
            lines.push("`~` is not expanded in a graph: write the full path".to_owned());
        }
        // Do not disclose names of files that the graph may not read.
        let open = |missing: &&PathBuf| {
            let folder = missing.parent().and_then(|folder| folder.canonicalize().ok());
            folder.is_some_and(|folder| self.may_be_read(path, &folder))
        };
        lines.extend(
            candidates
                .iter()
                .map(|place| &place.path)
                .filter(open)
                .find_map(|missing| similar(&path.text, missing)),
        );
        let places: Vec<_> = candidates.iter().map(|place| format!("`{}`", place.shown.display())).collect();
        lines.push(format!("looked for {}", places.join(", ")));
        lines.join("\n")
    }
}

fn paths(places: &[Place]) -> Vec<PathBuf> {
    places.iter().map(|place| place.path.clone()).collect()
}

fn is_absent(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidInput)
        || kind == ErrorKind::InvalidFilename
}

fn cannot_read(text: &str, error: &std::io::Error) -> WorldError {
    WorldError::new(format!("cannot read `{text}`: {error}"))
}

/// "did you mean `media/chelsea.png`", if there is a file with a similar name in the folder of the missing one.
fn similar(text: &str, missing: &Path) -> Option<String> {
    const MOST: usize = 10_000;
    let name = missing.file_name()?.to_str()?;
    let entries = std::fs::read_dir(missing.parent()?).ok()?.flatten().take(MOST);
    let names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let folder = &text[..text.len().checked_sub(name.len())?];
    let paths: Vec<String> = names.iter().map(|name| format!("{folder}{name}")).collect();
    did_you_mean(text, paths.iter().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixture {
        _dir: tempfile::TempDir,
        graph: PathBuf,
        inputs: Inputs,
    }

    fn fixture() -> Fixture {
        let dir = tempfile::tempdir().unwrap();
        let graph = dir.path().join("graph");
        std::fs::create_dir(&graph).unwrap();
        Fixture { inputs: Inputs::new(vec![graph.clone()]), graph, _dir: dir }
    }

    fn input(text: &str) -> InputPath {
        InputPath { text: text.to_owned(), anywhere: false }
    }

    fn refusal(inputs: &Inputs, text: &str) -> WorldError {
        inputs.read(&input(text)).map(drop).unwrap_err()
    }

    #[test]
    fn a_file_says_where_it_is() {
        let f = fixture();
        std::fs::write(f.graph.join("a"), "one").unwrap();
        let file = f.inputs.read(&input("a")).unwrap();
        assert_eq!((&file.bytes[..], file.hash), (&b"one"[..], blake3::hash(b"one")));
        assert_eq!(file.path, f.graph.join("a").canonicalize().unwrap());
        assert_eq!(refusal(&f.inputs, "b").looked, [f.graph.join("b")]);
    }

    #[test]
    fn only_regular_files_under_the_roots_are_read() {
        let f = fixture();
        std::fs::create_dir(f.graph.join("folder")).unwrap();
        std::fs::write(f.graph.parent().unwrap().join("secret"), "s").unwrap();
        let refusal = |text: &str| refusal(&f.inputs, text).message;
        assert_eq!(refusal("none.png"), "there is no file `none.png`");
        assert_eq!(refusal("folder"), "`folder` is a folder, not a file");
        assert!(refusal("../secret").contains("outside the graph's folder"));
        let absolute = f.graph.parent().unwrap().join("secret").display().to_string();
        assert!(refusal(&absolute).contains("outside"));
        let set = InputPath { text: absolute, anywhere: true };
        assert_eq!(&f.inputs.read(&set).unwrap().bytes[..], b"s");
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("/dev/zero", f.graph.join("zero")).unwrap();
            assert!(refusal("zero").contains("outside"));
            let zero = InputPath { text: "/dev/zero".to_owned(), anywhere: true };
            let message = f.inputs.read(&zero).map(drop).unwrap_err().message;
            assert_eq!(message, "`/dev/zero` is not a regular file");
        }
    }

    #[test]
    fn a_missing_file_is_guessed_at() {
        let f = fixture();
        std::fs::create_dir(f.graph.join("media")).unwrap();
        std::fs::write(f.graph.join("media/chelsea.png"), "").unwrap();
        let hint = |text: &str| refusal(&f.inputs, text).hint.unwrap().text;
        assert!(hint("media/chelsae.png").starts_with("did you mean `media/chelsea.png`\nlooked for `"));
        assert!(hint("~/cat.png").starts_with("`~` is not expanded in a graph: write the full path\nlooked"));
        assert!(hint("none/cat.png").starts_with("looked for"));
        assert!(hint("media/ü/x.png").starts_with("looked for"));
        std::fs::write(f.graph.parent().unwrap().join("secret"), "").unwrap();
        assert!(hint("../secrte").starts_with("looked for"), "names outside are not told");
    }

    #[cfg(unix)]
    #[test]
    fn what_may_be_there_is_not_said_to_be_missing() {
        use std::os::unix::fs::PermissionsExt;
        let f = fixture();
        std::os::unix::fs::symlink("round", f.graph.join("round")).unwrap();
        assert!(refusal(&f.inputs, "round/a").message.starts_with("cannot read `round/a`: "));
        let locked = f.graph.join("locked");
        std::fs::create_dir(&locked).unwrap();
        std::fs::write(locked.join("a"), "").unwrap();
        let lock = |mode| std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(mode)).unwrap();
        lock(0o000);
        let result = f.inputs.read(&input("locked/a"));
        lock(0o755);
        // Tests may run as root, for whom nothing is locked.
        if let Err(error) = result {
            assert!(error.message.starts_with("cannot read `locked/a`: Permission denied"), "{error}");
        }
    }
}
