//! Bytes that are a part of the file, or that were unpacked from it once and are shared.

use std::ops::Range;
use std::sync::Arc;

/// A part of the file, or of data that was unpacked from it.
#[derive(Clone)]
pub(crate) struct Bytes<'a> {
    owner: Owner<'a>,
    range: Range<usize>,
}

#[derive(Clone)]
enum Owner<'a> {
    File(&'a [u8]),
    Unpacked(Arc<Vec<u8>>),
}

impl<'a> Bytes<'a> {
    pub(crate) fn of_file(bytes: &'a [u8]) -> Self {
        Self { range: 0..bytes.len(), owner: Owner::File(bytes) }
    }

    pub(crate) fn unpacked(bytes: Vec<u8>) -> Self {
        Self { range: 0..bytes.len(), owner: Owner::Unpacked(Arc::new(bytes)) }
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        let all = match &self.owner {
            Owner::File(bytes) => *bytes,
            Owner::Unpacked(bytes) => bytes.as_slice(),
        };
        // `slice` only makes ranges inside of the owner.
        all.get(self.range.clone()).unwrap_or_default()
    }

    pub(crate) fn len(&self) -> usize {
        self.range.len()
    }

    /// A part, if it lies inside.
    pub(crate) fn slice(&self, part: Range<usize>) -> Option<Self> {
        if part.start > part.end || part.end > self.len() {
            return None;
        }
        let range = self.range.start + part.start..self.range.start + part.end;
        Some(Self { owner: self.owner.clone(), range })
    }
}
