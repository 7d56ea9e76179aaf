//! Builds of plugins that came after a session was opened.

use dreamwire_loader::{Loader, PluginInfo, Problem};

use crate::Session;

/// A change of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PluginChange {
    /// The plugin of that id has a new build, or was added.
    New(String),
    /// The library of the plugin of that id is gone.
    Gone(String),
}

/// What a look for new builds found.
pub struct Reload {
    /// The plugins with the new builds; `None` if those in use stay, because the new ones cannot be used.
    pub loader: Option<Loader>,
    /// Problems of loading them.
    pub problems: Vec<Problem>,
    /// What changed; empty if the plugins in use stay.
    pub changes: Vec<PluginChange>,
}

impl Session {
    /// Loads plugins that were rebuilt, added or removed as new generations beside those in use. `None` if nothing has
    /// changed. `threads` is the thread budget of a step.
    pub fn look_for_builds(&self, threads: usize) -> Option<Reload> {
        let old = &self.loader;
        let (new, problems) = Loader::load(&self.search, threads, Some(&**old), self.index.as_ref());
        let (before, after) = (old.plugins(), new.plugins());
        let refused = problems.iter().any(|problem| problem.fatal) || lost(&before, &after);
        if !refused && builds(&before) == builds(&after) {
            return None;
        }
        let changes = if refused { Vec::new() } else { changed(&before, &after) };
        Some(Reload { loader: (!refused).then_some(new), problems, changes })
    }
}

/// Whether a library that still exists can no longer be used.
fn lost(before: &[PluginInfo], after: &[PluginInfo]) -> bool {
    before.iter().any(|old| old.path.exists() && !after.iter().any(|new| new.id == old.id))
}

/// The identity of a set of builds.
fn builds(plugins: &[PluginInfo]) -> Vec<(&str, &str)> {
    let mut builds: Vec<_> =
        plugins.iter().map(|plugin| (plugin.id.as_str(), plugin.hash.as_str())).collect();
    builds.sort_unstable();
    builds
}

/// The changes between two sets of plugins.
fn changed(before: &[PluginInfo], after: &[PluginInfo]) -> Vec<PluginChange> {
    let old = builds(before);
    let new = after.iter().filter(|plugin| !old.contains(&(plugin.id.as_str(), plugin.hash.as_str())));
    let gone = before.iter().filter(|old| !after.iter().any(|new| new.id == old.id));
    let new = new.map(|plugin| PluginChange::New(plugin.id.clone()));
    new.chain(gone.map(|plugin| PluginChange::Gone(plugin.id.clone()))).collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn plugin(id: &str, hash: &str, path: &str) -> PluginInfo {
        PluginInfo {
            id: id.to_owned(),
            version: "0.1.0".to_owned(),
            build: String::new(),
            path: PathBuf::from(path),
            hash: hash.to_owned(),
            kinds: Vec::new(),
            devices: vec!["cpu"],
        }
    }

    /// Faults: G10.
    #[test]
    fn a_rebuilt_plugin_is_named() {
        let before = [plugin("a", "1", "no/a"), plugin("b", "1", "no/b")];
        let after = [plugin("a", "2", "no/a")];
        let changes = [PluginChange::New("a".to_owned()), PluginChange::Gone("b".to_owned())];
        assert_eq!(changed(&before, &after), changes);
        assert_ne!(builds(&before), builds(&after));
        // A deleted library is gone on purpose; one that exists but is unusable is broken.
        assert!(!lost(&before, &after));
        assert!(lost(&[plugin("c", "1", ".")], &after));
    }
}
