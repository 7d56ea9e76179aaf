//! Tensors in DLPack's form: the reader and the writer.

mod bytes;
mod lend;
mod owned;
mod view;
mod views;
mod watched;

pub use bytes::Bytes;
pub use lend::{Memory, lend, memory_behind};
pub use owned::Owned;
pub use view::{MAX_TENSOR_BYTES, TensorView};
pub use views::Views;
pub use watched::Watched;

use crate::Dtype;
use dreamwire_abi as abi;

type Deleter = unsafe extern "C" fn(*mut abi::DLManagedTensorVersioned);

/// A read-only tensor of that rank in host memory, with null pointers.
fn managed(dtype: Dtype, rank: usize, deleter: Deleter) -> abi::DLManagedTensorVersioned {
    let dl_tensor = abi::DLTensor {
        data: std::ptr::null_mut(),
        device: abi::DLDevice { device_type: abi::DL_CPU, device_id: 0 },
        ndim: rank as i32,
        dtype: dtype.to_dl(),
        shape: std::ptr::null_mut(),
        strides: std::ptr::null_mut(),
        byte_offset: 0,
    };
    abi::DLManagedTensorVersioned {
        version: abi::DLPackVersion { major: 1, minor: 0 },
        manager_ctx: std::ptr::null_mut(),
        deleter: Some(deleter),
        flags: abi::DL_FLAG_READ_ONLY,
        dl_tensor,
    }
}

/// Strides of a dense row-major tensor, in elements.
fn dense_strides(shape: &[i64]) -> Vec<i64> {
    let mut strides = vec![1i64; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis].saturating_mul(shape[axis].max(1));
    }
    strides
}

#[cfg(test)]
mod tests;
