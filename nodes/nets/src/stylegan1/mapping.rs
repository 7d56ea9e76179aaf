use std::f64::consts::SQRT_2;

use candle_core::{Device, Result, Tensor, bail};
use dreamwire_kernels::{Layer, Stack, TensorOptions};

use super::layout::{AVERAGE, Parameters, dense};
use crate::parameters::placed;
use crate::stylegan::{self, SLOPE, randn};

/// Added to the mean square of z.
const EPSILON: f64 = 1e-8;
/// Number of z that w is averaged over.
const AVERAGED: usize = 4096;

/// From random numbers to styles: z, scaled to a mean square of 1, through dense layers, each followed by a leaky ReLU,
/// also the last. Cloning shares the weights.
#[derive(Clone)]
pub struct Mapping {
    stack: Stack,
    depth: usize,
    z_width: usize,
    layers: usize,
    average: Tensor,
}

impl Mapping {
    pub(super) fn new(parameters: &Parameters, layers: usize, options: &TensorOptions) -> Result<Self> {
        let widths = &parameters.layout.mapping;
        let mut stack = Vec::new();
        for index in 0..widths.len() - 1 {
            let tensor = |part| parameters.get(&format!("{}.{part}", dense(index)));
            stack.push(stylegan::dense(tensor("weight_orig"), tensor("bias"), [SQRT_2, 1.0])?);
            stack.push(Layer::LeakyRelu { slope: SLOPE });
        }
        let mut mapping = Self {
            depth: stack.len(),
            stack: Stack::new(&stack, options.clone())?,
            z_width: widths[0],
            layers,
            average: Tensor::zeros(parameters.layout.w_width(), options.dtype, &options.device)?,
        };
        mapping.average = match parameters.layout.average {
            true => placed(parameters.get(AVERAGE), options)?,
            false => mapping.mean(options)?,
        };
        Ok(mapping)
    }

    /// Width of z.
    pub fn z_width(&self) -> usize {
        self.z_width
    }

    /// Width of one style.
    pub fn w_width(&self) -> usize {
        self.average.elem_count()
    }

    /// Layers of the synthesis network that take a style: `2 log2(resolution) - 2`.
    pub fn layers(&self) -> usize {
        self.layers
    }

    /// The average w, `[w]`: the target of truncation. It is that of the file; of one without it, as rosinality's, the mean
    /// over 4096 z, the numbers of the seed 0 of [`randn`], and the same every time.
    pub fn average(&self) -> &Tensor {
        &self.average
    }

    /// The styles `[B, layers, w]` of `z`, `[B, z]`: the same w for every layer. They are differentiable with respect to
    /// `z`.
    ///
    /// # Errors
    ///
    /// If `z` has another shape or type, or is on another device.
    pub fn forward(&self, z: &Tensor) -> Result<Tensor> {
        let z = self.normalise(z)?;
        let (batch, width) = z.dims2()?;
        let w = self.run(&z.reshape((batch, width, 1, 1))?)?;
        let w = w.reshape((batch, 1, self.w_width()))?;
        w.broadcast_as((batch, self.layers, self.w_width()))?.contiguous()
    }

    /// The average over many z.
    fn mean(&self, options: &TensorOptions) -> Result<Tensor> {
        let z = Tensor::from_vec(randn(0, AVERAGED * self.z_width), (AVERAGED, self.z_width), &Device::Cpu)?;
        // As the pixels of one picture, which is faster for many.
        let pixels = self.normalise(&placed(&z, options)?)?.t()?.reshape((1, self.z_width, 1, AVERAGED))?;
        self.run(&pixels)?.reshape((self.w_width(), AVERAGED))?.mean(1)
    }

    /// `z / sqrt(mean(z^2) + 1e-8)`.
    fn normalise(&self, z: &Tensor) -> Result<Tensor> {
        match z.dims() {
            [_, width] if *width == self.z_width => {}
            found => bail!("the mapping needs z of shape [B, {}], found {found:?}", self.z_width),
        }
        let z = z.contiguous()?;
        let power = (z.sqr()?.mean_keepdim(1)? + EPSILON)?;
        z.broadcast_div(&power.sqrt()?)
    }

    fn run(&self, x: &Tensor) -> Result<Tensor> {
        Ok(self.stack.apply(x, &[self.depth - 1])?.swap_remove(0))
    }
}
