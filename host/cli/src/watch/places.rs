//! Which paths matter to a graph.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::decide::About;

/// The graph file, the files its run asked for, and the folders of plugins. The folders that results go to are not
/// among them, so a run's own outputs never start another.
#[derive(Debug, Default)]
pub(super) struct Places {
    graph: BTreeSet<PathBuf>,
    inputs: BTreeSet<PathBuf>,
    plugins: BTreeSet<PathBuf>,
}

impl Places {
    pub(super) fn new(graph: &Path, plugin_folders: &[PathBuf]) -> Self {
        let mut places = Places::default();
        places.look_at_graph(graph);
        places.plugins = plugin_folders.iter().map(|folder| real(folder)).collect();
        places
    }

    /// The graph's path, and where it leads if it is a link.
    pub(super) fn look_at_graph(&mut self, graph: &Path) {
        self.graph = both(graph).collect();
    }

    /// Replaces the inputs.
    pub(super) fn set_inputs(&mut self, paths: &[PathBuf]) {
        self.inputs = paths.iter().flat_map(|path| both(path)).collect();
    }

    /// Everything that is to be watched.
    pub(super) fn folders(&self) -> BTreeSet<PathBuf> {
        let files = self.graph.iter().chain(&self.inputs);
        let parents = files.filter_map(|file| file.parent()).map(Path::to_owned);
        parents.chain(self.plugins.iter().cloned()).collect()
    }

    /// What a changed path is about; `None`: nothing of ours.
    pub(super) fn about(&self, path: &Path) -> Option<About> {
        let library = path.extension().is_some_and(|extension| extension == std::env::consts::DLL_EXTENSION);
        if self.graph.contains(path) || self.graph.iter().any(|graph| graph.starts_with(path)) {
            Some(About::Graph)
        } else if self.inputs.contains(path) || self.inputs.iter().any(|input| input.starts_with(path)) {
            Some(About::Inputs)
        } else if library && path.parent().is_some_and(|folder| self.plugins.contains(folder)) {
            Some(About::Plugins)
        } else {
            None
        }
    }
}

/// The path as events name it (its folder without links), and the file that a link leads to.
fn both(path: &Path) -> impl Iterator<Item = PathBuf> {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let named = match (absolute.parent(), absolute.file_name()) {
        (Some(folder), Some(name)) => real(folder).join(name),
        _ => absolute,
    };
    let target = named.canonicalize().ok();
    std::iter::once(named).chain(target)
}

fn real(folder: &Path) -> PathBuf {
    folder.canonicalize().or_else(|_| std::path::absolute(folder)).unwrap_or_else(|_| folder.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_graph_needs_matters() {
        // Of folders that are not there, so that nothing but the paths decides.
        let root = if cfg!(windows) { "C:\\none" } else { "/none" };
        let path = |name: &str| Path::new(root).join(name);
        let mut places = Places::new(&path("g/graph.json"), &[path("plugins")]);
        places.set_inputs(&[path("g/cat.png")]);
        assert_eq!(places.about(&path("g/graph.json")), Some(About::Graph));
        assert_eq!(places.about(&path("g")), Some(About::Graph));
        assert_eq!(places.about(&path("g/cat.png")), Some(About::Inputs));
        assert_eq!(places.about(&path("g/graph.json~")), None);
        assert_eq!(places.about(&path("g/out/dream_00001_.png")), None);
        let library = format!("plugins/libdreamwire_x{}", std::env::consts::DLL_SUFFIX);
        assert_eq!(places.about(&path(&library)), Some(About::Plugins));
        assert_eq!(places.about(&path("plugins/x.d")), None);
        assert_eq!(places.folders().len(), 2);
    }
}
