use super::{Bytes, TensorView};
use crate::{Dtype, Fault};
use dreamwire_abi as abi;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

/// A tensor that was moved here: its maker's deleter is called once, when this is dropped.
pub struct Owned(NonNull<abi::DLManagedTensorVersioned>);

// SAFETY: immutable memory; the deleter may be called from any thread, as the header says.
unsafe impl Send for Owned {}
// SAFETY: as above.
unsafe impl Sync for Owned {}

impl Owned {
    /// Takes a tensor; `None` if it is null.
    ///
    /// # Safety
    /// `raw` is null, or a managed tensor that nobody else deletes and that meets the conditions of
    /// [`TensorView::read`].
    pub unsafe fn from_raw(raw: abi::Owned) -> Option<Self> {
        NonNull::new(raw).map(Self)
    }

    /// Gives the tensor away: the receiver deletes it.
    pub fn into_raw(self) -> abi::Owned {
        ManuallyDrop::new(self).0.as_ptr()
    }

    /// The tensor, still ours.
    pub fn raw(&self) -> abi::Owned {
        self.0.as_ptr()
    }

    /// Whether it has a deleter.
    pub fn has_deleter(&self) -> bool {
        // SAFETY: alive; every major of DLPack has the deleter at this place.
        unsafe { (*self.0.as_ptr()).deleter.is_some() }
    }

    /// A view, for lending it.
    pub(crate) fn as_view(&self) -> abi::View {
        // SAFETY: alive; only an address is made.
        unsafe { &raw const (*self.0.as_ptr()).dl_tensor }
    }

    /// A checked view of it.
    ///
    /// # Errors
    /// It is of another major version of DLPack, or as [`TensorView::read`].
    pub fn view(&self) -> Result<TensorView<'_>, Fault> {
        // SAFETY: alive; the version comes first in every major.
        let major = unsafe { (*self.0.as_ptr()).version.major };
        if major != 1 {
            return Err(Fault::failed(format!("a tensor uses DLPack {major}; only 1 is supported")));
        }
        // SAFETY: alive and immutable as long as `self`, as was promised for `from_raw`.
        unsafe { TensorView::read(self.as_view()) }
    }

    /// Element type, shape and elements; the latter are copied only if they are strided.
    ///
    /// # Errors
    /// As [`Owned::view`].
    pub fn into_bytes(self) -> Result<(Dtype, Vec<i64>, Bytes), Fault> {
        let view = self.view()?;
        let (dtype, shape) = (view.dtype(), view.shape().to_vec());
        let place = view.bytes().map(|bytes| (bytes.as_ptr(), bytes.len()));
        let bytes = match place {
            // SAFETY: the bytes of a dense tensor, which live until its deleter is called.
            Some((base, len)) => unsafe { Bytes::in_place(base, len, self) },
            None => view.to_bytes(),
        };
        Ok((dtype, shape, bytes))
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: ours, and deleted once.
        unsafe {
            if let Some(deleter) = (*self.0.as_ptr()).deleter {
                deleter(self.0.as_ptr());
            }
        }
    }
}
