//! A tensor as the file has it: a view of a storage, checked once, copied only when its data is asked for.

use std::borrow::Cow;

use half::{bf16, f16};

use crate::bytes::Bytes;
use crate::dtype::DType;

mod derived;

/// As many as PyTorch and NumPy have.
const MAX_RANK: usize = 64;

/// A tensor of a file. It borrows from the file's bytes; a view that is not row-major is put in order by [`data`].
///
/// [`data`]: Tensor::data
#[derive(Clone)]
pub struct Tensor<'a> {
    dtype: DType,
    shape: Vec<usize>,
    /// In elements; negative along a flipped axis, 0 where there is nothing to step to.
    strides: Vec<isize>,
    /// From the element that comes first in memory to the one that comes last.
    bytes: Bytes<'a>,
    /// Where the first element lies in `bytes`, in elements.
    first: usize,
    big_endian: bool,
}

/// Elements of one type, of which tensors are views.
#[derive(Clone)]
pub(crate) struct Storage<'a> {
    pub(crate) bytes: Bytes<'a>,
    /// Nothing if the storage is untyped, so that its tensors say their type.
    pub(crate) dtype: Option<DType>,
    pub(crate) big_endian: bool,
}

/// Where a tensor lies in its storage, in elements.
pub(crate) struct View {
    pub(crate) dtype: DType,
    pub(crate) offset: usize,
    pub(crate) shape: Vec<usize>,
    pub(crate) strides: Vec<usize>,
}

impl<'a> Tensor<'a> {
    /// A view of a storage.
    ///
    /// # Errors
    ///
    /// If it does not lie inside the storage.
    pub(crate) fn new(storage: &Storage<'a>, view: View) -> Result<Self, String> {
        let View { dtype, offset, shape, strides } = view;
        if shape.len() != strides.len() {
            return Err(format!("has {} dimensions and {} strides", shape.len(), strides.len()));
        }
        if shape.len() > MAX_RANK {
            return Err(format!("has {} dimensions, more than {MAX_RANK}", shape.len()));
        }
        let overflow = || format!("has an impossible shape {shape:?}");
        let count = shape.iter().try_fold(1usize, |all, size| all.checked_mul(*size)).ok_or_else(overflow)?;
        count.checked_mul(dtype.size()).ok_or_else(overflow)?;
        let last = if count == 0 {
            Some(0)
        } else {
            let steps = shape.iter().zip(&strides).map(|(size, stride)| (size - 1).checked_mul(*stride));
            steps.chain([Some(1)]).try_fold(0usize, |sum, step| sum.checked_add(step?))
        };
        let range = last.and_then(|last| {
            let start = if count == 0 { 0 } else { offset.checked_mul(dtype.size())? };
            Some(start..last.checked_mul(dtype.size())?.checked_add(start)?)
        });
        let bytes = range.and_then(|range| storage.bytes.slice(range)).ok_or_else(|| {
            let elements = storage.bytes.len() / dtype.size();
            format!(
                "reaches beyond its storage: shape {shape:?}, strides {strides:?} and offset {offset} in \
                 {elements} elements"
            )
        })?;
        // Strides along which the tensor steps fit, because it lies inside the storage.
        let signed = |(size, stride): (&usize, &usize)| match size {
            0 | 1 => 0,
            _ => isize::try_from(*stride).unwrap_or_default(),
        };
        let strides = shape.iter().zip(&strides).map(signed).collect();
        Ok(Self { dtype, shape, strides, bytes, first: 0, big_endian: storage.big_endian })
    }

    /// The type of its elements.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Its sizes, outermost first; none for a scalar.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The number of elements.
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// The number of bytes of [`Tensor::data`].
    pub fn byte_len(&self) -> usize {
        self.count() * self.dtype.size()
    }

    /// Its elements in row-major order, little-endian: borrowed where the file has them so.
    pub fn data(&self) -> Cow<'_, [u8]> {
        let bytes = self.bytes.as_slice();
        if !self.is_row_major() {
            return Cow::Owned(self.swapped(self.gather(bytes)));
        }
        if self.big_endian && self.dtype.size() > 1 {
            return Cow::Owned(self.swapped(bytes.to_vec()));
        }
        Cow::Borrowed(bytes)
    }

    /// Its elements as f32 in row-major order, each rounded to nearest.
    pub fn to_f32(&self) -> Vec<f32> {
        let data = self.data();
        match self.dtype {
            DType::Bool => data.iter().map(|byte| f32::from(u8::from(*byte != 0))).collect(),
            DType::U8 => data.iter().map(|byte| f32::from(*byte)).collect(),
            DType::I8 => each(&data, |bytes| f32::from(i8::from_le_bytes(bytes))),
            DType::U16 => each(&data, |bytes| f32::from(u16::from_le_bytes(bytes))),
            DType::I16 => each(&data, |bytes| f32::from(i16::from_le_bytes(bytes))),
            DType::U32 => each(&data, |bytes| u32::from_le_bytes(bytes) as f32),
            DType::I32 => each(&data, |bytes| i32::from_le_bytes(bytes) as f32),
            DType::U64 => each(&data, |bytes| u64::from_le_bytes(bytes) as f32),
            DType::I64 => each(&data, |bytes| i64::from_le_bytes(bytes) as f32),
            DType::F16 => each(&data, |bytes| f16::from_le_bytes(bytes).to_f32()),
            DType::BF16 => each(&data, |bytes| bf16::from_le_bytes(bytes).to_f32()),
            DType::F32 => each(&data, f32::from_le_bytes),
            DType::F64 => each(&data, |bytes| f64::from_le_bytes(bytes) as f32),
        }
    }

    fn is_row_major(&self) -> bool {
        self.count() == 0 || {
            let mut expected = 1isize;
            self.shape.iter().zip(&self.strides).rev().all(|(size, stride)| {
                let fits = *size == 1 || *stride == expected;
                expected = expected.saturating_mul(size.cast_signed());
                fits
            })
        }
    }

    /// The elements in row-major order, in the file's byte order.
    fn gather(&self, bytes: &[u8]) -> Vec<u8> {
        let size = self.dtype.size();
        let mut out = Vec::with_capacity(self.byte_len());
        let (Some((row, outer)), Some((step, outer_strides))) =
            (self.shape.split_last(), self.strides.split_last())
        else {
            return bytes.to_vec();
        };
        let mut index = vec![0usize; outer.len()];
        loop {
            let steps = index.iter().zip(outer_strides).map(|(at, stride)| at.cast_signed() * stride);
            let base = self.first.wrapping_add_signed(steps.sum());
            if *step == 1 {
                out.extend_from_slice(&bytes[base * size..(base + row) * size]);
            } else {
                for column in 0..*row {
                    let at = base.wrapping_add_signed(column.cast_signed() * step) * size;
                    out.extend_from_slice(&bytes[at..at + size]);
                }
            }
            // The next index, innermost first; after the last one all are 0 again.
            let moved = index.iter_mut().zip(outer).rev().any(|(at, size)| {
                *at = (*at + 1) % size;
                *at != 0
            });
            if !moved {
                return out;
            }
        }
    }

    fn swapped(&self, mut data: Vec<u8>) -> Vec<u8> {
        if self.big_endian {
            data.chunks_exact_mut(self.dtype.size()).for_each(<[u8]>::reverse);
        }
        data
    }
}

/// Applies `convert` to each group of `N` bytes.
fn each<const N: usize>(data: &[u8], convert: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    data.as_chunks::<N>().0.iter().map(|bytes| convert(*bytes)).collect()
}

impl std::fmt::Debug for Tensor<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {:?}", self.dtype.name(), self.shape)
    }
}

/// So that `safetensors::serialize_to_file` takes tensors as they are, and copies one at a time.
impl safetensors::View for &Tensor<'_> {
    fn dtype(&self) -> safetensors::Dtype {
        self.dtype.into()
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Tensor::data(self)
    }

    fn data_len(&self) -> usize {
        self.byte_len()
    }
}

/// The strides of a row-major or column-major array. Wrong if the shape overflows, which [`Tensor::new`] refuses.
pub(crate) fn dense_strides(shape: &[usize], column_major: bool) -> Vec<usize> {
    let mut strides = vec![0; shape.len()];
    let mut step = 1usize;
    let mut put = |axis: usize| {
        strides[axis] = step;
        step = step.saturating_mul(shape[axis]);
    };
    if column_major {
        (0..shape.len()).for_each(&mut put)
    } else {
        (0..shape.len()).rev().for_each(&mut put)
    }
    strides
}
