//! Tensors of the engine across the C ABI: used in place, copied only if they are strided or borrowed.

use crate::memory;
use dreamwire_abi as abi;
use dreamwire_engine::{Dtype, Tensor};
use dreamwire_socket::{Fault, Memory, Owned, TensorView};
use std::sync::Arc;

fn dtype(dtype: dreamwire_socket::Dtype) -> Dtype {
    match dtype {
        dreamwire_socket::Dtype::U8 => Dtype::U8,
        dreamwire_socket::Dtype::U32 => Dtype::U32,
        dreamwire_socket::Dtype::I64 => Dtype::I64,
        dreamwire_socket::Dtype::F32 => Dtype::F32,
        dreamwire_socket::Dtype::F64 => Dtype::F64,
    }
}

fn to_socket(dtype: Dtype) -> dreamwire_socket::Dtype {
    match dtype {
        Dtype::U8 => dreamwire_socket::Dtype::U8,
        Dtype::U32 => dreamwire_socket::Dtype::U32,
        Dtype::I64 => dreamwire_socket::Dtype::I64,
        Dtype::F32 => dreamwire_socket::Dtype::F32,
        Dtype::F64 => dreamwire_socket::Dtype::F64,
    }
}

/// A value of the host that is lent to a plugin.
struct Lent(Tensor);

// SAFETY: the engine's tensors are never written, and their bytes never move.
unsafe impl Memory for Lent {
    fn bytes(&self) -> &[u8] {
        self.0.bytes()
    }
}

/// A managed tensor over a tensor of the host. Copies nothing.
pub(crate) fn lend(tensor: &Tensor) -> Result<Owned, Fault> {
    dreamwire_socket::lend(to_socket(tensor.dtype()), tensor.shape().to_vec(), Lent(tensor.clone()))
}

/// The tensor behind a loan.
///
/// # Safety
/// `raw` was made by [`lend`] and is alive.
pub(crate) unsafe fn lent(raw: abi::Owned) -> Tensor {
    // SAFETY: the caller's promise.
    unsafe { dreamwire_socket::memory_behind::<Lent>(raw) }.0.clone()
}

/// Takes a tensor that a plugin moved to the host.
pub(crate) fn take(owned: Owned) -> Result<Tensor, Fault> {
    memory::check(&owned.view()?)?;
    let (dtype_found, shape, bytes) = owned.into_bytes()?;
    Tensor::new(dtype(dtype_found), shape, Arc::new(bytes)).ok_or(Fault {
        status: abi::E_FAILED,
        message: "the sizes of a tensor do not match its data".to_owned(),
    })
}

/// Copies a tensor that a plugin has lent, once.
pub(crate) fn copy(view: &TensorView<'_>) -> Result<Tensor, Fault> {
    memory::check(view)?;
    Tensor::new(dtype(view.dtype()), view.shape().to_vec(), Arc::new(view.to_bytes())).ok_or(Fault {
        status: abi::E_FAILED,
        message: "the sizes of a tensor do not match its data".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loan_comes_back_whole_and_uncopied() {
        let bytes: Arc<[u8]> = Arc::from(&[1u8, 2, 3, 4, 5, 6][..]);
        let tensor = Tensor::new(Dtype::U8, vec![2, 3], Arc::new(bytes)).unwrap();
        let back = take(lend(&tensor).unwrap()).unwrap();
        assert_eq!((back.shape(), back.bytes()), (&[2, 3][..], tensor.bytes()));
        assert_eq!(back.bytes().as_ptr(), tensor.bytes().as_ptr());
        let copied = copy(&lend(&tensor).unwrap().view().unwrap()).unwrap();
        assert_eq!(copied.bytes(), tensor.bytes());
        assert_ne!(copied.bytes().as_ptr(), tensor.bytes().as_ptr());
    }
}
