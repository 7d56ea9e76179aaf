use std::f64::consts::SQRT_2;

use candle_core::{DType, Result, Tensor, bail};
use dreamwire_kernels::{Layer, Stack};

use super::SLOPE;
use super::layer::dense;
use super::layout::Parameters;

/// Weights are stored multiplied by this factor, which slows down their training.
pub(super) const LEARNING_RATE: f64 = 0.01;
/// Added to the mean square of z.
const EPSILON: f64 = 1e-8;

/// From random numbers to styles: z, scaled to a mean square of 1, through dense layers, each followed by a
/// leaky ReLU (with a gain of `sqrt(2)`), also the last. Cloning shares the weights.
#[derive(Clone)]
pub struct Mapping {
    stack: Stack,
    depth: usize,
    z_width: usize,
    layers: usize,
    average: Tensor,
}

impl Mapping {
    pub(super) fn new(parameters: &Parameters, dtype: DType) -> Result<Self> {
        let layout = &parameters.layout;
        Self::of(|name| parameters.get(name), &layout.mapping, layout.styles(), dtype)
    }

    /// Of the tensors `mapping.*`, for a synthesis of so many `layers`. `widths` are that of z and of every layer's
    /// output. StyleGAN3's mapping is such a one.
    pub(crate) fn of<'a>(
        get: impl Fn(&str) -> &'a Tensor,
        widths: &[usize],
        layers: usize,
        dtype: DType,
    ) -> Result<Self> {
        let mut stack = Vec::new();
        for index in 0..widths.len() - 1 {
            let tensor = |part| get(&format!("mapping.fc{index}.{part}"));
            // The gain commutes with the leaky ReLU.
            let gain = LEARNING_RATE * SQRT_2;
            stack.push(dense(tensor("weight"), tensor("bias"), [gain, gain])?);
            stack.push(Layer::LeakyRelu { slope: SLOPE });
        }
        Ok(Self {
            depth: stack.len(),
            stack: Stack::new(&stack, dtype)?,
            z_width: widths[0],
            layers,
            average: get("mapping.w_avg").to_dtype(dtype)?,
        })
    }

    /// Width of z.
    pub fn z_width(&self) -> usize {
        self.z_width
    }

    /// Width of one style.
    pub fn w_width(&self) -> usize {
        self.average.elem_count()
    }

    /// Layers of the synthesis network that take a style, `2 log2(resolution) - 2` in StyleGAN2.
    pub fn layers(&self) -> usize {
        self.layers
    }

    /// The average w over many z, `[w]`: the target of truncation.
    pub fn average(&self) -> &Tensor {
        &self.average
    }

    /// The styles `[B, layers, w]` of `z`, `[B, z]`: the same w for every layer. They are differentiable with
    /// respect to `z`.
    ///
    /// # Errors
    ///
    /// If `z` has another shape or type, or is not on the CPU.
    pub fn forward(&self, z: &Tensor) -> Result<Tensor> {
        let z = self.normalise(z)?;
        let (batch, width) = z.dims2()?;
        let w = self.run(&z.reshape((batch, width, 1, 1))?)?;
        let w = w.reshape((batch, 1, self.w_width()))?;
        w.broadcast_as((batch, self.layers, self.w_width()))?.contiguous()
    }

    /// The average w, `[w]`, of `z`, `[B, z]`.
    pub(super) fn mean(&self, z: &Tensor) -> Result<Tensor> {
        let (batch, width) = z.dims2()?;
        // As the pixels of one picture, which is faster for many.
        let pixels = self.normalise(z)?.t()?.reshape((1, width, 1, batch))?;
        self.run(&pixels)?.reshape((self.w_width(), batch))?.mean(1)
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
