//! Access to the numbers of candle's tensors, for the custom ops.

use std::marker::PhantomData;
use std::ops::{Deref, Range};

use candle_core::{CpuStorage, Layout, Result, Storage, StorageRef, Tensor, bail};

use crate::element::Element;

/// The numbers of an operand of a custom op, whose layout is contiguous.
pub(crate) fn operand<'a, T: Element>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [T]> {
    let Some((start, end)) = layout.contiguous_offsets() else {
        bail!("an operator needs contiguous tensors")
    };
    Ok(&T::cpu_storage_as_slice(storage)?[start..end])
}

/// The numbers of a contiguous tensor of this type on the CPU, for as long as the guard lives.
pub(crate) struct Values<'a, T> {
    storage: StorageRef<'a>,
    place: Range<usize>,
    element: PhantomData<T>,
}

impl<'a, T: Element> Values<'a, T> {
    /// Borrows those of `tensor`.
    ///
    /// # Errors
    ///
    /// If it is strided, of another type, or not on the CPU.
    pub(crate) fn of(tensor: &'a Tensor) -> Result<Self> {
        let (storage, layout) = tensor.storage_and_layout();
        let Storage::Cpu(cpu) = &*storage else { bail!("the kernels run on the CPU only") };
        operand::<T>(cpu, layout)?;
        let place = layout.start_offset()..layout.start_offset() + layout.shape().elem_count();
        Ok(Self { storage, place, element: PhantomData })
    }
}

impl<T: Element> Deref for Values<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &*self.storage {
            Storage::Cpu(storage) => {
                let values = T::cpu_storage_as_slice(storage).expect("`of` has seen the type");
                &values[self.place.clone()]
            }
            _ => unreachable!("`of` has seen the device"),
        }
    }
}

/// All numbers of a tensor of any floating type, in row-major order.
pub(crate) fn to_f64(tensor: &Tensor) -> Result<Vec<f64>> {
    tensor.to_dtype(candle_core::DType::F64)?.flatten_all()?.to_vec1()
}
