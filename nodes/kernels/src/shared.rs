use std::marker::PhantomData;

/// A slice that several tasks write to at once, each to numbers of its own.
///
/// Slices of Rust can be cut into pieces that lie one behind the other. Here tasks write tiles and columns of one map,
/// which are woven into each other.
pub(crate) struct Shared<'a, T> {
    start: *mut T,
    len: usize,
    slice: PhantomData<&'a mut [T]>,
}

// SAFETY: it is a `&mut [T]` whose users promise, where they write, to keep to numbers of their own.
unsafe impl<T: Send> Send for Shared<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    pub(crate) fn new(slice: &'a mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len(), slice: PhantomData }
    }

    /// The numbers from `offset` on.
    ///
    /// # Panics
    ///
    /// If there are not `count` of them.
    #[inline(always)]
    pub(crate) fn at(&self, offset: usize, count: usize) -> *mut T {
        assert!(offset + count <= self.len);
        // SAFETY: the offset is inside of the slice.
        unsafe { self.start.add(offset) }
    }
}
