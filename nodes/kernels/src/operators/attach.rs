//! Values of candle's operators with a vector-Jacobian product of our own.

use std::sync::Mutex;

use candle_core::backend::BackendStorage;
use candle_core::{
    CpuStorage, CudaStorage, CustomOp1, CustomOp2, Layout, MetalStorage, Result, Shape, Storage, Tensor, bail,
};

/// `value` of `x` as an operation of candle's graph whose gradient is `vjp(x, gradient)`.
///
/// `value` is given `x` without its graph, and must not return its storage: tensors of a Metal device share what they
/// copy. `vjp` is given the operand itself, so that its own derivatives exist if it is made of such operations.
pub(crate) fn attach1(
    name: &'static str,
    x: &Tensor,
    value: impl FnOnce(&Tensor) -> Result<Tensor>,
    vjp: impl Fn(&Tensor, &Tensor) -> Result<Tensor> + Send + Sync + 'static,
) -> Result<Tensor> {
    let value = value(&x.detach())?;
    if !x.track_op() {
        return Ok(value);
    }
    x.apply_op1(Attached::new::<1>(name, value, move |[x]: [&Tensor; 1], gradient: &Tensor| {
        Ok([Some(vjp(x, gradient)?)])
    })?)
}

/// As [`attach1`], of two operands. `vjp` returns the gradient of each, `None` for those that need none: see
/// [`tracked`].
pub(crate) fn attach2(
    name: &'static str,
    operands: [&Tensor; 2],
    value: impl FnOnce(&Tensor, &Tensor) -> Result<Tensor>,
    vjp: impl Fn([&Tensor; 2], &Tensor) -> Result<[Option<Tensor>; 2]> + Send + Sync + 'static,
) -> Result<Tensor> {
    let [a, b] = operands;
    let value = value(&a.detach(), &b.detach())?;
    if !operands.iter().any(|operand| operand.track_op()) {
        return Ok(value);
    }
    a.apply_op2(b, Attached::new::<2>(name, value, vjp)?)
}

/// A gradient if `operand` has one: candle itself computes those of constants too, and keeps them.
pub(crate) fn tracked(operand: &Tensor, gradient: impl FnOnce() -> Result<Tensor>) -> Result<Option<Tensor>> {
    operand.track_op().then(gradient).transpose()
}

/// An operation of candle's graph that was computed already.
struct Attached<F> {
    name: &'static str,
    /// Until candle has asked for it, so that it is not kept beside its copy.
    value: Mutex<Option<Tensor>>,
    vjp: F,
}

impl<F> Attached<F> {
    fn new<const N: usize>(name: &'static str, value: Tensor, vjp: F) -> Result<Self>
    where
        F: Fn([&Tensor; N], &Tensor) -> Result<[Option<Tensor>; N]>,
    {
        // Candle takes the storage without its layout.
        let is_whole = value.is_contiguous() && value.layout().start_offset() == 0;
        let value = if is_whole { value } else { value.force_contiguous()? };
        Ok(Self { name, value: Mutex::new(Some(value)), vjp })
    }

    /// A copy of the value's storage, which `select` finds on the device of the operands.
    fn copied<S: BackendStorage>(&self, select: impl FnOnce(&Storage) -> Option<&S>) -> Result<(S, Shape)> {
        let value = self.value.lock().ok().and_then(|mut value| value.take());
        let Some(value) = value else { bail!("{}: computed once, applied twice", self.name) };
        let (storage, layout) = value.storage_and_layout();
        let Some(storage) = select(&storage) else { bail!("{}: operands of several devices", self.name) };
        Ok((storage.try_clone(layout)?, layout.shape().clone()))
    }

    fn on_cpu(&self) -> Result<(CpuStorage, Shape)> {
        self.copied(|storage| match storage {
            Storage::Cpu(storage) => Some(storage),
            _ => None,
        })
    }

    fn on_cuda(&self) -> Result<(CudaStorage, Shape)> {
        self.copied(|storage| match storage {
            Storage::Cuda(storage) => Some(storage),
            _ => None,
        })
    }

    fn on_metal(&self) -> Result<(MetalStorage, Shape)> {
        self.copied(|storage| match storage {
            Storage::Metal(storage) => Some(storage),
            _ => None,
        })
    }
}

impl<F> CustomOp1 for Attached<F>
where
    F: Fn([&Tensor; 1], &Tensor) -> Result<[Option<Tensor>; 1]>,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        self.on_cpu()
    }

    fn cuda_fwd(&self, _: &CudaStorage, _: &Layout) -> Result<(CudaStorage, Shape)> {
        self.on_cuda()
    }

    fn metal_fwd(&self, _: &MetalStorage, _: &Layout) -> Result<(MetalStorage, Shape)> {
        self.on_metal()
    }

    fn bwd(&self, x: &Tensor, _value: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let [x] = (self.vjp)([x], gradient)?;
        Ok(x)
    }
}

impl<F> CustomOp2 for Attached<F>
where
    F: Fn([&Tensor; 2], &Tensor) -> Result<[Option<Tensor>; 2]>,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        self.on_cpu()
    }

    fn cuda_fwd(
        &self,
        _: &CudaStorage,
        _: &Layout,
        _: &CudaStorage,
        _: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        self.on_cuda()
    }

    fn metal_fwd(
        &self,
        _: &MetalStorage,
        _: &Layout,
        _: &MetalStorage,
        _: &Layout,
    ) -> Result<(MetalStorage, Shape)> {
        self.on_metal()
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        _value: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let [a, b] = (self.vjp)([a, b], gradient)?;
        Ok((a, b))
    }
}
