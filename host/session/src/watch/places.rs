//! The paths that matter to a graph.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use super::decide::About;

/// The most symbolic links in a path, as on Linux.
const MAX_LINKS: usize = 40;

/// The graph file, the files that its run read, and the libraries of plugins. Output folders are not among them, so
/// that published files never start a run.
#[derive(Debug, Default)]
pub(super) struct Places {
    roots: Vec<PathBuf>,
    graph: BTreeSet<PathBuf>,
    inputs: BTreeSet<PathBuf>,
    /// Folders of which the run read all files, or those that fit a pattern: a new one matters too.
    listed: BTreeSet<PathBuf>,
    plugin_folders: BTreeSet<PathBuf>,
    libraries: BTreeSet<PathBuf>,
}

impl Places {
    /// `roots` are the input folders.
    pub(super) fn new(graph: &Path, roots: &[PathBuf], plugin_folders: &[PathBuf]) -> Self {
        let mut places = Places { roots: roots.iter().map(|root| real(root)).collect(), ..Places::default() };
        places.look_at_graph(graph);
        places.plugin_folders = plugin_folders.iter().map(|folder| real(folder)).collect();
        places
    }

    /// Resolves the graph's path again.
    pub(super) fn look_at_graph(&mut self, graph: &Path) {
        self.graph = self.entries(graph);
    }

    /// Replaces the inputs.
    pub(super) fn set_inputs(&mut self, paths: &[PathBuf]) {
        self.inputs = paths.iter().flat_map(|path| self.entries(path)).collect();
        self.listed = paths.iter().filter(|path| path.is_dir()).map(|folder| real(folder)).collect();
    }

    /// Replaces the loaded libraries, links resolved: a build rewrites the target of a link.
    pub(super) fn set_libraries(&mut self, paths: impl Iterator<Item = PathBuf>) {
        self.libraries = paths.flat_map(|path| self.entries(&path)).collect();
    }

    /// All folders to watch.
    pub(super) fn folders(&self) -> BTreeSet<PathBuf> {
        let entries = self.graph.iter().chain(&self.inputs).chain(&self.libraries);
        let parents = entries.filter_map(|entry| entry.parent()).map(Path::to_owned);
        parents.chain(self.plugin_folders.iter().chain(&self.listed).cloned()).collect()
    }

    /// What a changed path affects; `None` if it does not matter.
    pub(super) fn about(&self, path: &Path) -> Option<About> {
        let library = path.extension().is_some_and(|extension| extension == std::env::consts::DLL_EXTENSION);
        let is_of = |entries: &BTreeSet<PathBuf>| entries.iter().any(|entry| entry.starts_with(path));
        if is_of(&self.graph) {
            Some(About::Graph)
        } else if is_of(&self.inputs) || path.parent().is_some_and(|folder| self.listed.contains(folder)) {
            Some(About::Inputs)
        } else if self.libraries.contains(path)
            || (library && path.parent().is_some_and(|folder| self.plugin_folders.contains(folder)))
        {
            Some(About::Plugins)
        } else {
            None
        }
    }

    /// The folder entries that decide where a path leads, as events name them: the file, every link on the way, and
    /// every folder on the way that lies in a root.
    fn entries(&self, path: &Path) -> BTreeSet<PathBuf> {
        let mut trail = trail(path);
        let file = trail.pop();
        let decides = |entry: &PathBuf| {
            entry.is_symlink()
                || entry.parent().is_some_and(|p| self.roots.iter().any(|root| p.starts_with(root)))
        };
        trail.into_iter().filter(decides).chain(file).collect()
    }
}

/// Every entry that the system looks up on the way to a file, in its real folder; the file itself is last.
fn trail(path: &Path) -> Vec<PathBuf> {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let (mut here, mut rest) = (PathBuf::new(), VecDeque::new());
    split(&absolute, &mut here, &mut rest);
    let (mut trail, mut links) = (Vec::new(), 0);
    while let Some(name) = rest.pop_front() {
        if name == ".." {
            here.pop();
            continue;
        }
        let entry = here.join(&name);
        trail.push(entry.clone());
        match entry.read_link() {
            Ok(target) if links < MAX_LINKS => {
                links += 1;
                let mut names = VecDeque::new();
                split(&target, &mut here, &mut names);
                names.extend(rest);
                rest = names;
            }
            _ => here = entry,
        }
    }
    trail
}

/// Splits a path into names; `start` becomes its root if it has one.
fn split(path: &Path, start: &mut PathBuf, names: &mut VecDeque<OsString>) {
    if path.has_root() {
        *start = path.components().take_while(|c| !matches!(c, Component::Normal(_))).collect();
    }
    let parts = path.components().filter(|c| matches!(c, Component::Normal(_) | Component::ParentDir));
    names.extend(parts.map(|part| part.as_os_str().to_owned()));
}

fn real(folder: &Path) -> PathBuf {
    folder.canonicalize().or_else(|_| std::path::absolute(folder)).unwrap_or_else(|_| folder.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_graph_needs_matters() {
        // These folders do not exist, so that only the paths decide.
        let root = if cfg!(windows) { "C:\\none" } else { "/none" };
        let path = |name: &str| Path::new(root).join(name);
        let mut places = Places::new(&path("g/graph.json"), &[path("g")], &[path("plugins")]);
        places.set_inputs(&[path("g/media/cat.png")]);
        assert_eq!(places.about(&path("g/graph.json")), Some(About::Graph));
        assert_eq!(places.about(&path("g")), Some(About::Graph));
        assert_eq!(places.about(&path("g/media/cat.png")), Some(About::Inputs));
        assert_eq!(places.about(&path("g/media")), Some(About::Inputs));
        assert_eq!(places.about(&path("g/graph.json~")), None);
        assert_eq!(places.about(&path("g/out/dream_00001_.png")), None);
        let library = format!("plugins/libdreamwire_x{}", std::env::consts::DLL_SUFFIX);
        assert_eq!(places.about(&path(&library)), Some(About::Plugins));
        assert_eq!(places.about(&path("plugins/x.d")), None);
        assert_eq!(places.folders(), [path("g"), path("g/media"), path("plugins")].into());
    }

    #[test]
    fn a_new_file_of_a_folder_that_was_listed_matters() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let frames = root.join("frames");
        std::fs::create_dir(&frames).unwrap();
        let mut places = Places::new(&root.join("graph.json"), &[root], &[]);
        places.set_inputs(std::slice::from_ref(&frames));
        assert_eq!(places.about(&frames.join("0001.png")), Some(About::Inputs));
        assert_eq!(places.about(&frames.join("sub/0001.png")), None);
        assert!(places.folders().contains(&frames));
    }

    #[cfg(unix)]
    #[test]
    fn every_link_on_the_way_matters() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let path = |name: &str| root.join(name);
        for name in ["g", "far", "far/pictures", "libs"] {
            std::fs::create_dir(path(name)).unwrap();
        }
        std::fs::write(path("far/pictures/cat.png"), "").unwrap();
        symlink("../far/pictures", path("g/data")).unwrap();
        symlink("cat.png", path("far/pictures/now.png")).unwrap();
        symlink(path("far/lib.so"), path("libs/lib.so")).unwrap();
        let mut places = Places::new(&path("g/graph.json"), &[path("g")], &[path("libs")]);
        places.set_inputs(&[path("g/data/now.png")]);
        for entry in ["g/data", "far/pictures/now.png", "far/pictures/cat.png"] {
            assert_eq!(places.about(&path(entry)), Some(About::Inputs), "{entry}");
        }
        assert_eq!(places.about(&path("far/pictures/dog.png")), None);
        places.set_libraries([path("libs/lib.so")].into_iter());
        assert_eq!(places.about(&path("far/lib.so")), Some(About::Plugins));
        symlink("round", path("g/round")).unwrap();
        places.set_inputs(&[path("g/round")]);
        assert_eq!(places.about(&path("g/round")), Some(About::Inputs), "a link that leads to itself ends");
    }
}
