//! StyleGAN2's convolution, whose weights are fixed and whose styles come with every image.

use std::sync::{Arc, OnceLock};

use candle_core::{CpuStorage, CustomOp2, DType, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use crate::activation::{Activation, View};
use crate::convolution::{Window, correlate};
use crate::demodulation::Energy;
use crate::element::Element;
use crate::filters::Filters;
use crate::layer::Padding;
use crate::op::{operand, with_values};
use crate::transposed::Upsampling;

/// A convolution whose input channels are scaled by the image's styles, and whose outputs are scaled back to unit
/// variance (Karras et al., arXiv:1912.04958, equations 1 and 3), for maps `[n, h, w, c]`:
///
/// ```text
/// y[o] = d[o] * sum_i conv(weight[o, i], styles[i] * x[i])
/// d[o] = rsqrt(sum_{i, k} (styles[i] * weight[o, i, k])^2 + 1e-8),  or 1 without demodulation
/// ```
///
/// Scaling maps instead of weights leaves one convolution for the whole batch. The result knows its gradient with
/// respect to `x` and `styles`. Cloning shares the weights.
#[derive(Clone)]
pub struct ModulatedConv {
    inputs: usize,
    weights: AnyWeights,
}

#[derive(Clone)]
enum AnyWeights {
    F32(Arc<Weights<f32>>),
    F64(Arc<Weights<f64>>),
}

/// Weights in the kernels' layout.
struct Weights<T> {
    geometry: Geometry<T>,
    /// Filters of the way back; made when they are first needed.
    transposed: OnceLock<Filters<T>>,
    energy: Option<Energy>,
    outputs: usize,
}

enum Geometry<T> {
    /// Stride 1, zeros around the picture so that it keeps its size.
    Same(Filters<T>),
    /// Transposed, stride 2.
    Upsampling(Box<Upsampling<T>>),
}

impl ModulatedConv {
    /// A convolution of stride 1 that keeps the size; `weight` is `[o, i, k, k]`, k odd. Computes in `dtype`, F32 or F64.
    ///
    /// # Errors
    ///
    /// If `weight` has another shape, or `dtype` is another type.
    pub fn new(weight: &Tensor, demodulate: bool, dtype: DType) -> Result<Self> {
        let (_, _, kh, kw) = weight.dims4()?;
        if kh != kw || kh % 2 == 0 {
            bail!("a modulated convolution takes square kernels of odd size, found {kh}x{kw}")
        }
        Self::build(weight, demodulate, dtype, false)
    }

    /// A transposed convolution of stride 2, from `[n, h, w, i]` to `[n, 2 h + 1, 2 w + 1, o]`:
    /// `y[2 p + v, 2 q + u] += weight[v, u] * x[p, q]`, as `torch.nn.functional.conv_transpose2d` without padding.
    /// `weight` is `[o, i, 3, 3]`. A low-pass filter (an [`Upfirdn2d`](crate::Upfirdn2d)) follows it in StyleGAN2.
    ///
    /// # Errors
    ///
    /// As [`ModulatedConv::new`].
    pub fn upsampling(weight: &Tensor, demodulate: bool, dtype: DType) -> Result<Self> {
        let (_, _, kh, kw) = weight.dims4()?;
        if (kh, kw) != (3, 3) {
            bail!("an upsampling convolution takes 3x3 kernels, found {kh}x{kw}")
        }
        Self::build(weight, demodulate, dtype, true)
    }

    fn build(weight: &Tensor, demodulate: bool, dtype: DType, is_upsampling: bool) -> Result<Self> {
        if weight.elem_count() == 0 {
            bail!("a modulated convolution without weights: {:?}", weight.dims())
        }
        let weights = match dtype {
            DType::F32 => AnyWeights::F32(Arc::new(Weights::new(weight, demodulate, is_upsampling)?)),
            DType::F64 => AnyWeights::F64(Arc::new(Weights::new(weight, demodulate, is_upsampling)?)),
            other => bail!("a modulated convolution computes in f32 or f64, not {other:?}"),
        };
        Ok(Self { inputs: weight.dim(1)?, weights })
    }

    /// The convolution of `x`, `[n, h, w, i]`, under `styles`, `[n, i]`.
    ///
    /// # Errors
    ///
    /// If a shape or a type is another, or a tensor is not on the CPU.
    pub fn apply(&self, x: &Tensor, styles: &Tensor) -> Result<Tensor> {
        let (n, _, _, c) = x.dims4()?;
        if c != self.inputs || styles.dims() != [n, c] {
            let (inputs, found) = (self.inputs, styles.dims());
            bail!(
                "a modulated convolution of {inputs} channels was given a map {:?} and styles {found:?}",
                x.dims()
            )
        }
        let dtype = match self.weights {
            AnyWeights::F32(_) => DType::F32,
            AnyWeights::F64(_) => DType::F64,
        };
        if x.dtype() != dtype || styles.dtype() != dtype {
            let (x, styles) = (x.dtype(), styles.dtype());
            bail!("a modulated convolution of {dtype:?} was given a map of {x:?} and styles of {styles:?}")
        }
        let (x, styles) = (x.contiguous()?, styles.contiguous()?);
        match &self.weights {
            AnyWeights::F32(weights) => x.apply_op2(&styles, Run(Arc::clone(weights))),
            AnyWeights::F64(weights) => x.apply_op2(&styles, Run(Arc::clone(weights))),
        }
    }
}

impl<T: Element> Weights<T> {
    fn new(weight: &Tensor, demodulate: bool, is_upsampling: bool) -> Result<Self> {
        let (outputs, inputs, kh, kw) = weight.dims4()?;
        let values = weight.to_dtype(T::DTYPE)?.flatten_all()?.to_vec1::<T>()?;
        let geometry = if is_upsampling {
            Geometry::Upsampling(Box::new(Upsampling::from_oihw(&values, [outputs, inputs])))
        } else {
            Geometry::Same(Filters::from_oihw(&values, [outputs, inputs, kh, kw]))
        };
        let energy = demodulate.then(|| Energy::of(&values, inputs, kh * kw));
        Ok(Self { geometry, transposed: OnceLock::new(), energy, outputs })
    }

    fn forward(&self, x: View<'_, T>, styles: &[T]) -> Activation<T> {
        let factors = self.energy.as_ref().map(|energy| energy.factors(styles));
        match &self.geometry {
            Geometry::Upsampling(filters) => filters.apply(x, styles, factors.as_deref()),
            Geometry::Same(filters) => {
                let window = Window {
                    input_scale: Some(styles),
                    output_scale: factors.as_deref(),
                    ..Window::new(Padding::zeros(filters.kh / 2), 1)
                };
                correlate(x, filters, &window)
            }
        }
    }

    /// The gradients by `x` and by the styles, for outputs `y`.
    fn backward(&self, x: View<'_, T>, styles: &[T], y: &[T], gradient: View<'_, T>) -> (Vec<T>, Vec<T>) {
        let factors = self.energy.as_ref().map(|energy| energy.factors(styles));
        let transposed = self.transposed.get_or_init(|| match &self.geometry {
            Geometry::Same(filters) => filters.transposed(),
            Geometry::Upsampling(filters) => filters.transposed(),
        });
        let window = match &self.geometry {
            Geometry::Same(filters) => Window::new(Padding::zeros(filters.kh / 2), 1),
            Geometry::Upsampling(_) => Window::new(Padding::zeros(0), 2),
        };
        let window = Window { input_scale: factors.as_deref(), ..window };
        // By the scaled map; what is left is the scale itself.
        let mut to_x = correlate(gradient, transposed, &window).data;
        let dot = dot_pixels(&to_x, x.data, x.c, x.n);
        let mut to_styles: Vec<T> = dot.iter().map(|sum| T::from_f64(*sum)).collect();
        if let (Some(energy), Some(factors)) = (&self.energy, &factors) {
            let dot = dot_pixels(gradient.data, y, self.outputs, x.n);
            energy.add_gradient(styles, factors, &dot, &mut to_styles);
        }
        let images = to_x.par_chunks_mut(x.image_len().max(1)).zip(styles.par_chunks(x.c.max(1)));
        images.for_each(|(image, styles)| {
            image.par_chunks_mut(PIXELS * x.c).for_each(|pixels| {
                for pixel in pixels.chunks_exact_mut(x.c) {
                    for (value, style) in pixel.iter_mut().zip(styles) {
                        *value *= *style;
                    }
                }
            });
        });
        (to_x.into_vec(), to_styles)
    }
}

/// Pixels per task.
const PIXELS: usize = 256;

/// Sums over pixels of `a * b` per image and channel, `[n, c]`, for two maps `[n, h, w, c]`.
fn dot_pixels<T: Element>(a: &[T], b: &[T], c: usize, n: usize) -> Vec<f64> {
    let image_len = a.len().checked_div(n).unwrap_or(0);
    let mut sums = Vec::with_capacity(n * c);
    for (a, b) in a.chunks_exact(image_len.max(1)).zip(b.chunks_exact(image_len.max(1))) {
        // Every task sums its own pixels in the operands' type; the tasks' sums are added in their order.
        let partial: Vec<Vec<T>> = a
            .par_chunks(PIXELS * c)
            .zip(b.par_chunks(PIXELS * c))
            .map(|(a, b)| {
                let mut sums = vec![T::ZERO; c];
                for (a, b) in a.chunks_exact(c).zip(b.chunks_exact(c)) {
                    for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
                        *sum += *a * *b;
                    }
                }
                sums
            })
            .collect();
        sums.extend((0..c).map(|channel| partial.iter().map(|sums| sums[channel].to_f64()).sum::<f64>()));
    }
    sums
}

/// One application.
struct Run<T>(Arc<Weights<T>>);

impl<T: Element> CustomOp2 for Run<T> {
    fn name(&self) -> &'static str {
        "modulated-conv"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        styles: &CpuStorage,
        styles_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (n, h, w, c) = x_layout.shape().dims4()?;
        let x = View::new(operand(x, x_layout)?, [n, h, w, c]);
        let y = self.0.forward(x, operand(styles, styles_layout)?);
        Ok((T::to_cpu_storage_owned(y.data.into_vec()), Shape::from((y.n, y.h, y.w, y.c))))
    }

    fn bwd(
        &self,
        x: &Tensor,
        styles: &Tensor,
        y: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (n, h, w, c) = x.dims4()?;
        let (_, out_h, out_w, outputs) = y.dims4()?;
        let (to_x, to_styles) = with_values(x, |x: &[T]| {
            with_values(styles, |styles: &[T]| {
                with_values(y, |y: &[T]| {
                    with_values(gradient, |gradient: &[T]| {
                        let gradient = View::new(gradient, [n, out_h, out_w, outputs]);
                        self.0.backward(View::new(x, [n, h, w, c]), styles, y, gradient)
                    })
                })
            })
        })????;
        Ok((
            Some(Tensor::from_vec(to_x, x.shape(), x.device())?),
            Some(Tensor::from_vec(to_styles, styles.shape(), styles.device())?),
        ))
    }
}
