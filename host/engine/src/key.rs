//! Keys: the content address of a step's result.
//!
//! The deep key hashes kind, version of meaning, plugin build, canonical params, the content of every file a param
//! names, the device class, and for each input the producer's deep key and output. The content key hashes the same with
//! the bytes of each input in place of its producer. Neither sees node ids, positions or titles.

use blake3::{Hash, Hasher};
use dreamwire_graph::KindInfo;

/// A key under construction: length-prefixed fields, so that no two sequences collide.
pub struct Key(Hasher);

impl Key {
    /// The part both keys share.
    pub fn new(kind: &KindInfo, build: Hash, device: &str, params: &str) -> Self {
        let mut key = Self(Hasher::new_derive_key("dreamwire step key 1"));
        key.field(kind.id.as_bytes());
        key.field(&kind.version.to_le_bytes());
        key.field(build.as_bytes());
        key.field(device.as_bytes());
        key.field(params.as_bytes());
        key
    }

    fn field(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    /// A file that a param names.
    pub fn file(&mut self, param: &str, content: Hash) {
        self.field(param.as_bytes());
        self.field(content.as_bytes());
    }

    /// The values of one port follow.
    pub fn port(&mut self, count: usize) {
        self.field(&(count as u64).to_le_bytes());
    }

    /// An input by where it comes from.
    pub fn producer(&mut self, producer: Hash, output: usize) {
        self.field(producer.as_bytes());
        self.field(&(output as u64).to_le_bytes());
    }

    /// An input by what it is.
    pub fn content(&mut self, content: Hash) {
        self.field(content.as_bytes());
    }

    /// Something that never repeats: the step is not pure.
    pub fn nonce(&mut self, nonce: u64) {
        self.field(&nonce.to_le_bytes());
    }

    /// The key.
    pub fn finish(&self) -> Hash {
        self.0.finalize()
    }
}
