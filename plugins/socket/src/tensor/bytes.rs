use super::Owned;
use std::ops::Deref;

/// The elements of a tensor that was moved here: row-major, native endian, aligned for their type, and in place if they
/// are dense. Or bytes that are part of the program.
pub struct Bytes(Held);

enum Held {
    InPlace { base: *const u8, len: usize, _owned: Owned },
    Copied(Copied),
    Static(&'static [u8]),
}

/// Copied elements, by size.
pub(super) enum Copied {
    U8(Vec<u8>),
    U32(Vec<u32>),
    I64(Vec<i64>),
}

// SAFETY: immutable memory that the owner keeps; deleters may be called from any thread, as the header says.
unsafe impl Send for Bytes {}
// SAFETY: as above.
unsafe impl Sync for Bytes {}

impl Bytes {
    /// # Safety
    /// `base` points to `len` bytes that live, unwritten, until `owned` is dropped; null if `len` is 0.
    pub(super) unsafe fn in_place(base: *const u8, len: usize, owned: Owned) -> Self {
        Self(Held::InPlace { base, len, _owned: owned })
    }

    pub(super) fn copied(copied: Copied) -> Self {
        Self(Held::Copied(copied))
    }
}

impl From<&'static [u8]> for Bytes {
    fn from(bytes: &'static [u8]) -> Self {
        Self(Held::Static(bytes))
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Held::Copied(Copied::U8(bytes)))
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let (base, len) = match &self.0 {
            Held::InPlace { len: 0, .. } => return &[],
            Held::InPlace { base, len, .. } => (*base, *len),
            Held::Copied(Copied::U8(elements)) => return elements,
            Held::Static(bytes) => return bytes,
            Held::Copied(Copied::U32(elements)) => (elements.as_ptr().cast(), size_of_val(&elements[..])),
            Held::Copied(Copied::I64(elements)) => (elements.as_ptr().cast(), size_of_val(&elements[..])),
        };
        // SAFETY: initialised elements that live as long as `self`; bytes need no alignment.
        unsafe { std::slice::from_raw_parts(base, len) }
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}
