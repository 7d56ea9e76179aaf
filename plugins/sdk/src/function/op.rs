//! A foreign function as one candle custom op.
//!
//! A custom op has one output and one cotangent, so several outputs are flattened and concatenated, then narrowed and
//! reshaped by ordinary candle ops, which carry the gradients back.

use crate::error::through_candle;
use crate::{Error, Function, Result, Tape};
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Storage, Tensor};
use std::sync::Mutex;

struct ForeignOp {
    function: Function,
    tracked: bool,
    device: candle_core::Device,
    shapes: std::sync::Arc<Mutex<Vec<Shape>>>,
    tape: Mutex<Option<Tape>>,
}

impl ForeignOp {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = if self.tracked {
            let (y, tape) = self.function.linearise(&[x], 1)?;
            *lock(&self.tape) = Some(tape);
            y
        } else {
            self.function.eval(&[x])?
        };
        *lock(&self.shapes) = y.iter().map(|y| y.shape().clone()).collect();
        let flat = y.iter().map(Tensor::flatten_all).collect::<candle_core::Result<Vec<_>>>()?;
        Ok(Tensor::cat(&flat, 0)?.contiguous()?)
    }

    fn backward(&self, gradient: &Tensor) -> Result<Option<Tensor>> {
        let tape = lock(&self.tape);
        let tape = tape.as_ref().ok_or_else(|| Error::failed("no tape: the forward pass was not tracked"))?;
        let gy = split(gradient, &lock(&self.shapes))?;
        let gy: Vec<Option<&Tensor>> = gy.iter().map(Some).collect();
        Ok(tape.vjp(&gy)?.into_iter().next().flatten())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
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

impl CustomOp1 for ForeignOp {
    fn name(&self) -> &'static str {
        "foreign-function"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        // The storage is borrowed and a tensor owns its data: entering the graph takes this copy.
        let x = Tensor::from_storage(
            Storage::Cpu(storage.clone()),
            Shape::from(storage_len(storage)?),
            candle_core::op::BackpropOp::none(),
            false,
        );
        let (start, end) = layout
            .contiguous_offsets()
            .ok_or_else(|| candle_core::Error::Msg("the input is strided".to_owned()))?;
        let x = x.narrow(0, start, end - start)?.reshape(layout.shape())?.to_device(&self.device)?;
        let y = self.forward(&x).map_err(through_candle)?.to_device(&candle_core::Device::Cpu)?;
        let shape = y.shape().clone();
        let (storage, _) = y.storage_and_layout();
        match &*storage {
            Storage::Cpu(storage) => Ok((storage.clone(), shape)),
            _ => candle_core::bail!("the output is not in host memory"),
        }
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, gradient: &Tensor) -> candle_core::Result<Option<Tensor>> {
        self.backward(gradient).map_err(through_candle)
    }
}

fn storage_len(storage: &CpuStorage) -> candle_core::Result<usize> {
    match storage {
        CpuStorage::F32(v) => Ok(v.len()),
        _ => candle_core::bail!("functions take f32"),
    }
}

pub(super) fn apply(function: &Function, x: &Tensor) -> Result<Vec<Tensor>> {
    let shapes = std::sync::Arc::new(Mutex::new(Vec::new()));
    let op = ForeignOp {
        function: function.clone(),
        tracked: x.track_op(),
        device: x.device().clone(),
        shapes: shapes.clone(),
        tape: Mutex::new(None),
    };
    let flat = x.contiguous()?.apply_op1(op)?;
    let shapes = lock(&shapes).clone();
    split(&flat, &shapes)
}
