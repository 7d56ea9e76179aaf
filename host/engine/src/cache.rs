//! Results by key, with a byte budget; the least recently used are dropped first.

use crate::{Published, Value};
use blake3::Hash;
use std::collections::HashMap;
use std::sync::Arc;

/// The outputs of a step.
pub(crate) struct Entry {
    pub(crate) outputs: Vec<Value>,
    pub(crate) published: Vec<Published>,
    bytes: u64,
}

impl Entry {
    pub(crate) fn new(outputs: Vec<Value>, published: Vec<Published>) -> Arc<Self> {
        let bytes = outputs.iter().map(Value::bytes).sum();
        Arc::new(Self { outputs, published, bytes })
    }
}

struct Slot {
    entry: Arc<Entry>,
    used: u64,
}

/// Results of earlier steps, in memory.
pub struct Cache {
    slots: HashMap<Hash, Slot>,
    budget: u64,
    total: u64,
    clock: u64,
}

impl Cache {
    /// An empty cache that keeps at most `budget` bytes.
    pub fn new(budget: u64) -> Self {
        Self { slots: HashMap::new(), budget, total: 0, clock: 0 }
    }

    pub(crate) fn get(&mut self, key: Hash) -> Option<Arc<Entry>> {
        self.clock += 1;
        let slot = self.slots.get_mut(&key)?;
        slot.used = self.clock;
        Some(Arc::clone(&slot.entry))
    }

    /// Stores an entry under one more key. Two keys of one entry count twice, which errs on the side of less
    /// memory. An entry larger than the whole budget is not kept.
    pub(crate) fn put(&mut self, key: Hash, entry: Arc<Entry>) {
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
    use crate::{Dtype, Tensor};

    fn entry(bytes: usize) -> Arc<Entry> {
        let tensor = Tensor::new(Dtype::U8, vec![bytes as i64], Arc::new(vec![0u8; bytes])).unwrap();
        Entry::new(vec![Value::Tensor(tensor)], Vec::new())
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let (a, b, c) = (blake3::hash(b"a"), blake3::hash(b"b"), blake3::hash(b"c"));
        let mut cache = Cache::new(100);
        cache.put(a, entry(40));
        cache.put(b, entry(40));
        assert!(cache.get(a).is_some());
        cache.put(c, entry(40));
        assert!(cache.get(a).is_some() && cache.get(b).is_none() && cache.get(c).is_some());
        cache.put(b, entry(101));
        assert!(cache.get(b).is_none(), "more than the budget is not kept");
    }
}
