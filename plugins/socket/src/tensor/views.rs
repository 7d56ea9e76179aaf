use super::{Owned, TensorView};
use crate::Fault;
use dreamwire_abi as abi;
use std::borrow::Cow;
use std::marker::PhantomData;

/// Tensors that are borrowed for one call of a function, in the order of its inputs or outputs; some may be left out.
pub struct Views<'a> {
    views: Cow<'a, [abi::View]>,
    tensors: PhantomData<&'a Owned>,
}

// SAFETY: they borrow memory that nobody writes while it is borrowed.
unsafe impl Send for Views<'_> {}
// SAFETY: as above.
unsafe impl Sync for Views<'_> {}

impl<'a> Views<'a> {
    /// Borrows tensors; `None` is left out.
    pub fn new(tensors: &'a [Option<Owned>]) -> Self {
        let view = |tensor: &Option<Owned>| tensor.as_ref().map_or(std::ptr::null(), Owned::as_view);
        Self { views: tensors.iter().map(view).collect(), tensors: PhantomData }
    }

    /// # Safety
    /// `raw` points to `count` views, each of them null or as [`TensorView::read`] wants it, for `'a`. It may be null if
    /// `count` is 0.
    pub(crate) unsafe fn from_raw(raw: *const abi::View, count: usize) -> Self {
        let views: &[abi::View] = match count {
            0 => &[],
            // SAFETY: the caller's promise.
            count => unsafe { std::slice::from_raw_parts(raw, count) },
        };
        Self { views: Cow::Borrowed(views), tensors: PhantomData }
    }

    /// How many there are, those left out included.
    pub fn len(&self) -> usize {
        self.views.len()
    }

    /// Whether there is none, not even one left out.
    pub fn is_empty(&self) -> bool {
        self.views.is_empty()
    }

    /// The tensor at that place; `None` if it is left out, or there is no such place.
    pub fn get(&self, index: usize) -> Option<Result<TensorView<'a>, Fault>> {
        let view = self.views.get(index).copied().filter(|view| !view.is_null())?;
        // SAFETY: as was promised for `from_raw`, or the view of a tensor that is borrowed for `'a`.
        Some(unsafe { TensorView::read(view) })
    }

    /// How many come before the first that is left out.
    pub fn given(&self) -> usize {
        self.views.iter().take_while(|view| !view.is_null()).count()
    }

    /// `count` views for a callee, with nulls behind those there are.
    pub(crate) fn padded(&self, count: usize) -> Cow<'_, [abi::View]> {
        if self.views.len() >= count {
            return Cow::Borrowed(&self.views);
        }
        let mut views = self.views.to_vec();
        views.resize(count, std::ptr::null());
        Cow::Owned(views)
    }
}
