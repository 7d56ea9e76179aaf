//! Large blocks of memory that are reused instead of given back.
//!
//! candle allocates and frees a feature map for almost every operation. The C library maps and unmaps blocks of that
//! size each time, and the system then clears every page of theirs again: a third of the time of a style transfer by
//! descent. A plugin therefore keeps what it frees, up to [`MOST_BYTES`], until it is retired.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Blocks from this size on are kept.
const LARGE: usize = 1 << 20;
/// Bytes that all spare blocks may take together; larger blocks are never kept.
const MOST_BYTES: usize = 512 << 20;
/// The most spare blocks.
const MOST: usize = 64;
/// A spare that nobody took while this many others were freed makes room for new ones. Not sooner: a network that needs
/// more than all spares together frees its blocks in the order in which it will ask for them, so that the oldest one is
/// the next one wanted.
const PATIENCE: u64 = 256;
/// Of every block that can be kept, so that one fits another user. It is what the C library gives to all: beyond that the
/// system's allocator would write the zeros of new blocks itself, which come for free.
const ALIGN: usize = 16;

/// The allocator of plugins.
struct Reusing {
    spares: Mutex<Spares>,
}

/// The plugin's one allocator; each plugin is a library of its own, with its own.
#[global_allocator]
static ALLOCATOR: Reusing = Reusing { spares: Mutex::new(Spares::NONE) };

/// Gives every spare block back.
pub(crate) fn release() {
    let mut spares = ALLOCATOR.lock();
    while spares.drop_oldest() {}
}

/// Freed blocks, the oldest first.
struct Spares {
    blocks: [Block; MOST],
    count: usize,
    bytes: usize,
    /// Blocks freed so far.
    freed: u64,
}

/// The start of a block, its layout's size, and which one it was to be freed.
#[derive(Clone, Copy)]
struct Block {
    start: *mut u8,
    size: usize,
    number: u64,
}

// SAFETY: a spare block belongs to nobody, so any thread may take it.
unsafe impl Send for Spares {}

impl Spares {
    const NONE: Self = {
        let none = Block { start: std::ptr::null_mut(), size: 0, number: 0 };
        Self { blocks: [none; MOST], count: 0, bytes: 0, freed: 0 }
    };

    /// The most recently freed block of that size: the likeliest to be in a cache.
    fn take(&mut self, size: usize) -> Option<*mut u8> {
        let index = self.blocks[..self.count].iter().rposition(|block| block.size == size)?;
        let block = self.blocks[index];
        self.remove(index);
        Some(block.start)
    }

    fn remove(&mut self, index: usize) {
        self.bytes -= self.blocks[index].size;
        self.blocks.copy_within(index + 1..self.count, index);
        self.count -= 1;
    }

    /// Keeps a block of a [`stored`] size, or gives it back if there is no room.
    fn keep(&mut self, start: *mut u8, size: usize) {
        let block = Block { start, size, number: self.freed };
        self.freed += 1;
        while self.count == MOST || self.bytes + size > MOST_BYTES {
            let oldest = self.blocks[..self.count].first();
            if oldest.is_none_or(|oldest| block.number - oldest.number <= PATIENCE) {
                return give_back(block);
            }
            self.drop_oldest();
        }
        self.blocks[self.count] = block;
        self.count += 1;
        self.bytes += size;
    }

    /// Gives the oldest block back; false if there is none.
    fn drop_oldest(&mut self) -> bool {
        let Some(oldest) = self.blocks[..self.count].first().copied() else { return false };
        self.remove(0);
        give_back(oldest);
        true
    }
}

/// Returns a block to the system.
fn give_back(block: Block) {
    // SAFETY: it came from the system with this layout, which was valid then, and nobody uses it any more.
    unsafe { System.dealloc(block.start, Layout::from_size_align_unchecked(block.size, ALIGN)) };
}

/// The layout with which a block of `layout` is really allocated, if it is one that can be kept: sizes are rounded up to
/// an eighth of their power of two, so that maps of almost the same size share blocks.
fn stored(layout: Layout) -> Option<Layout> {
    let size = layout.size();
    if !(LARGE..=MOST_BYTES).contains(&size) || layout.align() > ALIGN {
        return None;
    }
    let step = 1 << (size.ilog2() - 3);
    Layout::from_size_align(size.next_multiple_of(step), ALIGN).ok().filter(|it| it.size() <= MOST_BYTES)
}

impl Reusing {
    /// The list. It stays consistent if a thread panics: nothing in here does.
    fn lock(&self) -> MutexGuard<'_, Spares> {
        self.spares.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A spare block of a [`stored`] size. The lock is not held afterwards.
    fn take(&self, stored: Layout) -> Option<*mut u8> {
        self.lock().take(stored.size())
    }

    /// What `allocate` gives; if the system has nothing left, what it gives after all spares went back.
    fn or_without_spares(&self, allocate: impl Fn() -> *mut u8) -> *mut u8 {
        let start = allocate();
        if !start.is_null() || !self.lock().drop_oldest() {
            return start;
        }
        while self.lock().drop_oldest() {}
        allocate()
    }
}

// SAFETY: blocks come from the system's allocator, with the layout asked for or with `stored`'s, which is at least as
// large and as aligned and depends on the layout alone, so that they are freed with the layout they were
// allocated with. A block is either a caller's or in `spares`. Nothing here unwinds.
unsafe impl GlobalAlloc for Reusing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match stored(layout) {
            // SAFETY: as the caller promises.
            None => unsafe { System.alloc(layout) },
            Some(stored) => match self.take(stored) {
                Some(start) => start,
                // SAFETY: its size is not 0.
                None => self.or_without_spares(|| unsafe { System.alloc(stored) }),
            },
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        match stored(layout) {
            // SAFETY: as the caller promises.
            None => unsafe { System.alloc_zeroed(layout) },
            Some(stored) => match self.take(stored) {
                Some(start) => {
                    // SAFETY: a block of at least that size, which is nobody else's now.
                    unsafe { start.write_bytes(0, layout.size()) };
                    start
                }
                // SAFETY: its size is not 0.
                None => self.or_without_spares(|| unsafe { System.alloc_zeroed(stored) }),
            },
        }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        match stored(layout) {
            // SAFETY: as the caller promises; it was allocated with this layout.
            None => unsafe { System.dealloc(start, layout) },
            Some(stored) => self.lock().keep(start, stored.size()),
        }
    }

    unsafe fn realloc(&self, start: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises that the size is valid for this alignment.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (stored(layout), stored(wanted)) {
            // SAFETY: as the caller promises; it was allocated with this layout.
            (None, None) => unsafe { System.realloc(start, layout, size) },
            (Some(old), Some(new)) if old == new => start,
            _ => {
                // SAFETY: as the caller promises.
                let moved = unsafe { self.alloc(wanted) };
                if !moved.is_null() {
                    // SAFETY: both blocks are at least that large, and they are different ones.
                    unsafe {
                        start.copy_to_nonoverlapping(moved, layout.size().min(size));
                        self.dealloc(start, layout);
                    }
                }
                moved
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(size: usize) -> Layout {
        Layout::from_size_align(size, 8).expect("a layout")
    }

    #[test]
    fn sizes_that_are_almost_the_same_share_blocks() {
        let size = |bytes: usize| stored(layout(bytes)).map(|it| it.size());
        assert_eq!(size(LARGE - 1), None);
        assert_eq!(size(LARGE), Some(LARGE));
        assert_eq!(size(LARGE + 1), Some(LARGE + LARGE / 8));
        assert_eq!(size(LARGE + LARGE / 8), Some(LARGE + LARGE / 8));
        assert_eq!(size(MOST_BYTES), Some(MOST_BYTES));
        assert_eq!(size(MOST_BYTES + 1), None);
        assert!(stored(Layout::from_size_align(LARGE, 4096).expect("a layout")).is_none());
    }

    /// An allocator of its own, so that no other test takes its blocks.
    fn own() -> Reusing {
        Reusing { spares: Mutex::new(Spares::NONE) }
    }

    #[test]
    fn a_freed_block_is_the_next_one_of_its_size_and_zeros_are_zeros() {
        let own = own();
        // SAFETY: every block is used within its size and freed once, with its layout.
        unsafe {
            let first = own.alloc(layout(3 << 20));
            first.write_bytes(7, 3 << 20);
            own.dealloc(first, layout(3 << 20));
            let other = own.alloc(layout(2 << 20));
            assert_ne!(other, first);
            let again = own.alloc_zeroed(layout((3 << 20) - 5));
            assert_eq!(again, first);
            let bytes = std::slice::from_raw_parts(again, (3 << 20) - 5);
            assert!(bytes.iter().all(|byte| *byte == 0));
            own.dealloc(again, layout((3 << 20) - 5));
            own.dealloc(other, layout(2 << 20));
        }
        let mut spares = own.lock();
        assert_eq!((spares.count, spares.bytes), (2, 5 << 20));
        while spares.drop_oldest() {}
        assert_eq!((spares.count, spares.bytes), (0, 0));
    }

    #[test]
    fn a_block_that_grows_keeps_its_content() {
        let own = own();
        // SAFETY: every block is used within its size and freed once, with its layout.
        unsafe {
            let mut start = own.alloc(layout(16));
            start.write_bytes(9, 16);
            let mut size = 16;
            for next in [LARGE - 8, LARGE + 8, LARGE + 16, 4 * LARGE, 24] {
                start = own.realloc(start, layout(size), next);
                size = next;
                assert!(std::slice::from_raw_parts(start, 16).iter().all(|byte| *byte == 9), "{next}");
            }
            own.dealloc(start, layout(size));
        }
        let mut spares = own.lock();
        while spares.drop_oldest() {}
    }

    #[test]
    fn what_is_kept_is_bounded_and_makes_room_when_nobody_wants_it() {
        let own = own();
        let kept = || {
            let spares = own.lock();
            (spares.count, spares.bytes)
        };
        let cycle = |count: usize, size: usize| {
            // SAFETY: every block is freed once, with its layout, and never touched.
            unsafe {
                let blocks: Vec<*mut u8> = (0..count).map(|_| own.alloc(layout(size))).collect();
                blocks.into_iter().for_each(|start| own.dealloc(start, layout(size)));
            }
        };
        cycle(5, MOST_BYTES / 4);
        assert_eq!(kept(), (4, MOST_BYTES));
        // Full of blocks that may be wanted soon.
        cycle(1, LARGE);
        assert_eq!(kept(), (4, MOST_BYTES));
        (0..PATIENCE).for_each(|_| cycle(1, LARGE));
        assert_eq!(kept(), (4, MOST_BYTES / 4 * 3 + LARGE));
        (0..4).for_each(|_| cycle(MOST + 1, LARGE));
        assert_eq!(kept().0, MOST);
        let mut spares = own.lock();
        while spares.drop_oldest() {}
        assert_eq!((spares.count, spares.bytes), (0, 0));
    }

    /// As under `ulimit -v`.
    #[test]
    fn spares_go_back_before_an_allocation_fails() {
        let own = own();
        // SAFETY: a valid layout, freed once with it.
        unsafe { own.dealloc(own.alloc(layout(LARGE)), layout(LARGE)) };
        assert_eq!(own.lock().count, 1);
        let mut block = 0u8;
        let there = &raw mut block;
        let tries = std::cell::Cell::new(0);
        let second = || {
            tries.set(tries.get() + 1);
            if own.lock().count == 0 { there } else { std::ptr::null_mut() }
        };
        assert_eq!(own.or_without_spares(second), there);
        assert_eq!(tries.get(), 2);
        let never = || {
            tries.set(tries.get() + 1);
            std::ptr::null_mut()
        };
        assert!(own.or_without_spares(never).is_null());
        assert_eq!(tries.get(), 3, "without spares there is nothing to try again for");
    }
}
