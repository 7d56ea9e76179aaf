//! Conversion of pictures and maps between channels first and channels last.

use candle_core::{CpuStorage, CustomOp1, DType, Layout, Result, Shape, Tensor, bail};

use crate::activation::{to_pixels, to_planes};
use crate::element::Element;
use crate::op::operand;
use crate::operators::layout;
use crate::options::is_portable;

/// `[n, c, h, w]` as `[n, h, w, c]`, f32 or f64. candle's own copy of a permuted tensor computes the index of
/// every single number.
///
/// # Errors
///
/// If `x` has another rank or number type.
pub fn channels_last(x: &Tensor) -> Result<Tensor> {
    check(x)?;
    if is_portable(x.device()) {
        return layout::channels_last(x);
    }
    x.contiguous()?.apply_op1(Turned::ToPixels)
}

/// `[n, h, w, c]` as `[n, c, h, w]`, f32 or f64.
///
/// # Errors
///
/// As [`channels_last`].
pub fn channels_first(x: &Tensor) -> Result<Tensor> {
    check(x)?;
    if is_portable(x.device()) {
        return layout::channels_first(x);
    }
    x.contiguous()?.apply_op1(Turned::ToPlanes)
}

fn check(x: &Tensor) -> Result<()> {
    match x.dtype() {
        DType::F32 | DType::F64 => Ok(()),
        other => bail!("a map must be f32 or f64, found {other:?}"),
    }
}

#[derive(Clone, Copy)]
enum Turned {
    ToPixels,
    ToPlanes,
}

impl Turned {
    fn turn<T: Element>(self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let values = operand(storage, layout)?;
        let mut turned = vec![T::ZERO; values.len()];
        let (n, first, second, third) = layout.shape().dims4()?;
        let shape = match self {
            Turned::ToPixels => {
                to_pixels(values, [n, first, second, third], &mut turned);
                (n, second, third, first)
            }
            Turned::ToPlanes => {
                to_planes(values, [n, third, first, second], &mut turned);
                (n, third, first, second)
            }
        };
        Ok((T::to_cpu_storage_owned(turned), Shape::from(shape)))
    }
}

impl CustomOp1 for Turned {
    fn name(&self) -> &'static str {
        "turned"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        match storage {
            CpuStorage::F32(_) => self.turn::<f32>(storage, layout),
            CpuStorage::F64(_) => self.turn::<f64>(storage, layout),
            _ => bail!("a map must be f32 or f64"),
        }
    }

    fn bwd(&self, _x: &Tensor, _turned: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        match self {
            Turned::ToPixels => channels_first(gradient).map(Some),
            Turned::ToPlanes => channels_last(gradient).map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;

    /// Compared with candle's permutations: both directions and their gradients.
    #[test]
    fn as_permuted() {
        let list = |x: &Tensor| x.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        let random = |shape: &[usize]| Tensor::rand(-1f64, 1.0, shape, &Device::Cpu).unwrap();
        let planes = Var::from_tensor(&random(&[2, 3, 4, 5])).unwrap();
        let pixels = channels_last(&planes).unwrap();
        assert_eq!(pixels.dims(), [2, 4, 5, 3]);
        assert_eq!(list(&pixels), list(&planes.permute((0, 2, 3, 1)).unwrap()));
        let back = channels_first(&pixels).unwrap();
        assert_eq!((back.dims(), list(&back)), (planes.dims(), list(&planes)));
        let weights = random(&[2, 4, 5, 3]);
        let gradients = (&pixels * &weights).unwrap().sum_all().unwrap().backward().unwrap();
        let expected = list(&weights.permute((0, 3, 1, 2)).unwrap());
        assert_eq!(list(gradients.get(&planes).unwrap()), expected);
    }

    #[test]
    fn other_types_are_refused() {
        let bytes = Tensor::zeros((1, 1, 1, 1), candle_core::DType::U8, &Device::Cpu).unwrap();
        let error = channels_last(&bytes).unwrap_err().to_string();
        assert!(error.contains("must be f32 or f64, found U8"), "{error}");
    }
}
