//! Tensors made of other tensors: views where strides allow it, otherwise copies.

use half::{bf16, f16};

use super::Tensor;
use crate::bytes::Bytes;
use crate::dtype::DType;

impl Tensor<'_> {
    /// Numbers that are in no file, in row-major order. `values` must be as many as `shape` says.
    pub(crate) fn of_f32(shape: &[usize], values: &[f32]) -> Self {
        debug_assert_eq!(shape.iter().product::<usize>(), values.len());
        Self::packed(DType::F32, shape, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    /// 0, 1, ... in this shape.
    #[cfg(test)]
    pub(crate) fn counted(shape: &[usize]) -> Self {
        let values: Vec<f32> = (0..shape.iter().product()).map(|value: usize| value as f32).collect();
        Self::of_f32(shape, &values)
    }

    /// Numbers in row-major order, little endian.
    fn packed(dtype: DType, shape: &[usize], bytes: Vec<u8>) -> Self {
        let (shape, strides) = (shape.to_vec(), dense(shape));
        Self { dtype, shape, strides, bytes: Bytes::unpacked(bytes), first: 0, big_endian: false }
    }

    /// A view with the axes in the order `axes`; nothing if these are not all axes.
    pub(crate) fn permuted(&self, axes: &[usize]) -> Option<Self> {
        let mut sorted = axes.to_vec();
        sorted.sort_unstable();
        if !sorted.iter().copied().eq(0..self.shape.len()) {
            return None;
        }
        let shape = axes.iter().map(|axis| self.shape[*axis]).collect();
        let strides = axes.iter().map(|axis| self.strides[*axis]).collect();
        Some(Self { shape, strides, ..self.clone() })
    }

    /// A view that is mirrored along its last two axes; nothing if it has fewer.
    pub(crate) fn mirrored(&self) -> Option<Self> {
        let start = self.shape.len().checked_sub(2)?;
        let mut mirrored = self.clone();
        if self.count() == 0 {
            return Some(mirrored);
        }
        for axis in start..self.shape.len() {
            let last = (self.shape[axis] - 1).cast_signed() * self.strides[axis];
            mirrored.first = mirrored.first.wrapping_add_signed(last);
            mirrored.strides[axis] = -self.strides[axis];
        }
        Some(mirrored)
    }

    /// The same elements in another shape; nothing if it has another number of elements. A copy only if the elements
    /// are not in row-major order and more than axes of size 1 changes.
    pub(crate) fn reshaped(&self, shape: &[usize]) -> Option<Self> {
        let count = shape.iter().try_fold(1usize, |all, size| all.checked_mul(*size))?;
        if count != self.count() {
            return None;
        }
        let shape = shape.to_vec();
        if self.is_row_major() {
            return Some(Self { strides: dense(&shape), shape, first: 0, ..self.clone() });
        }
        let mut kept = self.shape.iter().zip(&self.strides).filter(|(size, _)| **size != 1);
        let strides: Option<Vec<isize>> = shape
            .iter()
            .map(|size| match size {
                1 => Some(0),
                _ => kept.next().filter(|(kept, _)| *kept == size).map(|(_, stride)| *stride),
            })
            .collect();
        let (strides, bytes, first) = match strides {
            Some(strides) if kept.next().is_none() => (strides, self.bytes.clone(), self.first),
            _ => (dense(&shape), Bytes::unpacked(self.gather(self.bytes.as_slice())), 0),
        };
        Some(Self { shape, strides, bytes, first, ..self.clone() })
    }

    /// A view of the first tensor along the first axis; nothing if there is none.
    pub(crate) fn front(&self) -> Option<Self> {
        let (_, shape) = self.shape.split_first().filter(|_| self.count() > 0)?;
        let strides = self.strides[1..].to_vec();
        let steps = shape.iter().zip(&strides).map(|(size, stride)| (size - 1).cast_signed() * stride);
        let (mut low, mut high) = (self.first, self.first);
        for step in steps {
            low = low.wrapping_add_signed(step.min(0));
            high = high.wrapping_add_signed(step.max(0));
        }
        let size = self.dtype.size();
        let bytes = self.bytes.slice(low * size..(high + 1) * size)?;
        Some(Self { shape: shape.to_vec(), strides, bytes, first: self.first - low, ..self.clone() })
    }

    /// A copy with `change` applied to every number. The type stays, if it is one of floats of up to 32 bits.
    pub(crate) fn mapped(&self, change: impl Fn(f32) -> f32) -> Self {
        let values = self.to_f32().into_iter().map(change);
        let (dtype, bytes): (DType, Vec<u8>) = match self.dtype {
            DType::F16 => (DType::F16, values.flat_map(|value| f16::from_f32(value).to_le_bytes()).collect()),
            DType::BF16 => {
                (DType::BF16, values.flat_map(|value| bf16::from_f32(value).to_le_bytes()).collect())
            }
            _ => (DType::F32, values.flat_map(f32::to_le_bytes).collect()),
        };
        Self::packed(dtype, &self.shape, bytes)
    }
}

/// Equal are tensors of the same type and shape with the same bytes, wherever these lie.
impl PartialEq for Tensor<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.dtype == other.dtype && self.shape == other.shape && self.data() == other.data()
    }
}

/// The strides of a row-major tensor.
fn dense(shape: &[usize]) -> Vec<isize> {
    super::dense_strides(shape, false).into_iter().map(usize::cast_signed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::{Storage, View};

    #[test]
    fn axes_are_permuted_and_mirrored_without_a_copy() {
        let whole = Tensor::counted(&[2, 3]);
        let turned = whole.permuted(&[1, 0]).expect("two axes");
        assert_eq!((turned.shape(), turned.to_f32()), (&[3, 2][..], vec![0., 3., 1., 4., 2., 5.]));
        let mirrored = turned.mirrored().expect("two axes");
        assert_eq!(mirrored.to_f32(), [5., 2., 4., 1., 3., 0.]);
        assert_eq!(mirrored.mirrored().expect("two axes").permuted(&[1, 0]), Some(whole.clone()));
        assert!(std::ptr::eq(mirrored.bytes.as_slice(), whole.bytes.as_slice()));
        for axes in [&[0][..], &[0, 0], &[0, 2], &[0, 1, 2]] {
            assert!(whole.permuted(axes).is_none(), "{axes:?}");
        }
        assert!(Tensor::counted(&[3]).mirrored().is_none());
        assert_eq!(Tensor::counted(&[1, 1]).mirrored().expect("two axes").to_f32(), [0.]);
        assert_eq!(Tensor::counted(&[0, 3]).mirrored().expect("two axes").to_f32(), [0f32; 0]);
    }

    #[test]
    fn shapes_change_without_a_copy_where_they_can() {
        let whole = Tensor::counted(&[1, 2, 3]);
        let flat = whole.reshaped(&[6]).expect("6 elements");
        assert_eq!(flat.to_f32(), whole.to_f32());
        let turned = whole.permuted(&[2, 0, 1]).expect("three axes");
        let squeezed = turned.reshaped(&[3, 2, 1]).expect("6 elements");
        assert_eq!(squeezed.to_f32(), [0., 3., 1., 4., 2., 5.]);
        assert!(std::ptr::eq(squeezed.bytes.as_slice(), whole.bytes.as_slice()));
        let copied = turned.reshaped(&[6]).expect("6 elements");
        assert_eq!(copied.to_f32(), squeezed.to_f32());
        let mirrored = whole.mirrored().and_then(|mirrored| mirrored.reshaped(&[2, 3])).expect("6 elements");
        assert_eq!(mirrored.to_f32(), [5., 4., 3., 2., 1., 0.]);
        assert!(whole.reshaped(&[5]).is_none() && whole.reshaped(&[usize::MAX, 2]).is_none());
        assert_eq!(Tensor::counted(&[1]).reshaped(&[]).expect("one element").to_f32(), [0.]);
        assert_eq!(Tensor::counted(&[0, 2]).reshaped(&[2, 0, 7]).expect("no elements").count(), 0);
    }

    #[test]
    fn the_front_is_a_view() {
        let whole = Tensor::counted(&[2, 2, 3]);
        assert_eq!(whole.front().expect("two of them").to_f32(), [0., 1., 2., 3., 4., 5.]);
        let mirrored = whole.mirrored().and_then(|mirrored| mirrored.front()).expect("two of them");
        assert_eq!(mirrored.to_f32(), [5., 4., 3., 2., 1., 0.]);
        let turned = whole.permuted(&[2, 1, 0]).and_then(|turned| turned.front()).expect("three of them");
        assert_eq!(turned.to_f32(), [0., 6., 3., 9.]);
        assert!(Tensor::counted(&[]).front().is_none() && Tensor::counted(&[0, 3]).front().is_none());
    }

    #[test]
    fn strides_that_lead_nowhere_are_no_matter() {
        let storage = Storage { bytes: Bytes::unpacked(vec![1, 2]), dtype: None, big_endian: false };
        let view =
            View { dtype: DType::U8, offset: 0, shape: vec![1, 2, 1], strides: vec![usize::MAX, 1, 1 << 63] };
        let tensor = Tensor::new(&storage, view).expect("inside of its storage");
        assert_eq!(tensor.to_f32(), [1., 2.]);
        assert_eq!(tensor.permuted(&[2, 1, 0]).and_then(|it| it.mirrored()).expect("three axes").count(), 2);
    }

    #[test]
    fn numbers_change_and_small_types_stay() {
        assert_eq!(Tensor::counted(&[2, 2]).mapped(|value| value * 4.).to_f32(), [0., 4., 8., 12.]);
        let half = [0x3c00u16, 0x4000].iter().flat_map(|bits| bits.to_be_bytes()).collect();
        let storage = Storage { bytes: Bytes::unpacked(half), dtype: Some(DType::F16), big_endian: true };
        let view = View { dtype: DType::F16, offset: 0, shape: vec![2], strides: vec![1] };
        let mapped = Tensor::new(&storage, view).expect("a tensor").mapped(|value| value + 1.);
        assert_eq!((mapped.dtype(), mapped.to_f32()), (DType::F16, vec![2., 3.]));
    }
}
