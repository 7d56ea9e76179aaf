//! Tensors in DLPack's form: one reader, one writer.

mod bytes;
mod lend;
mod owned;
mod view;
mod views;
mod watched;

pub use bytes::Bytes;
pub use lend::{Memory, lend, memory_behind};
pub use owned::Owned;
pub use view::TensorView;
pub use views::Views;
pub use watched::Watched;

use dreamwire_abi as abi;

const HOST_MEMORY: abi::DLDevice = abi::DLDevice { device_type: abi::DL_CPU, device_id: 0 };

/// Strides of a dense tensor, row-major, in elements.
fn dense_strides(shape: &[i64]) -> Vec<i64> {
    let mut strides = vec![1i64; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis].saturating_mul(shape[axis].max(1));
    }
    strides
}

#[cfg(test)]
mod tests;
