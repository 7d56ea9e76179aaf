use std::sync::LazyLock;

use candle_core::{DType, Device, Result, Tensor, bail};

/// The number type and the device that a network computes with, as libtorch's class of this name. A [`DType`] alone means
/// the CPU.
#[derive(Debug, Clone)]
pub struct TensorOptions {
    /// F32 or F64.
    pub dtype: DType,
    /// Where its weights are, and where its inputs must be.
    pub device: Device,
}

impl From<DType> for TensorOptions {
    fn from(dtype: DType) -> Self {
        Self { dtype, device: Device::Cpu }
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
