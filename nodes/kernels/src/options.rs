use std::sync::LazyLock;

use candle_core::{DType, Device, Result, Tensor, bail};

/// The number type and the device that a network computes with, and whether its weights train, as libtorch's class of this
/// name. A [`DType`] alone means the CPU and fixed weights.
#[derive(Debug, Clone)]
pub struct TensorOptions {
    /// F32 or F64.
    pub dtype: DType,
    /// Where its weights are, and where its inputs must be.
    pub device: Device,
    /// Whether outputs are differentiable with respect to weights that are variables, or depend on some, too. Otherwise
    /// weights are constants, whatever they were before.
    pub requires_grad: bool,
}

impl From<DType> for TensorOptions {
    fn from(dtype: DType) -> Self {
        Self::new(dtype, Device::Cpu)
    }
}

impl TensorOptions {
    /// For fixed weights.
    pub fn new(dtype: DType, device: Device) -> Self {
        Self { dtype, device, requires_grad: false }
    }

    /// A network's own tensor, in its number type and on its device; a constant if weights are fixed. It is converted
    /// where it is, the CPU: Metal has no f64.
    ///
    /// # Errors
    ///
    /// Those of candle.
    pub fn place(&self, tensor: &Tensor) -> Result<Tensor> {
        let tensor = if self.requires_grad { tensor.clone() } else { tensor.detach() };
        tensor.contiguous()?.to_dtype(self.dtype)?.to_device(&self.device)
    }

    /// Which executor a network has. The kernels have no gradients of weights, and theirs of inputs have none themselves.
    pub(crate) fn is_portable(&self) -> bool {
        self.requires_grad || is_portable(&self.device)
    }
}

/// Whether maps on `device` are computed by the portable operators, which are made of candle's own and run on any device,
/// and not by the kernels, which run on the CPU alone. The environment variable `DREAMWIRE_OPERATORS=portable` asks for
/// them on the CPU too, for tests and bug reports.
pub fn is_portable(device: &Device) -> bool {
    static ASKED_FOR: LazyLock<bool> =
        LazyLock::new(|| std::env::var_os("DREAMWIRE_OPERATORS").is_some_and(|choice| choice == "portable"));
    !device.is_cpu() || *ASKED_FOR
}

/// Refuses tensors that are not on `device`, on which `what` computes.
pub(crate) fn check_device(what: &str, device: &Device, tensors: &[&Tensor]) -> Result<()> {
    match tensors.iter().find(|tensor| !tensor.device().same_device(device)) {
        None => Ok(()),
        Some(other) => {
            let [device, other] = [device, other.device()].map(Device::location);
            bail!("{what} on {device:?} does not match a tensor on {other:?}; move it there")
        }
    }
}
