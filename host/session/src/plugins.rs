use std::path::{Path, PathBuf};
use std::sync::Arc;

use dreamwire_engine::Nodes;
use dreamwire_graph::Kinds;
use dreamwire_loader::{Loader, PluginIndex, Problem, Search};

/// The loaded plugins.
pub struct Session {
    /// Where plugins are looked for.
    pub search: Search,
    /// The plugins that were found.
    pub loader: Arc<Loader>,
    /// Where plugins are known from without opening them.
    pub index: Option<PluginIndex>,
}

impl Session {
    /// Finds and loads plugins: beside the program, in the folders of `DREAMWIRE_PLUGINS`, and those in `named`.
    /// `threads` is the thread budget of a step. With a `cache`, the folder of Dreamwire's caches, plugins are known from
    /// an index in it and opened when they are needed; unknown ones are opened by `opener` first, if there is one
    /// ([`PluginIndex::opened_by`]).
    ///
    /// # Errors
    /// All problems, if one of them is fatal. Otherwise they are returned with the session.
    pub fn open(
        named: &[PathBuf],
        threads: usize,
        cache: Option<&Path>,
        opener: Option<&Path>,
    ) -> Result<(Self, Vec<Problem>), Vec<Problem>> {
        let search = Search::new(named);
        let index = cache.and_then(|cache| PluginIndex::at(&cache.join("plugins")));
        let index = match opener {
            Some(program) => index.map(|index| index.opened_by(program)),
            None => index,
        };
        let (loader, problems) = Loader::load(&search, threads, None, index.as_ref());
        match problems.iter().any(|problem| problem.fatal) {
            true => Err(problems),
            false => Ok((Session { search, loader: Arc::new(loader), index }, problems)),
        }
    }

    /// The kinds of the loaded plugins.
    pub fn kinds(&self) -> &Kinds {
        self.loader.kinds()
    }
}
