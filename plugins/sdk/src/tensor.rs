//! candle tensors to and from DLPack.
//!
//! Export shares memory: the tensor is kept alive by the managed struct. It is detached first (the gradient of a leaf
//! still carries its graph, which would pin every activation) and made contiguous (a strided gather on the other side
//! is 75 times slower). Import copies, because candle's storage owns its `Vec`. In this version values cross in host
//! memory whatever the device.

use crate::{Error, Result};
use candle_core::op::BackpropOp;
use candle_core::{CpuStorage, DType, Device, Shape, Storage, Tensor};
use dreamwire_abi as abi;
use std::ffi::c_void;

const HOST_MEMORY: abi::DLDevice = abi::DLDevice { device_type: abi::DL_CPU, device_id: 0 };

/// The candle device for a call's device.
pub(crate) fn device(device: abi::DLDevice) -> Result<Device> {
    match device.device_type {
        abi::DL_CPU => Ok(Device::Cpu),
        #[cfg(feature = "cuda")]
        abi::DL_CUDA => Ok(Device::new_cuda(device.device_id.unsigned_abs() as usize)?),
        #[cfg(feature = "metal")]
        abi::DL_METAL => Ok(Device::new_metal(device.device_id.unsigned_abs() as usize)?),
        other => {
            Err(Error::unsupported(format!("this build of the plugin does not run on device type {other}")))
        }
    }
}

fn dtype(dtype: DType) -> Result<abi::DLDataType> {
    let (code, bits) = match dtype {
        DType::U8 => (abi::DL_UINT, 8),
        DType::U32 => (abi::DL_UINT, 32),
        DType::I64 => (abi::DL_INT, 64),
        DType::F32 => (abi::DL_FLOAT, 32),
        DType::F64 => (abi::DL_FLOAT, 64),
        other => {
            return Err(Error::dtype("", format!("tensors of type {other:?} do not cross; convert to f32")));
        }
    };
    Ok(abi::DLDataType { code, bits, lanes: 1 })
}

/// Everything a `DLTensor` points to.
struct Keep {
    shape: Vec<i64>,
    strides: Vec<i64>,
    // Owns the memory; last, as it must outlive nothing but itself.
    _tensor: Tensor,
}

fn describe(tensor: &Tensor) -> Result<(Keep, abi::DLTensor)> {
    let tensor = tensor.detach().to_device(&Device::Cpu)?.contiguous()?;
    let dtype_code = dtype(tensor.dtype())?;
    let (data, offset) = {
        let (storage, layout) = tensor.storage_and_layout();
        let Storage::Cpu(storage) = &*storage else {
            return Err(Error::failed("a tensor moved to host memory is not there"));
        };
        let data: *const c_void = match storage {
            CpuStorage::U8(v) => v.as_ptr().cast(),
            CpuStorage::U32(v) => v.as_ptr().cast(),
            CpuStorage::I64(v) => v.as_ptr().cast(),
            CpuStorage::F32(v) => v.as_ptr().cast(),
            CpuStorage::F64(v) => v.as_ptr().cast(),
            _ => return Err(Error::dtype("", "tensors of this type do not cross; convert to f32")),
        };
        (data, layout.start_offset() * tensor.dtype().size_in_bytes())
    };
    let mut keep = Keep {
        shape: tensor.dims().iter().map(|&d| d as i64).collect(),
        strides: tensor.stride().iter().map(|&s| s as i64).collect(),
        _tensor: tensor,
    };
    let view = abi::DLTensor {
        data: data.cast_mut(),
        device: HOST_MEMORY,
        ndim: keep.shape.len() as i32,
        dtype: dtype_code,
        // Vec buffers do not move when `keep` does.
        shape: keep.shape.as_mut_ptr(),
        strides: keep.strides.as_mut_ptr(),
        byte_offset: offset as u64,
    };
    Ok((keep, view))
}

/// Lends a tensor for the time of `body`.
pub(crate) fn with_view<T>(tensor: &Tensor, body: impl FnOnce(abi::View) -> T) -> Result<T> {
    let (_keep, view) = describe(tensor)?;
    Ok(body(&raw const view))
}

/// Lends several tensors at once; `None` is a null view.
pub(crate) fn with_views<T>(tensors: &[Option<&Tensor>], body: impl FnOnce(&[abi::View]) -> T) -> Result<T> {
    let described = tensors.iter().map(|t| t.map(describe).transpose()).collect::<Result<Vec<_>>>()?;
    let views: Vec<abi::View> =
        described.iter().map(|d| d.as_ref().map_or(std::ptr::null(), |(_, view)| &raw const *view)).collect();
    Ok(body(&views))
}

/// Moves a tensor to whoever receives it.
pub(crate) fn export(tensor: &Tensor) -> Result<abi::Owned> {
    unsafe extern "C" fn delete(managed: *mut abi::DLManagedTensorVersioned) {
        // SAFETY: called once, by the owner, with what `export` leaked; both boxes were made there.
        unsafe {
            let managed = Box::from_raw(managed);
            drop(Box::from_raw(managed.manager_ctx.cast::<Keep>()));
        }
    }
    let (keep, dl_tensor) = describe(tensor)?;
    Ok(Box::into_raw(Box::new(abi::DLManagedTensorVersioned {
        version: abi::DLPackVersion { major: 1, minor: 0 },
        manager_ctx: Box::into_raw(Box::new(keep)).cast(),
        deleter: Some(delete),
        flags: abi::DL_FLAG_READ_ONLY,
        dl_tensor,
    })))
}

/// A tensor that was moved to us; the maker's deleter runs on drop.
pub(crate) struct Managed(abi::Owned);

impl Managed {
    /// # Safety
    /// `owned` is null or a live managed tensor that nobody else will delete.
    pub(crate) unsafe fn new(owned: abi::Owned) -> Result<Self> {
        if owned.is_null() {
            return Err(Error::failed("a call ended well but gave no tensor"));
        }
        Ok(Self(owned))
    }

    /// Gives the tensor away: the receiver deletes it.
    pub(crate) fn into_raw(self) -> abi::Owned {
        std::mem::ManuallyDrop::new(self).0
    }

    /// The tensor, still ours.
    pub(crate) fn raw(&self) -> abi::Owned {
        self.0
    }

    pub(crate) fn view(&self) -> abi::View {
        // SAFETY: alive until drop.
        unsafe { &raw const (*self.0).dl_tensor }
    }

    pub(crate) fn tensor(&self, device: &Device) -> Result<Tensor> {
        // SAFETY: alive until drop.
        unsafe { import(self.view(), device) }
    }

    pub(crate) fn bytes(&self) -> Result<Vec<u8>> {
        let tensor = self.tensor(&Device::Cpu)?;
        if tensor.dtype() != DType::U8 {
            return Err(Error::failed("the host gave a file as something else than bytes"));
        }
        Ok(tensor.flatten_all()?.to_vec1::<u8>()?)
    }
}

impl Drop for Managed {
    fn drop(&mut self) {
        // SAFETY: ours, and dropped once.
        unsafe {
            if let Some(delete) = (*self.0).deleter {
                delete(self.0);
            }
        }
    }
}

fn is_contiguous(shape: &[usize], strides: &[i64]) -> bool {
    let mut expected = 1i64;
    shape.iter().zip(strides).rev().all(|(&size, &stride)| {
        let fits = size == 1 || stride == expected;
        expected *= size as i64;
        fits
    })
}

/// Copies `shape` elements out of strided memory, row-major.
///
/// # Safety
/// Every index inside `shape` leads through `strides` to a readable, aligned `T`.
unsafe fn gather<T: Copy>(base: *const T, shape: &[usize], strides: &[i64]) -> Vec<T> {
    let count: usize = shape.iter().product();
    if is_contiguous(shape, strides) {
        // SAFETY: contiguous, so the elements are `count` in a row.
        return unsafe { std::slice::from_raw_parts(base, count) }.to_vec();
    }
    let mut out = Vec::with_capacity(count);
    let mut index = vec![0usize; shape.len()];
    for _ in 0..count {
        let offset: i64 = index.iter().zip(strides).map(|(&i, &s)| i as i64 * s).sum();
        // SAFETY: the caller's promise.
        out.push(unsafe { *base.offset(offset as isize) });
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    out
}

/// # Safety
/// `view` is null or a live tensor whose shape, strides and data are what they say.
unsafe fn storage(view: abi::View) -> Result<(CpuStorage, Shape)> {
    // SAFETY: null or alive.
    let Some(view) = (unsafe { view.as_ref() }) else {
        return Err(Error::failed("a tensor is missing"));
    };
    if view.device.device_type != abi::DL_CPU {
        return Err(Error {
            status: abi::E_DEVICE,
            ..Error::failed("tensors cross in host memory in this version")
        });
    }
    let rank = usize::try_from(view.ndim).ok().filter(|&n| n <= 16);
    let Some(rank) = rank.filter(|&n| n == 0 || (!view.shape.is_null() && !view.strides.is_null())) else {
        return Err(Error::shape("", "a tensor has no usable shape"));
    };
    let (mut shape, mut strides) = (Vec::with_capacity(rank), Vec::with_capacity(rank));
    for axis in 0..rank {
        // SAFETY: `rank` sizes and strides, neither null.
        let (size, stride) = unsafe { (*view.shape.add(axis), *view.strides.add(axis)) };
        shape.push(
            usize::try_from(size).map_err(|_| Error::shape("", format!("a tensor has the size {size}")))?,
        );
        strides.push(stride);
    }
    let count =
        shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).filter(|&n| n <= isize::MAX as usize / 8);
    if count.is_none() {
        return Err(Error::shape("", format!("a tensor has the shape {shape:?}")));
    }
    if count != Some(0) && view.data.is_null() {
        return Err(Error::failed("a tensor has no data"));
    }
    // SAFETY: `byte_offset` stays inside the allocation, as the maker says.
    let base = unsafe { view.data.cast::<u8>().add(view.byte_offset as usize) };
    macro_rules! gather {
        ($ty:ty, $variant:ident) => {{
            let base = base.cast::<$ty>();
            if !base.is_aligned() {
                return Err(Error::failed("a tensor is not aligned"));
            }
            // SAFETY: shape and strides describe readable memory, as the maker says; alignment was checked.
            let data = if count == Some(0) { Vec::new() } else { unsafe { gather(base, &shape, &strides) } };
            CpuStorage::$variant(data)
        }};
    }
    let storage = match (view.dtype.code, view.dtype.bits, view.dtype.lanes) {
        (abi::DL_FLOAT, 32, 1) => gather!(f32, F32),
        (abi::DL_FLOAT, 64, 1) => gather!(f64, F64),
        (abi::DL_UINT, 8, 1) => gather!(u8, U8),
        (abi::DL_UINT, 32, 1) => gather!(u32, U32),
        (abi::DL_INT, 64, 1) => gather!(i64, I64),
        (code, bits, lanes) => {
            return Err(Error::dtype("", format!("a tensor has the element type ({code}, {bits}, {lanes})")));
        }
    };
    Ok((storage, Shape::from(shape)))
}

/// Copies a borrowed tensor.
///
/// # Safety
/// As [`storage`].
pub(crate) unsafe fn import(view: abi::View, device: &Device) -> Result<Tensor> {
    // SAFETY: the caller's promise.
    let (storage, shape) = unsafe { storage(view) }?;
    let tensor = Tensor::from_storage(Storage::Cpu(storage), shape, BackpropOp::none(), false);
    Ok(tensor.to_device(device)?)
}

/// Copies a borrowed tensor straight into a leaf that tracks gradients: `Var::from_tensor` would copy it twice.
///
/// # Safety
/// As [`storage`].
pub(crate) unsafe fn import_variable(view: abi::View, device: &Device) -> Result<Tensor> {
    if !device.is_cpu() {
        // SAFETY: the caller's promise.
        let tensor = unsafe { import(view, device) }?;
        return Ok(candle_core::Var::from_tensor(&tensor)?.into_inner());
    }
    // SAFETY: the caller's promise.
    let (storage, shape) = unsafe { storage(view) }?;
    Ok(Tensor::from_storage(Storage::Cpu(storage), shape, BackpropOp::none(), true))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(tensor: &Tensor) -> Tensor {
        let owned = export(tensor).unwrap();
        // SAFETY: just exported, deleted by `Managed` alone.
        unsafe { Managed::new(owned) }.unwrap().tensor(&Device::Cpu).unwrap()
    }

    #[test]
    fn strided_offset_and_scalar_tensors_survive() {
        let t = Tensor::arange(0f32, 24f32, &Device::Cpu).unwrap().reshape((2, 3, 4)).unwrap();
        for t in [t.clone(), t.transpose(0, 2).unwrap(), t.narrow(1, 1, 2).unwrap(), t.sum_all().unwrap()] {
            let back = round_trip(&t);
            assert_eq!(back.dims(), t.dims());
            assert_eq!(
                back.flatten_all().unwrap().to_vec1::<f32>().unwrap(),
                t.flatten_all().unwrap().to_vec1::<f32>().unwrap()
            );
        }
    }

    #[test]
    fn a_strided_view_is_gathered() {
        let data = [0f32, 1., 2., 3., 4., 5.];
        let (mut shape, mut strides) = ([3i64, 2], [1i64, 3]);
        let view = abi::DLTensor {
            data: data.as_ptr().cast_mut().cast(),
            device: HOST_MEMORY,
            ndim: 2,
            dtype: abi::F32,
            shape: shape.as_mut_ptr(),
            strides: strides.as_mut_ptr(),
            byte_offset: 0,
        };
        // SAFETY: the view describes `data`.
        let t = unsafe { import(&raw const view, &Device::Cpu) }.unwrap();
        assert_eq!(t.to_vec2::<f32>().unwrap(), [[0., 3.], [1., 4.], [2., 5.]]);
    }

    #[test]
    fn lies_are_refused() {
        let data = [0f32; 4];
        let (mut shape, mut strides) = ([-1i64], [1i64]);
        let mut view = abi::DLTensor {
            data: data.as_ptr().cast_mut().cast(),
            device: HOST_MEMORY,
            ndim: 1,
            dtype: abi::F32,
            shape: shape.as_mut_ptr(),
            strides: strides.as_mut_ptr(),
            byte_offset: 0,
        };
        // SAFETY: nothing is read: every lie is found first.
        let refuse =
            |view: &abi::DLTensor| unsafe { import(&raw const *view, &Device::Cpu) }.unwrap_err().to_string();
        assert_eq!(refuse(&view), "a tensor has the size -1");
        let mut shape = [4i64];
        view.shape = shape.as_mut_ptr();
        view.data = std::ptr::null_mut();
        assert_eq!(refuse(&view), "a tensor has no data");
        view.data = data.as_ptr().cast_mut().cast();
        view.byte_offset = 1;
        assert_eq!(refuse(&view), "a tensor is not aligned");
        view.byte_offset = 0;
        view.dtype.bits = 16;
        assert_eq!(refuse(&view), "a tensor has the element type (2, 16, 1)");
        // SAFETY: a null view is an error.
        assert!(unsafe { import(std::ptr::null(), &Device::Cpu) }.is_err());
    }
}
