//! A foreign function as one node of candle's graph.
//!
//! A custom op has one output and one cotangent, so several outputs are flattened and concatenated, then narrowed and
//! reshaped by ordinary candle ops, which carry the gradients back.

use crate::error::through_candle;
use crate::{Error, Function, Result, Tape};
use candle_core::{CpuStorage, CudaStorage, CustomOp1, Layout, MetalStorage, Shape, Storage, Tensor, bail};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Puts a value that is known into the graph, with the tape that pulls gradients back: the same on every device.
struct Pulled {
    /// All outputs, `[N]`, until they are in the graph.
    value: Mutex<Option<Tensor>>,
    shapes: Vec<Shape>,
    tape: Mutex<Tape>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn split(flat: &Tensor, shapes: &[Shape]) -> Result<Vec<Tensor>> {
    let mut start = 0;
    shapes
        .iter()
        .map(|shape| {
            let part = flat.narrow(0, start, shape.elem_count())?.reshape(shape)?;
            start += shape.elem_count();
            Ok(part)
        })
        .collect()
}

impl Pulled {
    /// The value's storage. candle's storage has one owner, so this is a copy; the value itself is dropped.
    fn take(&self) -> candle_core::Result<(Storage, Shape)> {
        let Some(value) = lock(&self.value).take() else { bail!("a function's value was used twice") };
        let (storage, layout) = value.storage_and_layout();
        Ok((storage.try_clone(layout)?, value.shape().clone()))
    }

    fn backward(&self, gradient: &Tensor) -> Result<Option<Tensor>> {
        let gy = split(gradient, &self.shapes)?;
        let gy: Vec<Option<&Tensor>> = gy.iter().map(Some).collect();
        Ok(lock(&self.tape).vjp(&gy)?.into_iter().next().flatten())
    }
}

impl CustomOp1 for Pulled {
    fn name(&self) -> &'static str {
        "foreign-function"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        match self.take()? {
            (Storage::Cpu(storage), shape) => Ok((storage, shape)),
            _ => bail!("the value of a function is not where its input is"),
        }
    }

    fn cuda_fwd(&self, _: &CudaStorage, _: &Layout) -> candle_core::Result<(CudaStorage, Shape)> {
        match self.take()? {
            (Storage::Cuda(storage), shape) => Ok((storage, shape)),
            _ => bail!("the value of a function is not where its input is"),
        }
    }

    fn metal_fwd(&self, _: &MetalStorage, _: &Layout) -> candle_core::Result<(MetalStorage, Shape)> {
        match self.take()? {
            (Storage::Metal(storage), shape) => Ok((storage, shape)),
            _ => bail!("the value of a function is not where its input is"),
        }
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, gradient: &Tensor) -> candle_core::Result<Option<Tensor>> {
        self.backward(gradient).map_err(through_candle)
    }
}

pub(super) fn apply(function: &Function, x: &Tensor) -> Result<Vec<Tensor>> {
    if !x.track_op() {
        return function.eval(&[x]);
    }
    let (y, tape) = function.linearise(&[x], 1)?;
    let shapes: Vec<Shape> = y.iter().map(|y| y.shape().clone()).collect();
    let flat = y.into_iter().map(|y| y.flatten_all()).collect::<candle_core::Result<Vec<_>>>()?;
    if flat.is_empty() {
        return Err(Error::failed(format!("{} returned no tensor", function.ty())));
    }
    let value = Mutex::new(Some(Tensor::cat(&flat, 0)?));
    drop(flat);
    let flat = x.apply_op1(Pulled { value, shapes: shapes.clone(), tape: Mutex::new(tape) })?;
    split(&flat, &shapes)
}
