//! Noise, bias and activation in one pass over a map, channels last.

use candle_core::{CpuStorage, CustomOp1, CustomOp2, DType, Layout, Result, Shape, Tensor, WithDType, bail};
use rayon::prelude::*;

use crate::element::Element;
use crate::memory::zeros;
use crate::op::{operand, to_f64, with_values};
use crate::simd::{Job, Lanes};

/// `clamp(gain * leaky_relu(x, slope), -clamp, clamp)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rectifier {
    /// Of the negative side, above 0; 1 is no rectifier at all.
    pub slope: f64,
    /// Above 0.
    pub gain: f64,
    /// Largest size of an output, above 0; beyond it the derivative is 0.
    pub clamp: Option<f64>,
}

/// `y = rectifier(x + noise + bias)` for maps `[n, h, w, c]`, f32 or f64: what StyleGAN2 puts behind every
/// convolution (Karras et al., arXiv:1912.04958, figure 2).
///
/// The gradient is computed from the outputs alone, so a run keeps nothing else.
#[derive(Debug, Clone)]
pub struct BiasAct {
    bias: Vec<f64>,
    rectifier: Rectifier,
}

impl BiasAct {
    /// `bias` is `[c]`.
    ///
    /// # Errors
    ///
    /// If `bias` is empty or has another rank, or the rectifier's numbers are not above 0.
    pub fn new(bias: &Tensor, rectifier: Rectifier) -> Result<Self> {
        if bias.dims1()? == 0 {
            bail!("a bias of no channels")
        }
        let Rectifier { slope, gain, clamp } = rectifier;
        // The sign of an output has to be that of its input.
        if [slope, gain, clamp.unwrap_or(1.0)].iter().any(|number| number.is_nan() || *number <= 0.0) {
            bail!("slope, gain and clamp of a rectifier should be above 0, found {rectifier:?}")
        }
        Ok(Self { bias: to_f64(bias)?, rectifier })
    }

    /// `rectifier(x + bias)` for `x`, `[n, h, w, c]`.
    ///
    /// # Errors
    ///
    /// If `x` has other channels than the bias, is not f32 or f64, or not on the CPU.
    pub fn apply(&self, x: &Tensor) -> Result<Tensor> {
        self.check(x)?;
        x.contiguous()?.apply_op1(self.clone())
    }

    /// `rectifier(x + noise + bias)` for `noise`, `[n or 1, h, w]`, which all channels share. The result knows its
    /// gradient with respect to both.
    ///
    /// # Errors
    ///
    /// As [`BiasAct::apply`], and if `noise` has another size or type than `x`.
    pub fn apply_with_noise(&self, x: &Tensor, noise: &Tensor) -> Result<Tensor> {
        let [n, h, w] = self.check(x)?;
        let (planes, noise_h, noise_w) = noise.dims3()?;
        if (planes != 1 && planes != n) || (noise_h, noise_w) != (h, w) || noise.dtype() != x.dtype() {
            let (found, dtype) = (noise.dims(), noise.dtype());
            bail!(
                "noise of shape [{n} or 1, {h}, {w}] and type {:?} expected, found {found:?} and {dtype:?}",
                x.dtype()
            )
        }
        x.contiguous()?.apply_op2(&noise.contiguous()?, self.clone())
    }

    fn check(&self, x: &Tensor) -> Result<[usize; 3]> {
        let (n, h, w, c) = x.dims4()?;
        if c != self.bias.len() {
            bail!("a bias of {} channels was given a map of {c}", self.bias.len())
        }
        Ok([n, h, w])
    }

    /// `noise` holds one number per pixel of the first images, and starts again after its last.
    fn forward<T: Element>(&self, x: &[T], noise: &[T]) -> Vec<T> {
        let bias: Vec<T> = self.bias.iter().map(|bias| T::from_f64(*bias)).collect();
        let c = bias.len();
        let [slope, gain] = [self.rectifier.slope, self.rectifier.gain].map(T::from_f64);
        let clamp = self.rectifier.clamp.map(T::from_f64);
        let mut out = zeros(x.len());
        let chunks = out.par_chunks_mut(PIXELS * c).zip(x.par_chunks(PIXELS * c)).enumerate();
        chunks.for_each(|(chunk, (out, x))| {
            let first = chunk * PIXELS;
            T::run(Forward { out, x, noise, first, bias: &bias, slope, gain, clamp });
        });
        out
    }

    /// The gradient with respect to `x + noise + bias`.
    fn backward<T: Element>(&self, y: &[T], gradient: &[T]) -> Vec<T> {
        let Rectifier { slope, gain, clamp } = self.rectifier;
        let [positive, negative] = [gain, gain * slope].map(T::from_f64);
        let clamp = T::from_f64(clamp.unwrap_or(f64::INFINITY));
        let mut out = zeros(y.len());
        let chunks = out.par_chunks_mut(CHUNK).zip(y.par_chunks(CHUNK)).zip(gradient.par_chunks(CHUNK));
        chunks.for_each(|((out, y), gradient)| {
            T::run(Backward { out, y, gradient, positive, negative, clamp });
        });
        out
    }

    /// Sums over channels, and over images where they share `planes` numbers of noise.
    fn to_noise<T: Element>(&self, gradient: &[T], planes: usize) -> Vec<T> {
        let mut sums = vec![T::ZERO; planes];
        let c = self.bias.len();
        for image in gradient.chunks_exact((planes * c).max(1)) {
            sums.par_iter_mut().zip(image.par_chunks(c)).with_min_len(PIXELS).for_each(|(sum, pixel)| {
                for value in pixel {
                    *sum += *value;
                }
            });
        }
        sums
    }

    fn to_input<T: Element>(&self, y: &Tensor, gradient: &Tensor) -> Result<Vec<T>> {
        with_values(y, |y: &[T]| with_values(gradient, |gradient| self.backward(y, gradient)))?
    }

    fn to_input_and_noise<T: Element>(
        &self,
        noise: &Tensor,
        y: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let to_input = self.to_input::<T>(y, gradient)?;
        let to_noise =
            Tensor::from_vec(self.to_noise(&to_input, noise.elem_count()), noise.shape(), y.device())?;
        Ok((Some(Tensor::from_vec(to_input, y.shape(), y.device())?), Some(to_noise)))
    }
}

/// Pixels per task: a function of nothing, so that results never depend on the threads.
const PIXELS: usize = 256;
const CHUNK: usize = 1 << 14;

// Plain loops: as jobs they are compiled for the vectors of this CPU.

struct Forward<'a, T> {
    out: &'a mut [T],
    x: &'a [T],
    noise: &'a [T],
    /// The place of the first pixel in the batch.
    first: usize,
    bias: &'a [T],
    slope: T,
    gain: T,
    clamp: Option<T>,
}

impl<T: Element> Job<T> for Forward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Element = T>>(self) {
        let Self { out, x, noise, first, bias, slope, gain, clamp } = self;
        let pixels = out.chunks_exact_mut(bias.len()).zip(x.chunks_exact(bias.len()));
        for (pixel, (out, x)) in pixels.enumerate() {
            let noise = match noise.len() {
                0 => T::ZERO,
                count => noise[(first + pixel) % count],
            };
            for ((out, x), bias) in out.iter_mut().zip(x).zip(bias) {
                let sum = *x + noise + *bias;
                *out = gain * if sum > T::ZERO { sum } else { sum * slope };
            }
            if let Some(clamp) = clamp {
                let least = T::ZERO - clamp;
                for out in out {
                    // Written so that NaN stays NaN.
                    *out = if *out > clamp { clamp } else { *out };
                    *out = if *out < least { least } else { *out };
                }
            }
        }
    }
}

struct Backward<'a, T> {
    out: &'a mut [T],
    y: &'a [T],
    gradient: &'a [T],
    positive: T,
    negative: T,
    clamp: T,
}

impl<T: Element> Job<T> for Backward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Element = T>>(self) {
        for ((out, y), gradient) in self.out.iter_mut().zip(self.y).zip(self.gradient) {
            let slope = if *y > T::ZERO { self.positive } else { self.negative };
            let inside = *y < self.clamp && T::ZERO - *y < self.clamp;
            *out = if inside { *gradient * slope } else { T::ZERO };
        }
    }
}

impl CustomOp1 for BiasAct {
    fn name(&self) -> &'static str {
        "bias-act"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let storage = match x {
            CpuStorage::F32(_) => f32::to_cpu_storage_owned(self.forward(operand(x, layout)?, &[])),
            CpuStorage::F64(_) => f64::to_cpu_storage_owned(self.forward(operand(x, layout)?, &[])),
            _ => bail!("bias-act computes in f32 or f64"),
        };
        Ok((storage, layout.shape().clone()))
    }

    fn bwd(&self, _: &Tensor, y: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let to_input = match y.dtype() {
            DType::F64 => Tensor::from_vec(self.to_input::<f64>(y, gradient)?, y.shape(), y.device()),
            _ => Tensor::from_vec(self.to_input::<f32>(y, gradient)?, y.shape(), y.device()),
        };
        to_input.map(Some)
    }
}

impl CustomOp2 for BiasAct {
    fn name(&self) -> &'static str {
        "noise-bias-act"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        noise: &CpuStorage,
        noise_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let storage = match x {
            CpuStorage::F32(_) => {
                f32::to_cpu_storage_owned(self.forward(operand(x, x_layout)?, operand(noise, noise_layout)?))
            }
            CpuStorage::F64(_) => {
                f64::to_cpu_storage_owned(self.forward(operand(x, x_layout)?, operand(noise, noise_layout)?))
            }
            _ => bail!("bias-act computes in f32 or f64"),
        };
        Ok((storage, x_layout.shape().clone()))
    }

    fn bwd(
        &self,
        _: &Tensor,
        noise: &Tensor,
        y: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        match y.dtype() {
            DType::F64 => self.to_input_and_noise::<f64>(noise, y, gradient),
            _ => self.to_input_and_noise::<f32>(noise, y, gradient),
        }
    }
}
