//! How much a file may ask for.

use std::cell::Cell;

use crate::error::Error;

/// How much a file may ask for. The defaults are several times what the largest known checkpoints need.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Opcodes of all pickles in the file, and values visited while their tensors are named.
    pub steps: u64,
    /// Levels of nesting.
    pub depth: usize,
    /// Bytes in the dotted name of a tensor.
    pub name: usize,
    /// Tensors, or entries in a zip file.
    pub tensors: u64,
    /// Bytes that compressed data may unpack to, and that all tensors together may have, per byte of the file.
    pub growth: u64,
    /// Bytes that are always allowed in addition to `growth`.
    pub slack: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { steps: 2_000_000, depth: 100, name: 1024, tensors: 200_000, growth: 16, slack: 64 << 20 }
    }
}

/// What is left of the limits while one file is read.
pub(crate) struct Budget {
    pub(crate) limits: Limits,
    bytes: u64,
    steps: Cell<u64>,
    unpacked: Cell<u64>,
    tensors: Cell<u64>,
    tensor_bytes: Cell<u64>,
}

impl Budget {
    /// The budget of a file of `len` bytes.
    pub(crate) fn new(limits: &Limits, len: usize) -> Self {
        let bytes = (len as u64).saturating_mul(limits.growth).saturating_add(limits.slack);
        Self {
            limits: limits.clone(),
            bytes,
            steps: Cell::new(limits.steps),
            unpacked: Cell::new(bytes),
            tensors: Cell::new(limits.tensors),
            tensor_bytes: Cell::new(bytes),
        }
    }

    fn spend(left: &Cell<u64>, count: u64, what: &'static str, limit: u64) -> Result<(), Error> {
        let rest = left.get().checked_sub(count).ok_or(Error::Limit { what, limit })?;
        left.set(rest);
        Ok(())
    }

    /// Pays for one opcode or one visited value.
    pub(crate) fn step(&self) -> Result<(), Error> {
        Self::spend(&self.steps, 1, "steps", self.limits.steps)
    }

    /// Pays for bytes that are not slices of the file.
    pub(crate) fn unpack(&self, bytes: u64) -> Result<(), Error> {
        Self::spend(&self.unpacked, bytes, "bytes of unpacked data", self.bytes)
    }

    /// Pays for a tensor.
    pub(crate) fn tensor(&self, bytes: usize) -> Result<(), Error> {
        Self::spend(&self.tensors, 1, "tensors", self.limits.tensors)?;
        Self::spend(&self.tensor_bytes, bytes as u64, "bytes of tensors", self.bytes)
    }
}
