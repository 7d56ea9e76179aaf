//! Large buffers that are reused instead of freed: zeroing a new page costs the system more than most
//! operations on it.

use std::ops::{Deref, DerefMut};
use std::sync::Mutex;

use crate::element::Element;

/// Bytes that all spare buffers of a number type may take together.
const MOST_SPARE_BYTES: usize = 256 << 20;
/// Buffers from this size on ask for large pages.
const LARGE_BYTES: usize = 4 << 20;

/// Buffers that wait for their next user, the most recently used last.
pub(crate) type Spares<T> = Mutex<Vec<Vec<T>>>;

/// A reusable buffer: it contains what its last user left.
pub(crate) struct Buffer<T: Element> {
    data: Vec<T>,
    len: usize,
}

impl<T: Element> Buffer<T> {
    pub(crate) fn new(len: usize) -> Self {
        Self { data: spare(len).unwrap_or_else(|| zeros(len)), len }
    }

    pub(crate) fn zeros(len: usize) -> Self {
        let Some(mut data) = spare(len) else { return Self { data: zeros(len), len } };
        data[..len].fill(T::ZERO);
        Self { data, len }
    }

    /// Keeps the memory for good.
    pub(crate) fn into_vec(mut self) -> Vec<T> {
        let mut data = std::mem::take(&mut self.data);
        data.truncate(self.len);
        data
    }
}

impl<T: Element> Drop for Buffer<T> {
    fn drop(&mut self) {
        let data = std::mem::take(&mut self.data);
        if data.is_empty() || bytes(&data) > MOST_SPARE_BYTES {
            return;
        }
        let mut spares = lock(T::spares());
        make_room(&mut spares, bytes(&data));
        spares.push(data);
    }
}

fn bytes<T>(data: &Vec<T>) -> usize {
    data.capacity() * size_of::<T>()
}

/// Drops the least recently used spares until there is room for `wanted` bytes.
fn make_room<T>(spares: &mut Vec<Vec<T>>, wanted: usize) {
    while !spares.is_empty() && spares.iter().map(bytes).sum::<usize>() + wanted > MOST_SPARE_BYTES {
        spares.remove(0);
    }
}

impl<T: Element> Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.data[..self.len]
    }
}

impl<T: Element> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.data[..self.len]
    }
}

/// The most recently used spare buffer that holds `len` numbers and is not much too large. If there is none,
/// spares are dropped for a new one, so that a large run does not need its memory in addition to theirs.
fn spare<T: Element>(len: usize) -> Option<Vec<T>> {
    let mut spares = lock(T::spares());
    match spares.iter().rposition(|spare| spare.len() >= len && spare.len() / 2 <= len) {
        Some(fits) => Some(spares.remove(fits)),
        None => {
            make_room(&mut spares, len * size_of::<T>());
            None
        }
    }
}

/// A panic of another thread leaves the list intact: buffers are moved in and out in one step.
fn lock<T>(spares: &Spares<T>) -> std::sync::MutexGuard<'_, Vec<Vec<T>>> {
    spares.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// `len` zeros.
pub(crate) fn zeros<T: Element>(len: usize) -> Vec<T> {
    let mut data = vec![T::ZERO; len];
    want_large_pages(&mut data);
    data
}

/// Asks the system to back a large buffer with huge pages: one page fault per 2 MiB instead of 512.
#[cfg(target_os = "linux")]
fn want_large_pages<T>(data: &mut [T]) {
    const PAGE: usize = 4096;
    let bytes = size_of_val(data);
    if bytes < LARGE_BYTES {
        return;
    }
    let start = data.as_mut_ptr().cast::<u8>();
    let skipped = start.align_offset(PAGE);
    // SAFETY: the pages lie inside the buffer, and the advice changes none of its bytes.
    unsafe {
        // Without huge pages everything still works, so the result does not matter.
        libc::madvise(start.add(skipped).cast(), (bytes - skipped) / PAGE * PAGE, libc::MADV_HUGEPAGE);
    }
}

#[cfg(not(target_os = "linux"))]
fn want_large_pages<T>(_: &mut [T]) {}
