use std::collections::HashMap;

use candle_core::{Device, Result, Tensor};
use dreamwire_kernels::TensorOptions;

use super::mapping_layers::{MappingLayers, MappingSizes};
use super::randn;
use crate::parameters::placed;

/// The average style in the weights. What rosinality's training saves does not have it.
pub(super) const AVERAGE: &str = "mapping.w_avg";
/// Number of z that w is averaged over where the weights have no average.
const AVERAGED: usize = 4096;
/// The seed of these z.
const SEED: u32 = 0;

/// From random numbers to styles: z, scaled to a mean square of 1, through dense layers, each followed by a
/// leaky ReLU (with a gain of `sqrt(2)`), also the last. In a network with classes z is followed by the class, which a
/// linear layer embeds, scaled to a mean square of 1, too. Cloning shares the weights.
#[derive(Clone)]
pub struct Mapping {
    dense: MappingLayers,
    layers: usize,
    average: Tensor,
}

impl Mapping {
    /// For a synthesis network of `layers` styles, from the tensors of `sizes` and `mapping.w_avg`, among others. Without
    /// that average it is the mean over the z of seed 0 of [`randn`], the same every time, of each class in turn.
    pub(crate) fn new(
        sizes: &MappingSizes,
        tensors: &HashMap<String, Tensor>,
        layers: usize,
        options: &TensorOptions,
    ) -> Result<Self> {
        let dense = MappingLayers::new(sizes, tensors, options)?;
        let average = match tensors.get(AVERAGE) {
            Some(average) => options.place(average)?,
            None => sampled_average(&dense, options)?,
        };
        Ok(Self { dense, layers, average })
    }

    /// Width of z. 0 in a network that makes its styles of the class alone.
    pub fn z_width(&self) -> usize {
        self.dense.z()
    }

    /// The number of classes that pictures may be of; 0 in a network without classes.
    pub fn classes(&self) -> usize {
        self.dense.classes()
    }

    /// Width of one style.
    pub fn w_width(&self) -> usize {
        self.average.elem_count()
    }

    /// Layers of the synthesis network that take a style, `2 log2(resolution) - 2` in StyleGAN2.
    pub fn layers(&self) -> usize {
        self.layers
    }

    /// The average w over many z, `[w]`: the target of truncation. Of all classes together.
    pub fn average(&self) -> &Tensor {
        &self.average
    }

    /// The styles `[B, layers, w]` of `z`, `[B, z]`: the same w for every layer. They are differentiable with
    /// respect to `z`.
    ///
    /// # Errors
    ///
    /// If `z` has another shape or type, or is on another device, and if the network has classes.
    pub fn forward(&self, z: &Tensor) -> Result<Tensor> {
        self.forward_with(z, None)
    }

    /// As [`Mapping::forward`], for classes `c`, `[B, classes]`: 1 for the class of the picture and 0 for the others, or
    /// any weights, between whose classes the result lies. Differentiable with respect to `c`, too.
    ///
    /// Of `z` only the number of rows counts if the network has a width of 0.
    ///
    /// # Errors
    ///
    /// As there, and if `c` is missing or has another shape, or is given to a network without classes.
    pub fn forward_with(&self, z: &Tensor, c: Option<&Tensor>) -> Result<Tensor> {
        let z = (self.z_width() > 0).then_some(z);
        let w = self.dense.forward(z, c)?;
        let (batch, width) = w.dims2()?;
        w.reshape((batch, 1, width))?.broadcast_as((batch, self.layers, width))?.contiguous()
    }

    /// The average w, `[w]`, of `z`, `[B, z]`.
    pub(super) fn mean(&self, z: &Tensor) -> Result<Tensor> {
        self.dense.mean(z)
    }
}

/// The mean of what the layers make of random z, of each class in turn.
fn sampled_average(dense: &MappingLayers, options: &TensorOptions) -> Result<Tensor> {
    let (width, classes) = (dense.z(), dense.classes());
    let z = (width > 0).then(|| {
        let numbers = randn(SEED, AVERAGED * width);
        placed(&Tensor::from_vec(numbers, (AVERAGED, width), &Device::Cpu)?, options)
    });
    let c = (classes > 0).then(|| {
        let numbers =
            (0..AVERAGED * classes).map(|at| f64::from(u8::from((at / classes) % classes == at % classes)));
        let numbers = numbers.collect::<Vec<_>>();
        placed(&Tensor::from_vec(numbers, (AVERAGED, classes), &Device::Cpu)?, options)
    });
    dense.forward(z.transpose()?.as_ref(), c.transpose()?.as_ref())?.mean(0)
}
