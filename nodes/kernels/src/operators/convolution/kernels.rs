//! The three convolutions on the CPU, by its kernels. They are computed as with fixed weights, which are packed once per
//! call here.

use candle_core::{DType, Device, Result, Tensor, bail};

use crate::activation::Activation;
use crate::convolution::{Algorithm, Geometry, Window, correlate, correlate_transposed, weight_gradient};
use crate::element::Element;
use crate::filters::Filters;
use crate::layer::Padding;
use crate::memory::zeros;
use crate::op::Values;
use crate::options::is_portable;
use crate::winograd::Rounding;

/// Whether the kernels compute what `x` is an operand of. They expect that every pixel reaches an output, so that a filter
/// is not smaller than its stride.
pub(super) fn compute(x: &Tensor, filter: [usize; 2], stride: usize) -> bool {
    let skips = filter.iter().any(|size| *size < stride);
    !skips && !is_portable(x.device()) && matches!(x.dtype(), DType::F32 | DType::F64)
}

/// One of the three in the number type of its operands.
#[derive(Clone, Copy)]
pub(super) enum Convolution {
    /// Of a map with weights.
    Forward,
    /// Of a gradient with weights, to a map of this height and width.
    Input([usize; 2]),
    /// Of a map with a gradient, to kernels of this height and width.
    Weight([usize; 2]),
}

impl Convolution {
    /// Of the operands, `[n, c, h, w]` or weights, `[o, c, kh, kw]`, in this order.
    pub(super) fn of(self, a: &Tensor, b: &Tensor, stride: usize, padding: Padding) -> Result<Tensor> {
        let [a, b] = [a.contiguous()?, b.contiguous()?];
        let geometry = Geometry { padding, stride };
        match (a.dtype(), b.dtype()) {
            (DType::F32, DType::F32) => self.run::<f32>(&a, &b, geometry),
            (DType::F64, DType::F64) => self.run::<f64>(&a, &b, geometry),
            (a, b) => bail!("a convolution of {a:?} does not match one of {b:?}"),
        }
    }

    fn run<T: Element>(self, a: &Tensor, b: &Tensor, geometry: Geometry) -> Result<Tensor> {
        let ([a_shape, b_shape], Geometry { padding, stride }) = ([shape(a)?, shape(b)?], geometry);
        let (a, b) = (Values::<T>::of(a)?, Values::<T>::of(b)?);
        let map = Activation::from_nchw(&a, a_shape);
        match self {
            Self::Forward => {
                let filters = Filters::from_oihw(&b, b_shape);
                tensor(&correlate(map.view(), &filters, &Window::new(padding, stride), Rounding::Fine))
            }
            Self::Input([h, w]) => {
                let [outputs, inputs, kh, kw] = b_shape;
                let filters = Filters::from_oihw(&b, b_shape).transposed();
                let algorithm = Algorithm::of_gradient([outputs, inputs], [kh, kw], padding, [h, w]);
                let shape = [a_shape[0], inputs, h, w];
                tensor(&correlate_transposed(algorithm, &map, &filters, padding, stride, shape))
            }
            Self::Weight(kernel) => {
                let [_, outputs, h, w] = b_shape;
                let out = weight_gradient(map.view(), &b, [outputs, h, w], kernel, geometry);
                Tensor::from_vec(out, (outputs, map.c, kernel[0], kernel[1]), &Device::Cpu)
            }
        }
    }
}

fn shape(x: &Tensor) -> Result<[usize; 4]> {
    x.dims4().map(|(n, c, h, w)| [n, c, h, w])
}

fn tensor<T: Element>(map: &Activation<T>) -> Result<Tensor> {
    let mut out = zeros(map.data.len());
    map.write_nchw(&mut out);
    Tensor::from_vec(out, &map.shape()[..], &Device::Cpu)
}
