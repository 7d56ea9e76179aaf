//! New builds of plugins and saved graph files, as soon as they are there: open pages hear of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use dreamwire_engine::Nodes;
use dreamwire_session::Session;
use serde_json::json;
use tokio::sync::watch::Receiver;

use crate::graphs;
use crate::hub::Hub;
use crate::plugins::Plugins;

/// How often is looked. A few dozen files are looked at in less than a millisecond.
const EVERY: Duration = Duration::from_millis(500);

/// Sizes and times of files.
type Stamps = BTreeMap<PathBuf, (u64, Option<SystemTime>)>;

/// Looks for changes.
pub(crate) struct Reload {
    /// Where plugins come from; its loader is that of `plugins`.
    pub(crate) session: Session,
    /// The thread budget of a step.
    pub(crate) threads: usize,
    /// The plugins of now.
    pub(crate) plugins: Arc<Plugins>,
    /// Who hears of changes.
    pub(crate) hub: Arc<Hub>,
    /// The folder of graph files.
    pub(crate) graphs: Option<PathBuf>,
}

impl Reload {
    /// Looks until `stop` says so.
    pub(crate) async fn watch(mut self, mut stop: Receiver<bool>) {
        let (mut libraries, mut files) = (self.libraries(), self.files());
        // Something that changes is read when it has not changed for one look, so that no half of it is.
        let mut settling = false;
        loop {
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            let now = self.files();
            for name in changed(&files, &now) {
                self.tell_graph(&name);
            }
            files = now;
            let now = self.libraries();
            let moved = now != libraries;
            libraries = now;
            if settling && !moved {
                let looked = tokio::task::spawn_blocking(move || {
                    self.load();
                    self
                });
                let Ok(again) = looked.await else { return };
                self = again;
            }
            settling = moved;
        }
    }

    /// Takes new builds into use, if they can be.
    fn load(&mut self) {
        let Some(reload) = self.session.look_for_builds(self.threads) else { return };
        for problem in &reload.problems {
            self.hub.tell_all("notification", &json!({ "value": problem.message }));
        }
        if let Some(loader) = reload.loader {
            let loader = Arc::new(loader);
            self.session.loader = Arc::clone(&loader);
            self.plugins.set(loader);
            let changes: Vec<String> = reload.changes.iter().map(|change| format!("{change:?}")).collect();
            self.hub.tell_all("dreamwire.nodes_changed", &json!({ "changes": changes }));
        }
    }

    /// Sends a graph that was saved; one with mistakes waits for the next save.
    fn tell_graph(&self, name: &str) {
        let Some(folder) = &self.graphs else { return };
        if let Some(graph) = graphs::api_form(&folder.join(name), self.plugins.get().kinds()) {
            self.hub.tell_all("dreamwire.graph_changed", &json!({ "name": name, "graph": graph }));
        }
    }

    fn libraries(&self) -> Stamps {
        let is_library = |path: &Path| {
            let extension = path.extension().and_then(|extension| extension.to_str());
            extension == Some(std::env::consts::DLL_EXTENSION)
        };
        let mut stamps = Stamps::new();
        for folder in self.session.search.folders() {
            stamps.extend(listed(&folder, is_library));
        }
        stamps.extend(self.session.loader.plugins().into_iter().filter_map(|plugin| stamped(plugin.path)));
        stamps
    }

    fn files(&self) -> Stamps {
        self.graphs.iter().flat_map(|folder| listed(folder, graphs::is_graph)).collect()
    }
}

/// The names of files that are new or different.
fn changed(before: &Stamps, now: &Stamps) -> Vec<String> {
    let new = now.iter().filter(|(path, stamp)| before.get(*path) != Some(stamp));
    new.filter_map(|(path, _)| Some(path.file_name()?.to_str()?.to_owned())).collect()
}

fn listed(folder: &Path, wanted: impl Fn(&Path) -> bool) -> Vec<(PathBuf, (u64, Option<SystemTime>))> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| wanted(path)).filter_map(stamped).collect()
}

/// A file with its stamp, behind links: a build rewrites the target of a link.
fn stamped(path: PathBuf) -> Option<(PathBuf, (u64, Option<SystemTime>))> {
    let metadata = path.metadata().ok()?;
    Some((path, (metadata.len(), metadata.modified().ok())))
}
