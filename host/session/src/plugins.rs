use std::path::PathBuf;
use std::sync::Arc;

use dreamwire_engine::Nodes;
use dreamwire_graph::Kinds;
use dreamwire_loader::{Loader, Problem, Search};

/// The loaded plugins.
pub struct Session {
    /// Where plugins are looked for.
    pub search: Search,
    /// The plugins that were found.
    pub loader: Arc<Loader>,
}

impl Session {
    /// Finds and loads plugins: beside the program, in the folders of `DREAMWIRE_PLUGINS`, and those in `named`.
    /// `threads` is the thread budget of a step.
    ///
    /// # Errors
    /// All problems, if one of them is fatal. Otherwise they are returned with the session.
    pub fn open(named: &[PathBuf], threads: usize) -> Result<(Self, Vec<Problem>), Vec<Problem>> {
        let search = Search::new(named);
        let (loader, problems) = Loader::load(&search, threads, None);
        match problems.iter().any(|problem| problem.fatal) {
            true => Err(problems),
            false => Ok((Session { search, loader: Arc::new(loader) }, problems)),
        }
    }

    /// The kinds of the loaded plugins.
    pub fn kinds(&self) -> &Kinds {
        self.loader.kinds()
    }
}
