use super::Entry;
use blake3::Hash;
use std::collections::HashMap;
use std::sync::Arc;

struct Slot {
    entry: Arc<Entry>,
    used: u64,
}

/// Results in memory, with a byte budget; the least recently used are dropped first.
pub(super) struct Memory {
    slots: HashMap<Hash, Slot>,
    budget: u64,
    total: u64,
    clock: u64,
}

impl Memory {
    pub(super) fn new(budget: u64) -> Self {
        Self { slots: HashMap::new(), budget, total: 0, clock: 0 }
    }

    pub(super) fn get(&mut self, key: Hash) -> Option<Arc<Entry>> {
        self.clock += 1;
        let slot = self.slots.get_mut(&key)?;
        slot.used = self.clock;
        Some(Arc::clone(&slot.entry))
    }

    /// Drops a result.
    pub(super) fn remove(&mut self, key: Hash) {
        if let Some(slot) = self.slots.remove(&key) {
            self.total -= slot.entry.bytes;
        }
    }

    /// Stores an entry under one more key. Two keys of one entry count twice, which errs on the side of less
    /// memory. An entry larger than the whole budget is not kept.
    pub(super) fn put(&mut self, key: Hash, entry: Arc<Entry>) {
        if entry.bytes > self.budget {
            return;
        }
        self.clock += 1;
        self.total += entry.bytes;
        if let Some(old) = self.slots.insert(key, Slot { entry, used: self.clock }) {
            self.total -= old.entry.bytes;
        }
        while self.total > self.budget {
            let Some((&oldest, _)) = self.slots.iter().min_by_key(|(_, slot)| slot.used) else { break };
            if let Some(slot) = self.slots.remove(&oldest) {
                self.total -= slot.entry.bytes;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dtype, Tensor, Value};

    fn entry(bytes: usize) -> Arc<Entry> {
        let tensor = Tensor::new(Dtype::U8, vec![bytes as i64], Arc::new(vec![0u8; bytes])).unwrap();
        Arc::new(Entry::new(vec![Value::Tensor(tensor)], Vec::new()))
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let (a, b, c) = (blake3::hash(b"a"), blake3::hash(b"b"), blake3::hash(b"c"));
        let mut memory = Memory::new(100);
        memory.put(a, entry(40));
        memory.put(b, entry(40));
        assert!(memory.get(a).is_some());
        memory.put(c, entry(40));
        assert!(memory.get(a).is_some() && memory.get(b).is_none() && memory.get(c).is_some());
        memory.put(b, entry(101));
        assert!(memory.get(b).is_none(), "more than the budget is not kept");
    }
}
