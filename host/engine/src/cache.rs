//! Results of steps by key: in memory, and on disk for the next process.
//!
//! A result is looked up in memory first. One found on disk is kept in memory too. Results with a function on a wire
//! stay in memory: a function cannot leave its process.

mod disk;
mod entry;
mod memory;
mod wire;

pub use disk::{DiskCache, DiskUsage};
pub(crate) use entry::{Entry, Part, Saved};

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

    /// The result of a key, if it is in memory.
    pub(crate) fn in_memory(&mut self, key: Hash) -> Option<Arc<Entry>> {
        self.memory.get(key)
    }

    /// Whether the result of a key is there, in memory or, as far as can be told without reading it, on disk.
    pub(crate) fn holds(&mut self, key: Hash) -> bool {
        self.memory.get(key).is_some() || self.disk.as_ref().is_some_and(|disk| disk.holds(key))
    }

    /// As [`Cache::get`], but what is found on disk is not kept in memory: a batch may be larger than that.
    pub(crate) fn part(&mut self, key: Hash) -> Option<Arc<Entry>> {
        self.memory.get(key).or_else(|| self.disk.as_ref()?.get(key).map(Arc::new))
    }

    /// Stores a part of a batch on disk, or in memory if that cannot be. False if it is in memory, which may drop it.
    pub(crate) fn put_part(&mut self, key: Hash, entry: &Arc<Entry>) -> bool {
        let stored = self.disk.as_mut().is_some_and(|disk| disk.put_part(key, entry));
        if !stored {
            self.memory.put(key, Arc::clone(entry));
        }
        stored
    }

    /// Replaces the parts of a result by the whole in memory. On disk they stay.
    pub(crate) fn replace(&mut self, names: &[Hash], whole: &Arc<Entry>) {
        names.iter().for_each(|&key| self.memory.put(key, Arc::clone(whole)));
    }

    /// Drops a result from memory.
    pub(crate) fn drop_from_memory(&mut self, key: Hash) {
        self.memory.remove(key);
    }

    /// Keeps the disk cache within its limit; called after a run.
    pub(crate) fn trim(&mut self) {
        if let Some(disk) = &mut self.disk {
            disk.trim();
        }
    }
}
