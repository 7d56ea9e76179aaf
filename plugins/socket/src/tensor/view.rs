use super::Bytes;
use super::bytes::Copied;
use crate::{Dtype, Element, Fault};
use dreamwire_abi as abi;
use std::marker::PhantomData;

const MAX_RANK: i32 = 16;

/// The most bytes that a tensor can have, 1 TiB. DLPack has no length of the buffer, so a wrong shape is noticed only if
/// it is absurd; a host that knows its machine can refuse more.
pub const MAX_TENSOR_BYTES: u64 = 1 << 40;

/// A borrowed tensor whose description is valid. DLPack has no length of the buffer, so only the size of the memory is
/// taken on trust.
pub struct TensorView<'a> {
    dtype: Dtype,
    shape: Vec<i64>,
    strides: Vec<i64>,
    base: *const u8,
    count: usize,
    memory: PhantomData<&'a [u8]>,
}

// SAFETY: it borrows memory that nobody writes while it is borrowed, as the header says.
unsafe impl Send for TensorView<'_> {}
// SAFETY: as above.
unsafe impl Sync for TensorView<'_> {}

impl<'a> TensorView<'a> {
    /// Checks device, element type, rank, shape, strides, data and alignment.
    ///
    /// # Errors
    /// The first fault: `E_DEVICE`, `E_DTYPE`, `E_SHAPE` or `E_FAILED`.
    ///
    /// # Safety
    /// `view` is null, or points to a tensor that lives for `'a` unwritten, whose shape and strides have `ndim` numbers
    /// unless they are null, and whose data is as large as these say unless it is null.
    pub unsafe fn read(view: abi::View) -> Result<Self, Fault> {
        // SAFETY: null or alive.
        let view = unsafe { view.as_ref() }.ok_or_else(|| Fault::failed("a tensor is null"))?;
        let device = view.device.device_type;
        if device != abi::DL_CPU {
            let message = format!("a tensor is on device type {device}; values must be in host memory");
            return Err(Fault::new(abi::E_DEVICE, message));
        }
        let abi::DLDataType { code, bits, lanes } = view.dtype;
        let dtype = Dtype::from_dl(view.dtype).ok_or_else(|| {
            Fault::new(
                abi::E_DTYPE,
                format!("a tensor has the unsupported element type ({code}, {bits}, {lanes})"),
            )
        })?;
        let has_numbers = view.ndim == 0 || !view.shape.is_null() && !view.strides.is_null();
        if !(0..=MAX_RANK).contains(&view.ndim) || !has_numbers {
            let message = format!("a tensor has rank {} and no usable shape", view.ndim);
            return Err(Fault::new(abi::E_SHAPE, message));
        }
        let numbers = |list: *const i64| -> Vec<i64> {
            // SAFETY: `ndim` numbers, non-null; nothing is read for rank 0.
            (0..view.ndim as usize).map(|axis| unsafe { *list.add(axis) }).collect()
        };
        let (shape, strides) = (numbers(view.shape), numbers(view.strides));
        let count = count(&shape)
            .ok_or_else(|| Fault::new(abi::E_SHAPE, format!("a tensor has the invalid shape {shape:?}")))?;
        if count as u64 * dtype.size() as u64 > MAX_TENSOR_BYTES {
            let message = format!("a tensor of shape {shape:?} would have more than 1 TiB");
            return Err(Fault::new(abi::E_SHAPE, message));
        }
        if count > 0 && view.data.is_null() {
            return Err(Fault::failed(format!("a tensor of shape {shape:?} has no data")));
        }
        if count > 0 && !reaches(&shape, &strides, dtype.size()) {
            return Err(Fault::new(abi::E_SHAPE, format!("a tensor has the invalid strides {strides:?}")));
        }
        let base = view.data.cast::<u8>().cast_const().wrapping_add(view.byte_offset as usize);
        if count > 0 && !(base as usize).is_multiple_of(dtype.size()) {
            return Err(Fault::failed("the data of a tensor is not aligned"));
        }
        Ok(Self { dtype, shape, strides, base, count, memory: PhantomData })
    }

    /// The element type.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// The sizes.
    pub fn shape(&self) -> &[i64] {
        &self.shape
    }

    /// The number of elements.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The elements in place, if they are dense and row-major.
    pub fn bytes(&self) -> Option<&'a [u8]> {
        if self.count == 0 {
            return Some(&[]);
        }
        // SAFETY: dense, so `count` elements in a row, alive and unwritten for `'a`.
        self.is_dense()
            .then(|| unsafe { std::slice::from_raw_parts(self.base, self.count * self.dtype.size()) })
    }

    /// The elements in place, if they are dense and row-major, and of that type.
    pub fn slice<T: Element>(&self) -> Option<&'a [T]> {
        if T::DTYPE != self.dtype {
            return None;
        }
        if self.count == 0 {
            return Some(&[]);
        }
        // SAFETY: dense, so `count` elements in a row, alive and unwritten for `'a`; aligned, as was checked; every bit
        // pattern is a `T`.
        self.is_dense().then(|| unsafe { std::slice::from_raw_parts(self.base.cast::<T>(), self.count) })
    }

    /// The elements row-major, copied once. `None` if they are of another type.
    pub fn elements<T: Element>(&self) -> Option<Vec<T>> {
        (T::DTYPE == self.dtype).then(|| self.gather::<T>())
    }

    /// A row-major copy of the elements, whatever their type.
    pub fn to_bytes(&self) -> Bytes {
        Bytes::copied(match self.dtype {
            Dtype::U8 => Copied::U8(self.gather()),
            Dtype::U32 | Dtype::F32 => Copied::U32(self.gather()),
            Dtype::I64 | Dtype::F64 => Copied::I64(self.gather()),
        })
    }

    /// Copies the elements in row-major order. `T` must be as large as an element.
    fn gather<T: Element>(&self) -> Vec<T> {
        let base = self.base.cast::<T>();
        if self.count == 0 {
            return Vec::new();
        }
        if self.is_dense() {
            // SAFETY: dense, so `count` elements in a row; aligned, as was checked; every bit pattern is a `T`.
            return unsafe { std::slice::from_raw_parts(base, self.count) }.to_vec();
        }
        let mut out = Vec::with_capacity(self.count);
        let mut index = vec![0i64; self.shape.len()];
        for _ in 0..self.count {
            let offset: i64 = index.iter().zip(&self.strides).map(|(i, s)| i * s).sum();
            // SAFETY: an index inside the shape, so an element of the tensor.
            out.push(unsafe { *base.offset(offset as isize) });
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

    pub(super) fn is_dense(&self) -> bool {
        let mut expected = 1i64;
        self.shape.iter().zip(&self.strides).rev().all(|(&size, &stride)| {
            let fits = size == 1 || stride == expected;
            expected = expected.saturating_mul(size);
            fits || self.count == 0
        })
    }
}

/// The number of elements, if all of them fit into memory.
fn count(shape: &[i64]) -> Option<usize> {
    let count = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(usize::try_from(d).ok()?))?;
    (count <= isize::MAX as usize / 8).then_some(count)
}

/// Whether all offsets are within the largest tensor. No size may be 0.
fn reaches(shape: &[i64], strides: &[i64], size: usize) -> bool {
    let furthest = shape.iter().zip(strides).try_fold(0i64, |sum, (&size, &stride)| {
        sum.checked_add((size - 1).checked_mul(stride.checked_abs()?)?)
    });
    furthest.is_some_and(|furthest| furthest as u64 <= MAX_TENSOR_BYTES / size as u64)
}
