//! Results whose rows are results of their own.

use super::Engine;
use super::joined::Joined;
use super::steps::{Known, Lost, State, Steps};
use crate::Value;
use crate::cache::{Cache, Entry, Part, Saved};
use blake3::Hash;
use std::collections::HashSet;
use std::sync::Arc;

/// A result in parts, in the order of its rows.
#[derive(Clone)]
pub(super) struct Parts {
    /// The keys of the whole.
    names: Vec<Hash>,
    parts: Vec<Held>,
}

/// A part, and its result if that is in memory.
#[derive(Clone)]
struct Held {
    part: Part,
    entry: Option<Arc<Entry>>,
}

impl Known {
    /// As the cache stores it.
    pub(super) fn stored(&self) -> Arc<Entry> {
        match self {
            Self::Whole(entry) => Arc::clone(entry),
            Self::Parts(Parts { parts, .. }) => {
                Arc::new(Entry::of_parts(parts.iter().map(|held| held.part).collect()))
            }
        }
    }
}

impl Parts {
    /// No rows yet.
    pub(super) fn new(names: Vec<Hash>) -> Self {
        Self { names, parts: Vec::new() }
    }

    /// Appends rows. `entry` holds them in memory.
    pub(super) fn push(&mut self, part: Part, entry: Option<Arc<Entry>>) {
        self.parts.push(Held { part, entry });
    }

    /// The keys of the whole.
    pub(super) fn names(&self) -> &[Hash] {
        &self.names
    }

    /// The number of rows.
    pub(super) fn rows(&self) -> usize {
        self.parts.iter().map(|held| held.part.rows).sum()
    }

    /// The number of rows of a part.
    pub(super) fn rows_of(&self, index: usize) -> usize {
        self.parts[index].part.rows
    }

    /// The number of files that a part published.
    pub(super) fn files_of(&self, index: usize) -> usize {
        self.parts[index].part.files
    }

    /// The number of parts.
    pub(super) fn len(&self) -> usize {
        self.parts.len()
    }

    /// The index of the part that has a row, and the index of its first row.
    pub(super) fn find(&self, row: usize) -> Option<(usize, usize)> {
        let mut first = 0;
        for (index, held) in self.parts.iter().enumerate() {
            if row < first + held.part.rows {
                return Some((index, first));
            }
            first += held.part.rows;
        }
        None
    }

    /// The result of a part.
    pub(super) fn fetch(&self, cache: &mut Cache, index: usize) -> Result<Arc<Entry>, Lost> {
        let Held { part, entry } = &self.parts[index];
        entry.clone().or_else(|| cache.part(part.key)).ok_or_else(|| self.lost())
    }

    /// That a part is not there.
    fn lost(&self) -> Lost {
        let key = self.names.first().or(self.parts.first().map(|held| &held.part.key));
        Lost(key.copied().unwrap_or(Hash::from_bytes([0; 32])))
    }
}

impl Engine {
    /// The result of a key. Of one in parts, all parts are there, as far as can be told without reading them.
    pub(super) fn known(&mut self, key: Hash, lost: &HashSet<Hash>) -> Option<Known> {
        if lost.contains(&key) {
            return None;
        }
        let entry = self.cache.get(key)?;
        if entry.parts.is_empty() {
            return Some(Known::Whole(entry));
        }
        let mut parts = Parts::new(vec![key]);
        for part in &entry.parts {
            if !self.cache.holds(part.key) {
                return None;
            }
            // What is in memory now must not be dropped before it is used.
            parts.push(*part, self.cache.in_memory(part.key));
        }
        Some(Known::Parts(parts))
    }

    /// Makes a result whole: the rows of its parts follow each other in one tensor per output.
    pub(super) fn join(&mut self, steps: &mut Steps<'_>, node: usize) -> Result<(), Lost> {
        let State::Known(Known::Parts(parts)) = &steps.results[node] else { return Ok(()) };
        let mut parts = parts.clone();
        // The parts are dropped one by one, so that there are never two of all.
        steps.results[node] = State::Unneeded;
        let rows = parts.rows();
        let mut joined: Vec<Joined> = Vec::new();
        let mut saved: Vec<Saved> = Vec::new();
        for index in 0..parts.len() {
            let entry = parts.fetch(&mut self.cache, index)?;
            if index == 0 {
                joined = entry.outputs.iter().map(|value| Joined::new(value, rows)).collect();
            }
            let fits = joined.len() == entry.outputs.len();
            if !fits || joined.iter_mut().zip(&entry.outputs).any(|(joined, value)| !joined.append(value)) {
                return Err(parts.lost());
            }
            saved.extend(entry.saved.iter().cloned());
            parts.parts[index].entry = None;
            self.cache.drop_from_memory(parts.parts[index].part.key);
        }
        let outputs: Option<Vec<Value>> = joined.into_iter().map(|joined| joined.value(rows)).collect();
        let outputs = outputs.ok_or_else(|| parts.lost())?;
        let whole = Arc::new(Entry::new(outputs, saved));
        self.cache.replace(&parts.names, &whole);
        steps.results[node] = State::Known(Known::Whole(whole));
        Ok(())
    }
}
