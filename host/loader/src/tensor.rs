//! Tensors across the C ABI: wrapped where they lie, checked before anything else sees them.

use dreamwire_abi as abi;
use dreamwire_engine::{Dtype, Tensor};
use std::sync::Arc;

const MAX_RANK: i32 = 16;

fn dtype(dtype: abi::DLDataType) -> Result<Dtype, String> {
    match (dtype.code, dtype.bits, dtype.lanes) {
        (abi::DL_UINT, 8, 1) => Ok(Dtype::U8),
        (abi::DL_UINT, 32, 1) => Ok(Dtype::U32),
        (abi::DL_INT, 64, 1) => Ok(Dtype::I64),
        (abi::DL_FLOAT, 32, 1) => Ok(Dtype::F32),
        (abi::DL_FLOAT, 64, 1) => Ok(Dtype::F64),
        (code, bits, lanes) => Err(format!("a tensor has the element type ({code}, {bits}, {lanes})")),
    }
}

fn dl_dtype(dtype: Dtype) -> abi::DLDataType {
    let (code, bits) = match dtype {
        Dtype::U8 => (abi::DL_UINT, 8),
        Dtype::U32 => (abi::DL_UINT, 32),
        Dtype::I64 => (abi::DL_INT, 64),
        Dtype::F32 => (abi::DL_FLOAT, 32),
        Dtype::F64 => (abi::DL_FLOAT, 64),
    };
    abi::DLDataType { code, bits, lanes: 1 }
}

/// A view whose numbers make sense. DLPack carries no buffer length, so that the memory is there is all that is
/// believed.
struct Sane {
    dtype: Dtype,
    shape: Vec<i64>,
    strides: Vec<i64>,
    base: *const u8,
    count: usize,
}

impl Sane {
    /// # Safety
    /// `view` is null or points to a live tensor.
    unsafe fn read(view: abi::View) -> Result<Self, String> {
        // SAFETY: null or alive.
        let Some(view) = (unsafe { view.as_ref() }) else { return Err("a tensor is null".to_owned()) };
        if view.device.device_type != abi::DL_CPU {
            return Err(format!(
                "a tensor is on device type {}; values cross in host memory",
                view.device.device_type
            ));
        }
        let dtype = dtype(view.dtype)?;
        if !(0..=MAX_RANK).contains(&view.ndim)
            || view.ndim > 0 && (view.shape.is_null() || view.strides.is_null())
        {
            return Err(format!("a tensor has the rank {} and no usable shape", view.ndim));
        }
        let read = |list: *const i64| -> Vec<i64> {
            // SAFETY: `ndim` numbers, non-null; nothing is read for rank 0.
            (0..view.ndim as usize).map(|axis| unsafe { *list.add(axis) }).collect()
        };
        let (shape, strides) = (read(view.shape), read(view.strides));
        let count = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(usize::try_from(d).ok()?));
        let count = count
            .filter(|&n| n <= isize::MAX as usize / 8)
            .ok_or(format!("a tensor has the shape {shape:?}"))?;
        if count > 0 && view.data.is_null() {
            return Err(format!("a tensor of shape {shape:?} has no data"));
        }
        let base = view.data.cast::<u8>().cast_const().wrapping_add(view.byte_offset as usize);
        if count > 0 && base.align_offset(dtype.size()) != 0 {
            return Err("the data of a tensor is not aligned".to_owned());
        }
        Ok(Self { dtype, shape, strides, base, count })
    }

    fn is_dense(&self) -> bool {
        let mut expected = 1i64;
        self.shape.iter().zip(&self.strides).rev().all(|(&size, &stride)| {
            let fits = size == 1 || stride == expected;
            expected = expected.saturating_mul(size);
            fits || self.count == 0
        })
    }

    /// # Safety
    /// Shape and strides describe readable memory.
    unsafe fn gather(&self) -> Vec<u8> {
        let size = self.dtype.size();
        let mut out = Vec::with_capacity(self.count * size);
        if self.count == 0 {
            return out;
        }
        if self.is_dense() {
            // SAFETY: dense, so `count` elements in a row.
            out.extend_from_slice(unsafe { std::slice::from_raw_parts(self.base, self.count * size) });
            return out;
        }
        let mut index = vec![0i64; self.shape.len()];
        for _ in 0..self.count {
            let offset: i64 = index.iter().zip(&self.strides).map(|(i, s)| i * s).sum();
            // SAFETY: an index inside the shape.
            out.extend_from_slice(unsafe {
                std::slice::from_raw_parts(self.base.offset(offset as isize * size as isize), size)
            });
            for axis in (0..index.len()).rev() {
                index[axis] += 1;
                if index[axis] < self.shape[axis] {
                    break;
                }
                index[axis] = 0;
            }
        }
        out
    }
}

/// Bytes aligned for every element type.
struct Aligned {
    words: Vec<u64>,
    len: usize,
}

impl Aligned {
    fn new(bytes: &[u8]) -> Self {
        let words = bytes.chunks(8).map(|chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            u64::from_ne_bytes(word)
        });
        Self { words: words.collect(), len: bytes.len() }
    }
}

impl AsRef<[u8]> for Aligned {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: `len` initialised bytes lie in the words; bytes need no alignment.
        unsafe { std::slice::from_raw_parts(self.words.as_ptr().cast(), self.len) }
    }
}

/// Copies a borrowed tensor.
///
/// # Safety
/// `view` is null or alive, and its shape and strides describe readable memory.
pub(crate) unsafe fn copy(view: abi::View) -> Result<Tensor, String> {
    // SAFETY: the caller's promise.
    let (sane, bytes) = unsafe {
        let sane = Sane::read(view)?;
        let bytes = sane.gather();
        (sane, bytes)
    };
    let aligned = Arc::new(Aligned::new(&bytes));
    Tensor::new(sane.dtype, sane.shape, aligned)
        .ok_or_else(|| "a tensor's sizes do not fit its data".to_owned())
}

/// A tensor that was moved to the host and is used where it lies.
struct Foreign {
    owned: abi::Owned,
    base: *const u8,
    len: usize,
}

// SAFETY: immutable memory; deleters are called once, from whichever thread drops the last value, as the header says.
unsafe impl Send for Foreign {}
// SAFETY: as above.
unsafe impl Sync for Foreign {}

impl AsRef<[u8]> for Foreign {
    fn as_ref(&self) -> &[u8] {
        if self.len == 0 {
            return &[];
        }
        // SAFETY: dense memory of this length, alive until the deleter runs in drop.
        unsafe { std::slice::from_raw_parts(self.base, self.len) }
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        // SAFETY: moved to the host, deleted once.
        unsafe { delete(self.owned) };
    }
}

/// # Safety
/// `owned` is null or a managed tensor that was moved to the host and not deleted yet.
pub(crate) unsafe fn delete(owned: abi::Owned) {
    // SAFETY: the caller's promise.
    unsafe {
        if !owned.is_null()
            && let Some(deleter) = (*owned).deleter
        {
            deleter(owned);
        }
    }
}

/// Takes over a tensor that a plugin moved to the host.
///
/// # Safety
/// `owned` is null or a managed tensor that is now the host's.
pub(crate) unsafe fn take(owned: abi::Owned) -> Result<Tensor, String> {
    if owned.is_null() {
        return Err("a tensor is null".to_owned());
    }
    // SAFETY: non-null and ours; its version comes first.
    unsafe {
        let major = (*owned).version.major;
        if major != 1 {
            // DLPack puts the deleter where every major has it.
            delete(owned);
            return Err(format!("a tensor is of DLPack {major}, this host reads 1"));
        }
        let sane = match Sane::read(&raw const (*owned).dl_tensor) {
            Ok(sane) => sane,
            Err(why) => {
                delete(owned);
                return Err(why);
            }
        };
        if !sane.is_dense() {
            let copied = copy(&raw const (*owned).dl_tensor);
            delete(owned);
            return copied;
        }
        let foreign = Foreign { owned, base: sane.base, len: sane.count * sane.dtype.size() };
        Tensor::new(sane.dtype, sane.shape, Arc::new(foreign))
            .ok_or_else(|| "a tensor's sizes do not fit its data".to_owned())
    }
}

/// What a tensor on loan points to.
struct Loan {
    shape: Vec<i64>,
    strides: Vec<i64>,
    _tensor: Tensor,
}

/// A managed tensor over a value of the host; the receiver, or for a borrowed input the host, deletes it.
pub(crate) fn lend(tensor: &Tensor) -> abi::Owned {
    unsafe extern "C" fn end(owned: *mut abi::DLManagedTensorVersioned) {
        // SAFETY: both boxes were leaked below; called once.
        unsafe {
            let owned = Box::from_raw(owned);
            drop(Box::from_raw(owned.manager_ctx.cast::<Loan>()));
        }
    }
    let shape = tensor.shape().to_vec();
    let mut strides = vec![1i64; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis].max(1);
    }
    let mut loan = Box::new(Loan { shape, strides, _tensor: tensor.clone() });
    let dl_tensor = abi::DLTensor {
        data: tensor.bytes().as_ptr().cast_mut().cast(),
        device: abi::DLDevice { device_type: abi::DL_CPU, device_id: 0 },
        ndim: loan.shape.len() as i32,
        dtype: dl_dtype(tensor.dtype()),
        shape: loan.shape.as_mut_ptr(),
        strides: loan.strides.as_mut_ptr(),
        byte_offset: 0,
    };
    Box::into_raw(Box::new(abi::DLManagedTensorVersioned {
        version: abi::DLPackVersion { major: 1, minor: 0 },
        manager_ctx: Box::into_raw(loan).cast(),
        deleter: Some(end),
        flags: abi::DL_FLAG_READ_ONLY,
        dl_tensor,
    }))
}

/// A file's bytes as `u8[n]`.
pub(crate) fn lend_bytes(bytes: Arc<Vec<u8>>) -> abi::Owned {
    let shape = vec![bytes.len() as i64];
    match Tensor::new(Dtype::U8, shape, bytes) {
        Some(tensor) => lend(&tensor),
        None => std::ptr::null_mut(),
    }
}

/// The tensor behind a loan of this host.
///
/// # Safety
/// `owned` was made by [`lend`] and is alive.
pub(crate) unsafe fn lent(owned: abi::Owned) -> Tensor {
    // SAFETY: the caller's promise.
    unsafe { (*(*owned).manager_ctx.cast::<Loan>())._tensor.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(values: &[f32], shape: &[i64]) -> Tensor {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_ne_bytes()).collect();
        Tensor::new(Dtype::F32, shape.to_vec(), Arc::new(Aligned::new(&bytes))).unwrap()
    }

    #[test]
    fn a_loan_comes_back_whole() {
        let tensor = floats(&[1., 2., 3., 4., 5., 6.], &[2, 3]);
        // SAFETY: lent and taken once.
        let back = unsafe { take(lend(&tensor)) }.unwrap();
        assert_eq!(back.shape(), [2, 3]);
        assert_eq!(back.bytes(), tensor.bytes());
    }

    #[test]
    fn strided_tensors_are_gathered_and_lies_refused() {
        let tensor = floats(&[0., 1., 2., 3., 4., 5.], &[2, 3]);
        let transposed = |edit: &dyn Fn(&mut abi::DLTensor)| {
            let owned = lend(&tensor);
            // SAFETY: ours alone; shape and strides are two long and swapped together.
            unsafe {
                let view = &mut (*owned).dl_tensor;
                std::slice::from_raw_parts_mut(view.shape, 2).reverse();
                std::slice::from_raw_parts_mut(view.strides, 2).reverse();
                edit(view);
                take(owned)
            }
        };
        let back = transposed(&|_| {}).unwrap();
        assert_eq!(
            (back.shape(), back.bytes()),
            (&[3, 2][..], floats(&[0., 3., 1., 4., 2., 5.], &[6]).bytes())
        );
        let refuse = |edit: &dyn Fn(&mut abi::DLTensor)| transposed(edit).map(drop).unwrap_err();
        assert!(refuse(&|t| t.data = std::ptr::null_mut()).contains("no data"));
        assert!(refuse(&|t| t.byte_offset = 2).contains("not aligned"));
        assert!(refuse(&|t| t.ndim = 99).contains("rank 99"));
        assert!(refuse(&|t| t.dtype.bits = 16).contains("element type"));
        assert!(refuse(&|t| t.device.device_type = 2).contains("device type 2"));
        // SAFETY: writes one of the two sizes.
        assert!(refuse(&|t| unsafe { *t.shape = -3 }).contains("shape [-3, 2]"));
        // SAFETY: as above.
        assert!(refuse(&|t| unsafe { *t.shape = i64::MAX }).contains("shape"));
    }
}
