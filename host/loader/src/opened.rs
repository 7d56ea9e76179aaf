use crate::descriptor::Descriptors;
use crate::library::Library;
use crate::{Refusal, environment};
use dreamwire_graph::KindInfo;
use dreamwire_socket::EntryRef;
use std::path::Path;

/// A library that is opened and never closed, without running it: for tools that examine plugins.
pub struct Opened {
    entry: EntryRef,
}

impl Opened {
    /// Opens a copy of the library and finds its entry. Only its initialisers run.
    ///
    /// # Errors
    /// The file cannot be read or opened, exports no entry, or the entry is of another ABI or too small.
    pub fn open(path: &Path, threads: usize) -> Result<Self, String> {
        environment::set_threads(threads);
        let bytes = std::fs::read(path).map_err(|e| format!("it cannot be read: {e}"))?;
        let library = Library::open(path, &bytes, &blake3::hash(&bytes)).map_err(Refusal::text)?;
        let entry = library.entry();
        Ok(Self { entry })
    }

    /// The entry that the plugin exports.
    pub fn entry(&self) -> EntryRef {
        self.entry
    }

    /// Its kinds, as in a run, including their schemas.
    ///
    /// # Errors
    /// The first fault that would keep the host from using the plugin.
    pub fn kinds(&self) -> Result<Vec<KindInfo>, String> {
        Descriptors::read(self.entry)?.kinds("")
    }
}
