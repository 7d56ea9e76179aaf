//! Results of steps by key: in memory, and on disk for the next process.
//!
//! A result is looked up in memory first. One found on disk is kept in memory too. Results with a function on a wire
//! stay in memory: a function cannot leave its process.

mod disk;
mod entry;
mod memory;
mod wire;

pub use disk::{DiskCache, DiskUsage};
pub(crate) use entry::{Entry, Saved};

use blake3::Hash;
use memory::Memory;
use std::sync::Arc;

/// Results of earlier steps.
pub struct Cache {
    memory: Memory,
    disk: Option<DiskCache>,
}

impl Cache {
    /// An empty cache in memory that keeps at most `budget` bytes; the least recently used are dropped first.
    pub fn new(budget: u64) -> Self {
        Self { memory: Memory::new(budget), disk: None }
    }

    /// Also keeps results on disk.
    #[must_use]
    pub fn on_disk(self, disk: DiskCache) -> Self {
        Self { disk: Some(disk), ..self }
    }

    /// The result of a key.
    pub(crate) fn get(&mut self, key: Hash) -> Option<Arc<Entry>> {
        if let Some(entry) = self.memory.get(key) {
            return Some(entry);
        }
        let entry = Arc::new(self.disk.as_ref()?.get(key)?);
        self.memory.put(key, Arc::clone(&entry));
        Some(entry)
    }

    /// Stores a result under its keys. On disk this has happened when it returns: a crash of the next step loses
    /// nothing.
    pub(crate) fn put(&mut self, keys: &[Hash], entry: &Arc<Entry>) {
        for &key in keys {
            self.memory.put(key, Arc::clone(entry));
        }
        if let Some(disk) = &mut self.disk {
            disk.put(keys, entry);
        }
    }

    /// Keeps the disk cache within its limit; called after a run.
    pub(crate) fn trim(&mut self) {
        if let Some(disk) = &mut self.disk {
            disk.trim();
        }
    }
}
