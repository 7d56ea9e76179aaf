use std::marker::PhantomData;

/// A slice that several tasks write to at once, each to its own elements.
///
/// Rust's slices can only be split into contiguous pieces. Here tasks write tiles and columns of one map,
/// which are interleaved.
pub(crate) struct Shared<'a, T> {
    start: *mut T,
    len: usize,
    slice: PhantomData<&'a mut [T]>,
}

// SAFETY: it is a `&mut [T]` whose users promise to write only to their own elements.
unsafe impl<T: Send> Send for Shared<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    pub(crate) fn new(slice: &'a mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len(), slice: PhantomData }
    }

    /// A pointer to `count` elements from `offset`.
    ///
    /// # Panics
    ///
    /// If there are fewer.
    #[inline(always)]
    pub(crate) fn at(&self, offset: usize, count: usize) -> *mut T {
        assert!(offset + count <= self.len);
        // SAFETY: the offset is inside the slice.
        unsafe { self.start.add(offset) }
    }
}
