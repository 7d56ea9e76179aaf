use super::{Owned, dense_strides, managed};
use crate::{Dtype, Fault};
use dreamwire_abi as abi;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// The owner of a tensor's elements.
///
/// # Safety
/// `bytes` always returns the same initialised bytes, also after the value was moved, and nobody writes them while the
/// value lives.
pub unsafe trait Memory: Send + Sync + 'static {
    /// The elements, row-major, native endian.
    fn bytes(&self) -> &[u8];
}

// SAFETY: a vector's buffer does not move with it, and can only be written through `&mut`.
unsafe impl Memory for Vec<u8> {
    fn bytes(&self) -> &[u8] {
        self
    }
}

// SAFETY: shared and immutable.
unsafe impl Memory for Arc<[u8]> {
    fn bytes(&self) -> &[u8] {
        self
    }
}

// SAFETY: shared and immutable.
unsafe impl Memory for Arc<Vec<u8>> {
    fn bytes(&self) -> &[u8] {
        self
    }
}

// SAFETY: as for bytes.
unsafe impl Memory for Vec<f32> {
    fn bytes(&self) -> &[u8] {
        // SAFETY: initialised numbers; bytes need no alignment.
        unsafe { std::slice::from_raw_parts(self.as_ptr().cast(), size_of_val(&self[..])) }
    }
}

/// One allocation with everything that a managed tensor points to, except the elements.
#[repr(C)]
struct Loan<M> {
    managed: abi::DLManagedTensorVersioned,
    shape: Vec<i64>,
    strides: Vec<i64>,
    memory: M,
}

/// A dense tensor over memory that lives until the deleter is called. Copies nothing.
///
/// # Errors
/// The shape does not match the number of bytes, or the bytes are not aligned for the type.
pub fn lend<M: Memory>(dtype: Dtype, shape: Vec<i64>, memory: M) -> Result<Owned, Fault> {
    let bytes = memory.bytes();
    let count = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(usize::try_from(d).ok()?));
    let fits = count.and_then(|n| n.checked_mul(dtype.size())) == Some(bytes.len());
    let aligned = bytes.is_empty() || (bytes.as_ptr() as usize).is_multiple_of(dtype.size());
    if !fits || !aligned {
        let (name, len) = (dtype.name(), bytes.len());
        return Err(Fault::failed(format!("{len} bytes are not a {name} tensor of shape {shape:?}")));
    }
    let strides = dense_strides(&shape);
    let managed = managed(dtype, shape.len(), delete::<M>);
    let loan = Box::into_raw(Box::new(Loan { managed, shape, strides, memory }));
    // SAFETY: just made, and nobody else has it; the pointer is to the whole loan, so that the deleter may free it. The
    // deleter is called once, by whoever holds the tensor.
    unsafe {
        // Only now is the memory at its final address.
        let memory = &(*loan).memory;
        (*loan).managed.dl_tensor.data = memory.bytes().as_ptr().cast_mut().cast();
        (*loan).managed.dl_tensor.shape = (*loan).shape.as_mut_ptr();
        (*loan).managed.dl_tensor.strides = (*loan).strides.as_mut_ptr();
        (*loan).managed.manager_ctx = loan.cast();
        Owned::from_raw(loan.cast()).ok_or_else(|| Fault::failed("a box is null"))
    }
}

unsafe extern "C" fn delete<M: Memory>(managed: *mut abi::DLManagedTensorVersioned) {
    let free = || {
        // SAFETY: called once, with what `lend` leaked.
        unsafe { drop(Box::from_raw((*managed).manager_ctx.cast::<Loan<M>>())) }
    };
    // Memory whose drop panics must not unwind into the caller.
    let _ = catch_unwind(AssertUnwindSafe(free));
}

/// The memory behind a tensor that this side has lent.
///
/// # Safety
/// `raw` was made by [`lend`] with an `M`, in this library, and is alive for `'a`.
pub unsafe fn memory_behind<'a, M: Memory>(raw: abi::Owned) -> &'a M {
    // SAFETY: the caller's promise.
    unsafe { &(*(*raw).manager_ctx.cast::<Loan<M>>()).memory }
}
