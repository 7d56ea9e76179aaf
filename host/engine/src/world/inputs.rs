//! Input files: finding and reading them.

mod list;

use super::annotation::{self, Folder, PREVIEWS};
use super::{File, HEAD_BYTES, InputPath, WorldError, absolute};
use blake3::{Hash, Hasher};
use dreamwire_graph::{Hint, Setting, did_you_mean_file};
use std::collections::HashSet;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The largest input file: files are read into memory.
const MAX_FILE_BYTES: u64 = 4 << 30;

/// The folders that a graph may read from.
pub(super) struct Inputs {
    roots: Vec<Place>,
    /// The current folder when this was made, for paths from the command line.
    here: Place,
    /// The output folder, for names that ask for it.
    out: Place,
    /// Whether nothing beyond the folders may be found out.
    closed: bool,
}

/// A path as the user gave it, and as it is used.
#[derive(Clone)]
struct Place {
    shown: PathBuf,
    path: PathBuf,
    /// The folder of outputs that it must not leave; none if it is a place of inputs.
    within: Option<PathBuf>,
}

impl Place {
    fn new(shown: PathBuf) -> Self {
        Self { path: absolute(&shown), shown, within: None }
    }

    fn join(&self, text: &str) -> Self {
        Self { shown: self.shown.join(text), path: self.path.join(text), within: self.within.clone() }
    }

    /// The same folder, which paths that are joined to it must not leave.
    fn closed(self) -> Self {
        Self { within: Some(self.path.clone()), ..self }
    }
}

impl Inputs {
    pub(super) fn new(roots: Vec<PathBuf>, out: &Path) -> Self {
        let roots = roots.into_iter().map(Place::new).collect();
        Self { roots, here: Place::new(PathBuf::new()), out: Place::new(out.to_owned()), closed: false }
    }

    /// The same; paths that could lead out of the folders are refused before anything is looked for.
    pub(super) fn closed(self) -> Self {
        Self { closed: true, ..self }
    }

    pub(super) fn read(&self, path: &InputPath, most: u64) -> Result<File, WorldError> {
        self.check_plain(&path.text)?;
        let candidates = self.candidates(path);
        self.load(path, most, &candidates).map_err(|error| WorldError { looked: paths(&candidates), ..error })
    }

    /// Refuses a path that could lead out of closed folders.
    fn check_plain(&self, text: &str) -> Result<(), WorldError> {
        if self.closed && !is_plain(text) {
            return Err(WorldError::new(format!("`{text}` is not a path below the input folder")));
        }
        Ok(())
    }

    /// The candidate paths, in order. A file of exactly that name comes before what a note at its end means.
    fn candidates(&self, path: &InputPath) -> Vec<Place> {
        let mut places = self.plain(&path.text, path.anywhere);
        match annotation::split(&path.text) {
            Some((name, Folder::Input)) => places.extend(self.plain(name, path.anywhere)),
            Some((name, Folder::Output)) => places.push(self.out.clone().closed().join(name)),
            Some((name, Folder::Temporary)) => places.push(self.out.join(PREVIEWS).closed().join(name)),
            None => {}
        }
        places
    }

    /// The places of a name without a note.
    fn plain(&self, text: &str, anywhere: bool) -> Vec<Place> {
        if Path::new(text).is_absolute() {
            return vec![Place::new(text.into())];
        }
        // A path from the command line is relative to the current folder first.
        let here = anywhere.then_some(&self.here);
        here.into_iter().chain(&self.roots).map(|root| root.join(text)).collect()
    }

    fn load(&self, path: &InputPath, most: u64, candidates: &[Place]) -> Result<File, WorldError> {
        let (found, real, size) = self.find(path, candidates)?;
        let failed = |e: std::io::Error| cannot_read(&path.text, &e);
        let (bytes, length, hash) = if size > most {
            beginning(std::fs::File::open(&real).map_err(failed)?).map_err(failed)?
        } else {
            let bytes = std::fs::read(&real).map_err(failed)?;
            let (length, hash) = (bytes.len() as u64, blake3::hash(&bytes));
            (bytes, length, hash)
        };
        let looked = paths(&candidates[..=found]);
        Ok(File { path: real, looked, bytes: Arc::new(bytes), length, hash })
    }

    /// The candidate that is a file which can be read, by index, its path without links, and its size.
    fn find(&self, path: &InputPath, candidates: &[Place]) -> Result<(usize, PathBuf, u64), WorldError> {
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
        let size = metadata.len();
        if size > MAX_FILE_BYTES {
            return Err(WorldError::new(format!("`{text}` has {size} bytes; the limit is {MAX_FILE_BYTES}")));
        }
        Ok((found, real, size))
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
            if self.closed {
                return Err(WorldError::new(format!("there is no file `{text}` in the input folder")));
            }
            let hint = self.near(path, candidates);
            return Err(WorldError::new(format!("there is no file `{text}`")).hint(hint));
        };
        let real = candidates[found].path.canonicalize().map_err(|e| cannot_read(text, &e))?;
        if !self.may_be_read(path, &candidates[found], &real) {
            if candidates[found].within.is_some() {
                return Err(WorldError::new(format!("`{text}` lies outside that folder")));
            }
            if self.closed {
                return Err(WorldError::new(format!("`{text}` lies outside the input folder")));
            }
            let folder = real.parent().unwrap_or(&real).display().to_string();
            let hint = format!("add the folder of the file, `{folder}`, as an input folder");
            let hint = Hint::with(hint, Setting::InputFolder);
            return Err(WorldError::new(format!("`{text}` lies outside the graph's folder")).hint(hint));
        }
        Ok((found, real))
    }

    fn may_be_read(&self, path: &InputPath, place: &Place, real: &Path) -> bool {
        let inside = |root: &PathBuf| root.canonicalize().is_ok_and(|root| real.starts_with(root));
        match &place.within {
            Some(folder) => inside(folder),
            None => path.anywhere || self.roots.iter().any(|root| inside(&root.path)),
        }
    }

    /// The hint for a file that was not found: a suggestion, and where it was looked for.
    fn near(&self, path: &InputPath, candidates: &[Place]) -> String {
        let mut lines = Vec::new();
        if path.text.starts_with("~/") {
            lines.push("`~` is not expanded in a graph: write the full path".to_owned());
        }
        // Do not disclose names of files that the graph may not read.
        let open = |missing: &&Place| {
            let folder = missing.path.parent().and_then(|folder| folder.canonicalize().ok());
            folder.is_some_and(|folder| self.may_be_read(path, missing, &folder))
        };
        lines.extend(candidates.iter().filter(open).find_map(|missing| similar(&path.text, &missing.path)));
        let mut told = HashSet::new();
        let places = candidates.iter().filter(|place| told.insert(&place.path));
        let places: Vec<_> = places.map(|place| format!("`{}`", place.shown.display())).collect();
        lines.push(format!("looked for {}", places.join(", ")));
        lines.join("\n")
    }
}

/// The first [`HEAD_BYTES`] of a file, its length and its hash. It is read once, a part at a time.
fn beginning(mut file: impl Read) -> std::io::Result<(Vec<u8>, u64, Hash)> {
    let mut head = Vec::new();
    file.by_ref().take(HEAD_BYTES).read_to_end(&mut head)?;
    let mut hasher = Hasher::new();
    hasher.update(&head).update_reader(file)?;
    Ok((head, hasher.count(), hasher.finalize()))
}

fn paths(places: &[Place]) -> Vec<PathBuf> {
    places.iter().map(|place| place.path.clone()).collect()
}

/// Whether a path goes down only, on every system.
fn is_plain(text: &str) -> bool {
    let mut names = text.split(['/', '\\']);
    !text.is_empty() && !text.contains([':', '\0']) && names.all(|name| !name.is_empty() && name != "..")
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
    let files = entries.filter(|entry| entry.path().is_file());
    let files: Vec<String> = files.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    // What is missing at the place that a note means has no note in its name.
    let text = annotation::split(text).map_or(text, |(text, _)| text);
    did_you_mean_file(text.strip_suffix(name)?, name, files.iter().map(String::as_str))
}

#[cfg(test)]
mod tests;
