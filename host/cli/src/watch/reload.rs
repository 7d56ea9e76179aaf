use std::sync::Arc;

use dreamwire_loader::{Loader, PluginInfo, take_log};

use super::Watch;
use crate::session::plugin_problem;

impl Watch<'_> {
    /// Loads what was rebuilt as new generations. False: the plugins stay as they are, because nothing changed or
    /// because the new ones cannot be used, which has been said.
    pub(super) fn reload_plugins(&mut self) -> bool {
        let old = &self.session.loader;
        let (new, problems) = Loader::load(&self.session.search, self.args.threads(), Some(&**old));
        let (before, after) = (old.plugins(), new.plugins());
        let refused = problems.iter().any(|problem| problem.fatal) || lost(&before, &after);
        if !refused && builds(&before) == builds(&after) {
            return false;
        }
        for problem in &problems {
            self.listener.talk(&plugin_problem(problem));
        }
        self.listener.log(take_log());
        // Something was said: say that we are still here.
        self.idle = false;
        if refused {
            self.listener.talk("the plugins that are loaded stay in use");
            return false;
        }
        self.listener.talk(&format!("plugins: {}", changed(&before, &after).join(", ")));
        self.session.loader = Arc::new(new);
        true
    }
}

/// Whether a library that is still there can no longer be used.
fn lost(before: &[PluginInfo], after: &[PluginInfo]) -> bool {
    before.iter().any(|old| old.path.exists() && !after.iter().any(|new| new.id == old.id))
}

/// What tells one set of builds from another.
fn builds(plugins: &[PluginInfo]) -> Vec<(&str, &str)> {
    let mut builds: Vec<_> =
        plugins.iter().map(|plugin| (plugin.id.as_str(), plugin.hash.as_str())).collect();
    builds.sort_unstable();
    builds
}

/// What became of which plugin.
fn changed(before: &[PluginInfo], after: &[PluginInfo]) -> Vec<String> {
    let old = builds(before);
    let new = after.iter().filter(|plugin| !old.contains(&(plugin.id.as_str(), plugin.hash.as_str())));
    let mut names: Vec<String> = new.map(|plugin| format!("`{}` is new", plugin.id)).collect();
    let gone = before.iter().filter(|old| !after.iter().any(|new| new.id == old.id));
    names.extend(gone.map(|plugin| format!("`{}` is gone", plugin.id)));
    names
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
        }
    }

    #[test]
    fn a_rebuilt_plugin_is_named() {
        let before = [plugin("a", "1", "no/a"), plugin("b", "1", "no/b")];
        let after = [plugin("a", "2", "no/a")];
        assert_eq!(changed(&before, &after), ["`a` is new", "`b` is gone"]);
        assert_ne!(builds(&before), builds(&after));
        // A library that was deleted is gone on purpose; one that is there but unusable is broken.
        assert!(!lost(&before, &after));
        assert!(lost(&[plugin("c", "1", ".")], &after));
    }
}
