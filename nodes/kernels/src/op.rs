//! What the custom ops share: the numbers behind candle's tensors.

use candle_core::{CpuStorage, Layout, Result, Storage, Tensor, bail};

use crate::element::Element;

/// The numbers of an operand of a custom op, whose layout is contiguous.
pub(crate) fn operand<'a, T: Element>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [T]> {
    let Some((start, end)) = layout.contiguous_offsets() else {
        bail!("an operator was given a strided tensor")
    };
    Ok(&T::cpu_storage_as_slice(storage)?[start..end])
}

/// Lends the numbers of a tensor to `body`.
pub(crate) fn with_values<T: Element, R>(tensor: &Tensor, body: impl FnOnce(&[T]) -> R) -> Result<R> {
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    let Storage::Cpu(storage) = &*storage else { bail!("the kernels run on the cpu only") };
    Ok(body(operand(storage, layout)?))
}

/// All numbers of a tensor of any floating type, in row-major order.
pub(crate) fn to_f64(tensor: &Tensor) -> Result<Vec<f64>> {
    tensor.to_dtype(candle_core::DType::F64)?.flatten_all()?.to_vec1()
}
