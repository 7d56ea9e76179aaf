//! Publishing files under one folder.

mod listing;
mod probe;
mod root;

use super::dates;
use super::lock::Lock;
use super::name::{self, Template};
use super::publish::{self, IfTaken};
use super::{NewFile, Origin, Published, WorldError, orphans};
use blake3::Hash;
use cap_std::fs::Dir;
use dreamwire_graph::{Hint, Setting};
use listing::Listing;
use root::Root;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// The output folder and the names that this process has published.
pub(super) struct Outputs {
    root: Root,
    /// Whether names have no counters.
    uncounted: bool,
    state: Mutex<State>,
}

/// The name and hash of each step's file, by its template.
type Names = HashMap<(Origin, String), (String, Hash)>;

#[derive(Default)]
struct State {
    /// For the life of this process.
    names: Names,
    /// What is known about the folders below the root.
    listings: HashMap<String, Listing>,
    /// The folders that were cleaned of abandoned files.
    swept: HashSet<String>,
}

/// A file to publish, and its open, locked folder.
struct Target<'a> {
    file: &'a NewFile<'a>,
    template: Template<'a>,
    key: (Origin, String),
    folder: Dir,
    lock: Lock,
}

impl Target<'_> {
    /// Writes the file. False if the name is taken and must be kept.
    fn write(&self, listing: &mut Listing, name: &str, if_taken: IfTaken) -> Result<bool, WorldError> {
        let bytes = self.file.bytes;
        let written = publish::write(&self.folder, file_name(name), bytes, if_taken)
            .map_err(|e| publish::explain(&self.folder, name, bytes.len(), &e))?;
        if written {
            let number = self.template.counter_of(file_name(name));
            listing.wrote(&self.folder, &self.lock, self.stem(), number, bytes.len() as u64);
        }
        Ok(written)
    }

    fn is_same(&self, name: &str) -> bool {
        self.folder.read(file_name(name)).is_ok_and(|old| old == self.file.bytes)
    }

    /// The template without its extension: `dream_00001_.png` and `dream_00001_.exr` share a number.
    fn stem(&self) -> &str {
        let template = self.file.template;
        template.rsplit_once('.').map_or(template, |(stem, _)| stem)
    }
}

fn file_name(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(_, file)| file)
}

impl Outputs {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root: Root::new(root), uncounted: false, state: Mutex::default() }
    }

    /// The same with names that have no counters.
    pub(super) fn uncounted(self) -> Self {
        Self { uncounted: true, ..self }
    }

    /// The root as the user gave it.
    pub(super) fn shown(&self) -> &Path {
        self.root.shown()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes a file under the name that its template has now. A file of another day is another file.
    pub(super) fn publish(&self, file: &NewFile<'_>) -> Result<Published, WorldError> {
        let dated = dates::fill(file.template, SystemTime::now());
        let dated = if self.uncounted { name::uncounted(&dated, file.origin.index).into() } else { dated };
        let file = &NewFile { template: &dated, origin: file.origin.clone(), ..*file };
        let template = Template::parse(file.template)?;
        let (folder_name, _) = template.split();
        let folder_name = folder_name.to_owned();
        let folder = self.root.folder(&folder_name, &template.name(1))?;
        let hash = blake3::hash(file.bytes);
        let mut state = self.state();
        let lock = Lock::take(&folder);
        let target =
            Target { file, template, key: (file.origin.clone(), file.template.to_owned()), folder, lock };
        if state.swept.insert(folder_name.clone()) {
            orphans::sweep(&target.folder);
        }
        let State { names, listings, .. } = &mut *state;
        let listing = listings.entry(folder_name).or_default();
        listing.refresh(&target.folder);
        let own = match target.template.is_counted() {
            true => own_name(names, &target),
            false => Some(target.template.name(0)),
        };
        let (name, written) = match own {
            Some(name) => {
                let written = self.replace_own(names, listing, &target, &name)?;
                (name, written)
            }
            None => match reuse_twin(names, listing, &target) {
                Some(Twin { name, claimed: false }) => (name, false),
                // It stays the other step's: only that one replaces it.
                Some(Twin { name, claimed: true }) => {
                    return Ok(Published { path: self.root.shown().join(&name), name, hash, written: false });
                }
                None => (take_next(listing, &target)?, true),
            },
        };
        names.insert(target.key, (name.clone(), hash));
        Ok(Published { path: self.root.shown().join(&name), name, hash, written })
    }

    /// Writes to the name that the step already has. False if the same bytes exist.
    fn replace_own(
        &self,
        names: &Names,
        listing: &mut Listing,
        target: &Target<'_>,
        name: &str,
    ) -> Result<bool, WorldError> {
        let is_input = |real: PathBuf| target.file.inputs.contains(&real);
        if self.root.path().join(name).canonicalize().is_ok_and(is_input) {
            let path = self.root.shown().join(name);
            let message =
                format!("`{}` is an input of this graph: it will not be overwritten", path.display());
            let hint = Hint::with("choose another name, or another output folder", Setting::OutputFolder);
            return Err(WorldError::new(message).hint(hint));
        }
        if names.iter().any(|(key, (taken, _))| taken == name && *key != target.key) {
            let message = format!("another node of this graph publishes `{name}` already");
            return Err(WorldError::new(message));
        }
        if target.is_same(name) { Ok(false) } else { target.write(listing, name, IfTaken::Replace) }
    }
}

/// The numbered name of the step's file, unless someone else has written to it since.
fn own_name(names: &Names, target: &Target<'_>) -> Option<String> {
    let (name, hash) = names.get(&target.key)?;
    let found = target.folder.read(file_name(name));
    found.map_or(true, |found| blake3::hash(&found) == *hash).then(|| name.clone())
}

/// An existing file with the same bytes.
struct Twin {
    name: String,
    /// Another step of this process has published it.
    claimed: bool,
}

/// An existing file with the same bytes, perhaps from another run of the graph. Steps that run do not share files.
fn reuse_twin(names: &Names, listing: &mut Listing, target: &Target<'_>) -> Option<Twin> {
    let siblings = listing.siblings(&target.folder, target.stem(), &target.template);
    let of_size = siblings.of_size(target.file.bytes.len());
    let is_claimed = |name: &String| names.values().any(|(claimed, _)| claimed == name);
    let same = of_size.iter().map(|&number| target.template.name(number)).filter(|name| target.is_same(name));
    let twins = same.map(|name| Twin { claimed: is_claimed(&name), name });
    let twins: Vec<Twin> = twins.filter(|twin| !twin.claimed || target.file.cached).collect();
    twins.into_iter().min_by_key(|twin| twin.claimed)
}

/// Takes the next free number. Only without locks may another process take it between the check and the write.
fn take_next(listing: &mut Listing, target: &Target<'_>) -> Result<String, WorldError> {
    let first = listing.siblings(&target.folder, target.stem(), &target.template).next();
    for counter in first..first.saturating_add(10_000) {
        let name = target.template.name(counter);
        if target.write(listing, &name, IfTaken::Refuse)? {
            return Ok(name);
        }
    }
    Err(WorldError::new(format!("no free number for `{}`", target.file.template)))
}

#[cfg(test)]
mod tests;
