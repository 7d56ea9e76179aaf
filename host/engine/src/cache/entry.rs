use crate::Value;
use blake3::Hash;
use std::sync::Arc;

/// The result of a step.
pub(crate) struct Entry {
    /// One per output port.
    pub(crate) outputs: Vec<Value>,
    /// The files that it published, so that they can be published again without running the step.
    pub(crate) saved: Vec<Saved>,
    /// If not empty, the outputs and files are in other results: the step was computed for some rows at a time.
    pub(crate) parts: Vec<Part>,
    /// What keeping it costs, in bytes.
    pub(crate) bytes: u64,
}

/// Consecutive rows of a result, which are the result of the same step with the same rows of its inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// The key of that result.
    pub(crate) key: Hash,
    /// How many rows it has.
    pub(crate) rows: usize,
    /// How many files it published.
    pub(crate) files: usize,
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
        Self { outputs, saved, parts: Vec::new(), bytes: values + files }
    }

    /// A result whose rows are other results.
    pub(crate) fn of_parts(parts: Vec<Part>) -> Self {
        let bytes = size_of_val(&parts[..]) as u64;
        Self { outputs: Vec::new(), saved: Vec::new(), parts, bytes }
    }
}
