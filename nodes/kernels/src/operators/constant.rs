use candle_core::{DType, Device, Result, Shape, Tensor};

/// Numbers of an operator, on the device that it computes on. They are rounded to `dtype` before they go
/// there: Metal has no f64.
pub(super) fn constant(
    numbers: Vec<f64>,
    shape: impl Into<Shape>,
    dtype: DType,
    device: &Device,
) -> Result<Tensor> {
    Tensor::from_vec(numbers, shape.into(), &Device::Cpu)?.to_dtype(dtype)?.to_device(device)
}
