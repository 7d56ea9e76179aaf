use super::{Owned, TensorView};
use crate::Fault;
use dreamwire_abi as abi;
use std::borrow::Cow;
use std::marker::PhantomData;

/// Tensors borrowed for one call of a function, in the order of its inputs or outputs; some may be omitted.
pub struct Views<'a> {
    views: Cow<'a, [abi::View]>,
    tensors: PhantomData<&'a Owned>,
}

// SAFETY: they borrow memory that nobody writes while it is borrowed.
unsafe impl Send for Views<'_> {}
// SAFETY: as above.
unsafe impl Sync for Views<'_> {}

impl<'a> Views<'a> {
    /// Borrows tensors; `None` is an omitted one.
    pub fn new(tensors: &'a [Option<Owned>]) -> Self {
        let view = |tensor: &Option<Owned>| tensor.as_ref().map_or(std::ptr::null(), Owned::as_view);
        Self { views: tensors.iter().map(view).collect(), tensors: PhantomData }
    }

    /// # Safety
    /// `raw` points to `count` views, each null or meeting the conditions of [`TensorView::read`], for `'a`. It may be
    /// null if `count` is 0.
    pub(crate) unsafe fn from_raw(raw: *const abi::View, count: usize) -> Self {
        let views: &[abi::View] = match count {
            0 => &[],
            // SAFETY: the caller's promise.
            count => unsafe { std::slice::from_raw_parts(raw, count) },
        };
        Self { views: Cow::Borrowed(views), tensors: PhantomData }
    }

    /// The number of tensors, including omitted ones.
    pub fn len(&self) -> usize {
        self.views.len()
    }

    /// Whether there are no tensors, not even omitted ones.
    pub fn is_empty(&self) -> bool {
        self.views.is_empty()
    }

    /// The tensor at an index; `None` if it is omitted or the index is too large.
    pub fn get(&self, index: usize) -> Option<Result<TensorView<'a>, Fault>> {
        let view = self.views.get(index).copied().filter(|view| !view.is_null())?;
        // SAFETY: as was promised for `from_raw`, or the view of a tensor that is borrowed for `'a`.
        Some(unsafe { TensorView::read(view) })
    }

    /// The number of tensors before the first omitted one.
    pub fn given(&self) -> usize {
        self.views.iter().take_while(|view| !view.is_null()).count()
    }

    /// `count` views for a callee, padded with nulls.
    pub(crate) fn padded(&self, count: usize) -> Cow<'_, [abi::View]> {
        if self.views.len() >= count {
            return Cow::Borrowed(&self.views);
        }
        let mut views = self.views.to_vec();
        views.resize(count, std::ptr::null());
        Cow::Owned(views)
    }
}
