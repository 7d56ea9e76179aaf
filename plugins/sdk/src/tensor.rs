//! candle tensors to and from the ABI.
//!
//! Export shares memory: the managed struct keeps the tensor alive. It is detached first (the gradient of a
//! leaf still carries its graph, which would pin every activation) and made contiguous (a strided gather on
//! the other side is 75 times slower). Import copies, because candle's storage owns its `Vec`. In this
//! version values cross in host memory whatever the device.

use crate::{Error, Result};
use candle_core::op::BackpropOp;
use candle_core::{CpuStorage, DType, Device, Shape, Storage, Tensor};
use dreamwire_socket::{Dtype, Element, Fault, Memory, Owned, TensorView, lend};

fn dtype(dtype: DType) -> Result<Dtype> {
    Ok(match dtype {
        DType::U8 => Dtype::U8,
        DType::U32 => Dtype::U32,
        DType::I64 => Dtype::I64,
        DType::F32 => Dtype::F32,
        DType::F64 => Dtype::F64,
        other => {
            return Err(Error::dtype(
                "",
                format!("tensors of type {other:?} are not supported on wires; convert to f32"),
            ));
        }
    })
}

/// The elements of a contiguous tensor in host memory.
struct Elements {
    base: *const u8,
    len: usize,
    // Owns the memory.
    _tensor: Tensor,
}

// SAFETY: the pointer is into the tensor's storage, which may be used from any thread, as the tensor may.
unsafe impl Send for Elements {}
// SAFETY: as above.
unsafe impl Sync for Elements {}

// SAFETY: the storage of a tensor that nobody can write any more: it is detached, and candle's operations make new ones.
// It is on the heap, so it stays where it is.
unsafe impl Memory for Elements {
    fn bytes(&self) -> &[u8] {
        if self.len == 0 {
            return &[];
        }
        // SAFETY: so many bytes from there on, alive as long as the tensor.
        unsafe { std::slice::from_raw_parts(self.base, self.len) }
    }
}

/// Lends a tensor, or moves it to whoever receives it.
pub(crate) fn export(tensor: &Tensor) -> Result<Owned> {
    // First contiguous: of a part of a device's tensor, all of it would be copied.
    let tensor = tensor.detach().contiguous()?.to_device(&Device::Cpu)?;
    let dtype = dtype(tensor.dtype())?;
    let shape = tensor.dims().iter().map(|&size| size as i64).collect();
    let len = tensor.elem_count() * dtype.size();
    let base: *const u8 = {
        let (storage, layout) = tensor.storage_and_layout();
        let Storage::Cpu(storage) = &*storage else {
            return Err(Error::failed("a tensor moved to host memory is not in host memory"));
        };
        let base: *const u8 = match storage {
            CpuStorage::U8(v) => v.as_ptr(),
            CpuStorage::U32(v) => v.as_ptr().cast(),
            CpuStorage::I64(v) => v.as_ptr().cast(),
            CpuStorage::F32(v) => v.as_ptr().cast(),
            CpuStorage::F64(v) => v.as_ptr().cast(),
            _ => {
                return Err(Error::dtype(
                    "",
                    "tensors of this type are not supported on wires; convert to f32",
                ));
            }
        };
        base.wrapping_add(layout.start_offset() * dtype.size())
    };
    Ok(lend(dtype, shape, Elements { base, len, _tensor: tensor })?)
}

/// Exports several tensors at once; `None` is left out.
pub(crate) fn export_all(tensors: &[Option<&Tensor>]) -> Result<Vec<Option<Owned>>> {
    tensors.iter().map(|tensor| tensor.map(export).transpose()).collect()
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self { said: fault.into(), reported: false }
    }
}

/// The elements of a view, copied once.
fn storage(view: &TensorView<'_>) -> Result<CpuStorage> {
    fn elements<T: Element>(view: &TensorView<'_>, wrap: fn(Vec<T>) -> CpuStorage) -> Option<CpuStorage> {
        view.elements().map(wrap)
    }
    let storage = match view.dtype() {
        Dtype::U8 => elements(view, CpuStorage::U8),
        Dtype::U32 => elements(view, CpuStorage::U32),
        Dtype::I64 => elements(view, CpuStorage::I64),
        Dtype::F32 => elements(view, CpuStorage::F32),
        Dtype::F64 => elements(view, CpuStorage::F64),
    };
    storage.ok_or_else(|| Error::failed("the element type of a tensor does not match its data"))
}

fn leaf(view: &TensorView<'_>, tracked: bool) -> Result<Tensor> {
    // Sizes of a checked view are not negative.
    let shape = Shape::from(view.shape().iter().map(|&size| size as usize).collect::<Vec<_>>());
    Ok(Tensor::from_storage(Storage::Cpu(storage(view)?), shape, BackpropOp::none(), tracked))
}

/// Copies a borrowed tensor.
pub(crate) fn import(view: &TensorView<'_>, device: &Device) -> Result<Tensor> {
    Ok(leaf(view, false)?.to_device(device)?)
}

/// Copies a tensor that was moved here, and ends it.
pub(crate) fn receive(owned: &Owned, device: &Device) -> Result<Tensor> {
    import(&owned.view()?, device)
}

/// Copies a borrowed tensor directly into a leaf that tracks gradients: `Var::from_tensor` would copy it
/// twice.
pub(crate) fn import_variable(view: &TensorView<'_>, device: &Device) -> Result<Tensor> {
    if !device.is_cpu() {
        return Ok(candle_core::Var::from_tensor(&import(view, device)?)?.into_inner());
    }
    leaf(view, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strided_offset_and_scalar_tensors_survive() {
        let t = Tensor::arange(0f32, 24f32, &Device::Cpu).unwrap().reshape((2, 3, 4)).unwrap();
        let empty = t.narrow(0, 0, 0).unwrap();
        for t in
            [t.clone(), t.transpose(0, 2).unwrap(), t.narrow(1, 1, 2).unwrap(), t.sum_all().unwrap(), empty]
        {
            let back = receive(&export(&t).unwrap(), &Device::Cpu).unwrap();
            assert_eq!(back.dims(), t.dims());
            assert_eq!(
                back.flatten_all().unwrap().to_vec1::<f32>().unwrap(),
                t.flatten_all().unwrap().to_vec1::<f32>().unwrap()
            );
        }
    }

    #[test]
    fn a_dense_tensor_is_lent_where_it_lies() {
        let t = Tensor::arange(0f32, 6f32, &Device::Cpu).unwrap();
        let (first, second) = (export(&t).unwrap(), export(&t).unwrap());
        let place = |owned: &Owned| owned.view().unwrap().bytes().unwrap().as_ptr();
        assert_eq!(place(&first), place(&second));
    }
}
