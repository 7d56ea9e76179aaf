use std::path::PathBuf;
use std::sync::Arc;

use dreamwire_engine::Nodes;
use dreamwire_graph::Kinds;
use dreamwire_loader::{Loader, Problem, Search};

/// The plugins that a program works with.
pub struct Session {
    /// Where plugins are looked for.
    pub search: Search,
    /// The plugins that were found.
    pub loader: Arc<Loader>,
}

impl Session {
    /// Finds and loads plugins: beside the program, where the environment says, and what `named` names. `threads` is how
    /// many threads a step may use.
    ///
    /// # Errors
    /// Problems of which at least one is fatal. Without a fatal one they come beside the session.
    pub fn open(named: &[PathBuf], threads: usize) -> Result<(Self, Vec<Problem>), Vec<Problem>> {
        let search = Search::new(named);
        let (loader, problems) = Loader::load(&search, threads, None);
        match problems.iter().any(|problem| problem.fatal) {
            true => Err(problems),
            false => Ok((Session { search, loader: Arc::new(loader) }, problems)),
        }
    }

    /// The kinds on offer.
    pub fn kinds(&self) -> &Kinds {
        self.loader.kinds()
    }
}
