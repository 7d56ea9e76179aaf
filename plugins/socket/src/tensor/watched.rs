use super::{Owned, dense_strides, managed};
use crate::Dtype;
use dreamwire_abi as abi;
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A tensor whose struct is never freed, so that a wrong deletion (a second one, or one of a borrowed tensor) is
/// counted and does no damage. For tools that examine the other side.
#[repr(C)]
pub struct Watched {
    managed: UnsafeCell<abi::DLManagedTensorVersioned>,
    shape: UnsafeCell<Vec<i64>>,
    strides: UnsafeCell<Vec<i64>>,
    /// 32 bits each, so that elements of both types are aligned.
    words: Mutex<Vec<AtomicU32>>,
    deletions: AtomicU32,
    on_deletion: OnDeletion,
}

/// Receives the number of the deletion, from 1.
type OnDeletion = Box<dyn Fn(&Watched, u32) + Send + Sync>;

// SAFETY: the struct is written before anybody else has it, and then only by a receiver that breaks the contract; words
// are atomic, and everything else is behind a mutex.
unsafe impl Sync for Watched {}

impl Watched {
    /// A dense tensor of float32 numbers, as bits, or of bytes, four to a word. `on_deletion` receives the number of
    /// the deletion, from 1.
    ///
    /// # Panics
    /// If there are fewer words than the shape needs, or the type is another.
    pub fn new(
        dtype: Dtype,
        shape: Vec<i64>,
        words: Vec<u32>,
        on_deletion: impl Fn(&Self, u32) + Send + Sync + 'static,
    ) -> &'static Self {
        assert!(matches!(dtype, Dtype::F32 | Dtype::U8), "{dtype:?}");
        let count = shape
            .iter()
            .map(|&size| usize::try_from(size).expect("sizes are not negative"))
            .product::<usize>();
        assert!(count * dtype.size() <= 4 * words.len(), "{} words for {shape:?}", words.len());
        let words: Vec<AtomicU32> = words.into_iter().map(AtomicU32::new).collect();
        let strides = dense_strides(&shape);
        let mut managed = managed(dtype, shape.len(), delete);
        // The buffer stays where it is when the vector is moved.
        managed.dl_tensor.data = words.as_ptr().cast_mut().cast();
        let made: &'static Self = Box::leak(Box::new(Self {
            managed: UnsafeCell::new(managed),
            shape: UnsafeCell::new(shape),
            strides: UnsafeCell::new(strides),
            words: Mutex::new(words),
            deletions: AtomicU32::new(0),
            on_deletion: Box::new(on_deletion),
        }));
        // SAFETY: just made, so nobody else reads or writes it.
        unsafe {
            let managed = &mut *made.managed.get();
            managed.dl_tensor.shape = (*made.shape.get()).as_mut_ptr();
            managed.dl_tensor.strides = (*made.strides.get()).as_mut_ptr();
            managed.manager_ctx = std::ptr::from_ref(made).cast_mut().cast();
        }
        made
    }

    /// The pointer to lend or move to the other side.
    pub fn raw(&'static self) -> abi::Owned {
        self.managed.get()
    }

    /// The tensor to move to the other side; a drop deletes it.
    pub fn into_owned(&'static self) -> Option<Owned> {
        // SAFETY: a managed tensor that is never freed, so that each deletion is only counted.
        unsafe { Owned::from_raw(self.raw()) }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<AtomicU32>> {
        self.words.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The current elements; empty after [`Watched::free`].
    pub fn words(&self) -> Vec<u32> {
        self.lock().iter().map(|word| word.load(Ordering::Relaxed)).collect()
    }

    /// Overwrites all elements with one word, once nobody may read them any more.
    pub fn fill(&self, word: u32) {
        self.lock().iter().for_each(|it| it.store(word, Ordering::Relaxed));
    }

    /// Frees the elements, not the struct.
    pub fn free(&self) {
        *self.lock() = Vec::new();
    }
}

unsafe extern "C" fn delete(managed: *mut abi::DLManagedTensorVersioned) {
    // SAFETY: `manager_ctx` is one of ours, which is never freed.
    let watched = unsafe { &*(*managed).manager_ctx.cast::<Watched>() };
    let nth = watched.deletions.fetch_add(1, Ordering::SeqCst) + 1;
    (watched.on_deletion)(watched, nth);
}
