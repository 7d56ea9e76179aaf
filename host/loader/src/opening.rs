use crate::generation::Generation;
use crate::index::{PluginIndex, Stamp, Stamps};
use crate::{Loader, Refusal, temporary};
use blake3::Hash;
use std::path::Path;
use std::sync::Arc;

/// Makes generations of libraries, doing as little as the index allows.
pub(crate) struct Opening<'a> {
    previous: Option<&'a Loader>,
    index: Option<(&'a PluginIndex, Stamps)>,
    /// Whether the index knows a build that it did not know before.
    has_new: bool,
}

impl<'a> Opening<'a> {
    pub(crate) fn new(previous: Option<&'a Loader>, index: Option<&'a PluginIndex>) -> Self {
        Self { previous, index: index.map(|index| (index, index.stamps())), has_new: false }
    }

    /// The generation of a library: the one that was loaded before, or a new one.
    pub(crate) fn open(&mut self, library: &Path) -> Result<Arc<Generation>, Refusal> {
        let metadata = library.metadata().map_err(|e| e.to_string())?;
        if !metadata.is_file() {
            return Err("it is not a regular file".into());
        }
        let stamp = Stamp::of(&metadata);
        let unchanged = self.index.as_ref().and_then(|(_, stamps)| stamps.hash(library, &stamp));
        if let Some(generation) = unchanged.and_then(|hash| self.known(library, hash)) {
            return Ok(generation);
        }
        let bytes = std::fs::read(library).map_err(|e| e.to_string())?;
        let hash = blake3::hash(&bytes);
        if let Some((_, stamps)) = &mut self.index
            && library.metadata().is_ok_and(|metadata| Stamp::of(&metadata) == stamp)
        {
            stamps.remember(library, &stamp, hash);
        }
        if let Some(generation) = self.known(library, hash) {
            return Ok(generation);
        }
        if let Some((index, _)) = &self.index {
            index.try_elsewhere(library)?;
            if let Some(generation) = self.known(library, hash) {
                self.has_new = true;
                return Ok(generation);
            }
        }
        let build = self.index.as_ref().map(|(index, _)| index.build(library, &hash));
        let generation = Generation::open(library, &bytes, hash, build)?;
        self.has_new = true;
        Ok(Arc::new(generation))
    }

    /// The generation of a build that need not be opened.
    fn known(&self, library: &Path, hash: Hash) -> Option<Arc<Generation>> {
        let previous = self.previous.and_then(|previous| previous.generation(library, hash));
        previous.or_else(|| {
            let (index, _) = self.index.as_ref()?;
            Generation::indexed(library, hash, index.build(library, &hash)).map(Arc::new)
        })
    }

    /// Writes what the index has learned.
    pub(crate) fn end(self) {
        if let Some((index, stamps)) = self.index {
            stamps.write();
            if self.has_new {
                index.sweep();
                temporary::sweep_once();
            }
        }
    }
}
