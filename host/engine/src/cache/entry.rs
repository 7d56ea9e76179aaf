use crate::Value;
use blake3::Hash;
use std::sync::Arc;

/// The result of a step.
pub(crate) struct Entry {
    /// One per output port.
    pub(crate) outputs: Vec<Value>,
    /// The files that it published, so that they can be published again without running the step.
    pub(crate) saved: Vec<Saved>,
    /// What keeping it costs, in bytes.
    pub(crate) bytes: u64,
}

/// A file that a step published.
#[derive(Clone)]
pub(crate) struct Saved {
    /// Its name as the step gave it.
    pub(crate) template: String,
    /// The content.
    pub(crate) bytes: Arc<[u8]>,
    /// The hash of the content.
    pub(crate) hash: Hash,
}

impl Entry {
    pub(crate) fn new(outputs: Vec<Value>, saved: Vec<Saved>) -> Self {
        let values: u64 = outputs.iter().map(Value::bytes).sum();
        let files: u64 = saved.iter().map(|file| file.bytes.len() as u64).sum();
        Self { outputs, saved, bytes: values + files }
    }
}
