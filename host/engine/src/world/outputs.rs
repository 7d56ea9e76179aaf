//! Publishing files under one folder.

use super::name::Template;
use super::publish::{self, IfTaken};
use super::{NewFile, Origin, Published, WorldError};
use blake3::Hash;
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use dreamwire_graph::{Hint, Setting};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// The output folder and the names that this process has published.
pub(super) struct Outputs {
    root: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The name and hash of each step's file, for the life of this process.
    names: HashMap<(Origin, String), (String, Hash)>,
    /// The files that share a template, whatever their extension.
    siblings: HashMap<String, Siblings>,
}

/// Existing numbered files.
struct Siblings {
    /// Numbers by file size in bytes: only a file of equal size is worth reading.
    by_size: HashMap<u64, Vec<u64>>,
    /// The first number that may be free.
    next: u64,
    /// The folder's modification time at which this list was made.
    changed: Option<SystemTime>,
}

impl Siblings {
    fn list(folder: &Dir, template: &Template<'_>) -> Self {
        let changed = changed(folder);
        let (mut by_size, mut next) = (HashMap::<u64, Vec<u64>>::new(), 1);
        for entry in folder.entries().into_iter().flatten().flatten() {
            let Some(counter) = entry.file_name().to_str().and_then(|name| template.counter_of(name)) else {
                continue;
            };
            next = next.max(counter.saturating_add(1));
            if let Ok(metadata) = entry.metadata() {
                by_size.entry(metadata.len()).or_default().push(counter);
            }
        }
        by_size.values_mut().for_each(|counters| counters.sort_unstable());
        Self { by_size, next, changed }
    }
}

fn changed(folder: &Dir) -> Option<SystemTime> {
    folder.dir_metadata().and_then(|metadata| metadata.modified()).ok().map(|time| time.into_std())
}

/// A file to publish, and its open folder.
struct Target<'a> {
    file: &'a NewFile<'a>,
    key: (Origin, String),
    folder: Dir,
}

impl Target<'_> {
    fn write(&self, name: &str, if_taken: IfTaken) -> Result<bool, WorldError> {
        let bytes = self.file.bytes;
        publish::write(&self.folder, file_name(name), bytes, if_taken)
            .map_err(|e| publish::explain(name, bytes.len(), &e))
    }

    fn is_same(&self, name: &str) -> bool {
        self.folder.read(file_name(name)).is_ok_and(|old| old == self.file.bytes)
    }
}

fn file_name(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(_, file)| file)
}

impl Outputs {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root, state: Mutex::default() }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn publish(&self, file: &NewFile<'_>) -> Result<Published, WorldError> {
        let template = Template::parse(file.template)?;
        let root = self.open()?;
        let (folder_name, _) = template.split();
        let folder = self.folder(&root, folder_name, &template.name(1))?;
        let hash = blake3::hash(file.bytes);
        let target = Target { file, key: (file.origin.clone(), file.template.to_owned()), folder };
        let mut state = self.state();
        let own = match template.is_counted() {
            true => own_name(&state, &target),
            false => Some(template.name(0)),
        };
        let (name, written) = match own {
            Some(name) => {
                let written = self.replace_own(&state, &target, &name)?;
                (name, written)
            }
            None => match reuse_twin(&mut state, &target, &template) {
                Some(name) => (name, false),
                None => (take_next(&mut state, &target, &template)?, true),
            },
        };
        state.names.insert(target.key, (name.clone(), hash));
        Ok(Published { path: self.root.join(&name), name, hash, written })
    }

    /// Writes to the name that the step already has. False if the same bytes exist.
    fn replace_own(&self, state: &State, target: &Target<'_>, name: &str) -> Result<bool, WorldError> {
        let path = self.root.join(name);
        if path.canonicalize().is_ok_and(|real| target.file.inputs.contains(&real)) {
            let message =
                format!("`{}` is an input of this graph: it will not be overwritten", path.display());
            let hint = Hint::with("choose another name, or another output folder", Setting::OutputFolder);
            return Err(WorldError::new(message).hint(hint));
        }
        if state.names.iter().any(|(key, (taken, _))| taken == name && *key != target.key) {
            let message = format!("another node of this graph publishes `{name}` already");
            return Err(WorldError::new(message));
        }
        if target.is_same(name) { Ok(false) } else { target.write(name, IfTaken::Replace) }
    }

    /// Opens the root; creates it if only its last folder is missing.
    fn open(&self) -> Result<Dir, WorldError> {
        let root = &self.root;
        if !root.exists() {
            let parent = root.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
            if !parent.is_dir() {
                let (root, parent) = (root.display(), parent.display());
                let message = format!("cannot create the output folder `{root}`: there is no `{parent}`");
                let text = "create its parent folder, or choose another output folder";
                return Err(WorldError::new(message).hint(Hint::with(text, Setting::OutputFolder)));
            }
            std::fs::create_dir(root)
                .or_else(|e| if root.is_dir() { Ok(()) } else { Err(e) })
                .map_err(|e| self.cannot_use(&e))?;
        }
        Dir::open_ambient_dir(root, ambient_authority()).map_err(|e| self.cannot_use(&e))
    }

    fn cannot_use(&self, error: &std::io::Error) -> WorldError {
        let message = format!("cannot use the output folder `{}`: {error}", self.root.display());
        WorldError::new(message).hint(Hint::with("choose another output folder", Setting::OutputFolder))
    }

    /// Opens the folder of a name below the root; creates it if missing.
    fn folder(&self, root: &Dir, folder: &str, name: &str) -> Result<Dir, WorldError> {
        if folder.is_empty() {
            return root.try_clone().map_err(|e| self.cannot_use(&e));
        }
        let outside = |e: std::io::Error| {
            let text = "output names must stay under the output folder, even through links";
            WorldError::new(format!("cannot write `{name}`: {e}"))
                .hint(Hint::with(text, Setting::OutputFolder))
        };
        root.create_dir_all(folder).map_err(outside)?;
        root.open_dir(folder).map_err(outside)
    }

    pub(super) fn probe(&self) -> Result<(), WorldError> {
        let root = self.open()?;
        let name = format!(".dreamwire-{}.probe", std::process::id());
        publish::write(&root, &name, b"", IfTaken::Replace).map_err(|e| self.cannot_use(&e))?;
        root.remove_file(&name).map_err(|e| self.cannot_use(&e))
    }
}

/// The numbered name of the step's file, unless someone else has written to it since.
fn own_name(state: &State, target: &Target<'_>) -> Option<String> {
    let (name, hash) = state.names.get(&target.key)?;
    let found = target.folder.read(file_name(name));
    found.map_or(true, |found| blake3::hash(&found) == *hash).then(|| name.clone())
}

/// The template without its extension: `dream_00001_.png` and `dream_00001_.exr` share a number.
fn stem(template: &str) -> String {
    template.rsplit_once('.').map_or(template, |(stem, _)| stem).to_owned()
}

/// The name of an existing file with the same bytes, perhaps from an earlier run of the graph.
fn reuse_twin(state: &mut State, target: &Target<'_>, template: &Template<'_>) -> Option<String> {
    let State { names, siblings } = state;
    let list = || Siblings::list(&target.folder, template);
    let siblings = siblings.entry(stem(target.file.template)).or_insert_with(list);
    if siblings.changed.is_none() || siblings.changed != changed(&target.folder) {
        *siblings = list();
    }
    let of_size = siblings.by_size.get(&(target.file.bytes.len() as u64))?;
    let is_claimed = |name: &String| names.values().any(|(claimed, _)| claimed == name);
    of_size.iter().map(|&n| template.name(n)).find(|name| target.is_same(name) && !is_claimed(name))
}

/// Takes the next free number. Another process may take it between the check and the write.
fn take_next(state: &mut State, target: &Target<'_>, template: &Template<'_>) -> Result<String, WorldError> {
    let siblings = state.siblings.entry(stem(target.file.template));
    let siblings = siblings.or_insert_with(|| Siblings::list(&target.folder, template));
    for counter in siblings.next..siblings.next.saturating_add(10_000) {
        let name = template.name(counter);
        if target.write(&name, IfTaken::Refuse)? {
            siblings.next = counter.saturating_add(1);
            // Only this file is new, so the list need not be rebuilt for every frame.
            siblings.changed = changed(&target.folder);
            return Ok(name);
        }
    }
    Err(WorldError::new(format!("no free number for `{}`", target.file.template)))
}

#[cfg(test)]
mod tests;
