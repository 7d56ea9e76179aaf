//! Feature extractors: frozen networks with named layers.
//!
//! [`crate::vgg`], [`crate::googlenet`] and [`crate::squeezenet`] build them. A picture is `[B, H, W, 3]` in
//! 0..1; a layer is `[B, C, h, w]`, or `[B, C, 1, 1]` where it is the mean over all positions (`logits`).

use std::sync::Arc;

use candle_core::{Result, Tensor, bail};
use dreamwire_kernels::{Peak, Stack};

use crate::parameters::ParameterError;

mod batch_norm;
mod builder;
mod known;
mod layer;
mod layer_list;
mod normalisation;
mod reach;

pub(crate) use batch_norm::folded;
pub(crate) use builder::{Builder, Map};
pub(crate) use known::take;
pub use layer::Layer;
pub use layer_list::{LayerListError, layer_entries, layer_indices};
pub use normalisation::Normalisation;
pub use reach::Reach;

/// A frozen network with named layers. Cloning shares the weights.
///
/// It computes in f64 if its weights are f64, in f32 otherwise.
#[derive(Clone)]
pub struct Extractor {
    name: &'static str,
    normalisation: Normalisation,
    stack: Stack,
    layers: Arc<[Layer]>,
}

impl Extractor {
    /// Which network it is: `vgg16`, `vgg19`, `vgg16_bn`, `vgg19_bn`, `vgg_normalised` (the encoder of
    /// pytorch-AdaIN), `googlenet` or `squeezenet1_1`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// All named layers, from the picture upwards.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The layer of that name.
    pub fn layer(&self, name: &str) -> Option<&Layer> {
        self.layers.iter().find(|layer| layer.name() == name)
    }

    /// Parses `"relu4_3:1, relu5_1:0.5, conv3_2"`: layers with weights, 1 by default.
    ///
    /// # Errors
    ///
    /// If a name is unknown (with all names, and the nearest) or repeated, a weight is not a finite number,
    /// or there is no layer.
    pub fn parse_layers(&self, text: &str) -> std::result::Result<Vec<(Layer, f64)>, LayerListError> {
        let names: Vec<&str> = self.layers.iter().map(Layer::name).collect();
        let layers = layer_indices(text, &names)?;
        Ok(layers.into_iter().map(|(index, weight)| (self.layers[index].clone(), weight)).collect())
    }

    /// The outputs of `layers` for pictures `[B, H, W, 3]` in 0..1: [`Extractor::normalise`], then
    /// [`Extractor::apply`].
    ///
    /// # Errors
    ///
    /// As these two.
    pub fn features(&self, image: &Tensor, layers: &[Layer]) -> Result<Vec<Tensor>> {
        self.apply(&self.normalise(image)?, layers)
    }

    /// From pictures `[B, H, W, 3]` in 0..1 to the network's input, `[B, 3, H, W]`.
    ///
    /// # Errors
    ///
    /// If `image` does not have three channels in its last dimension.
    pub fn normalise(&self, image: &Tensor) -> Result<Tensor> {
        self.normalisation.apply(image, self.name)
    }

    /// The outputs of `layers` for `x`, `[B, 3, H, W]` as returned by [`Extractor::normalise`]. One pass
    /// computes all of them and only what they need; they are differentiable with respect to `x`.
    ///
    /// # Errors
    ///
    /// If `x` is smaller than [`Extractor::minimum_size`], of another number type than the network, or on
    /// another device; if `layers` is empty or names a layer of another network.
    pub fn apply(&self, x: &Tensor, layers: &[Layer]) -> Result<Vec<Tensor>> {
        if let Some(other) = layers.iter().find(|layer| !self.layers.contains(layer)) {
            bail!("{} has no layer `{other}`, which belongs to another network", self.name)
        }
        let taps: Vec<usize> = layers.iter().map(|layer| layer.node).collect();
        let maps = self.stack.apply(x, &taps)?;
        let output = |(layer, map): (&Layer, Tensor)| match layer.field {
            Some(_) => Ok(map),
            None => map.mean_keepdim((2, 3)),
        };
        layers.iter().zip(maps).map(output).collect()
    }

    /// The memory that [`Extractor::features`] needs for a picture of `side` x `side` pixels.
    ///
    /// # Errors
    ///
    /// If that is too small for `layers`, or there are none.
    pub fn peak(&self, side: usize, layers: &[Layer]) -> Result<Peak> {
        /// Copies of the picture that its normalisation makes, one per operation, and their gradients.
        const COPIES: [u64; 2] = [4, 9];
        let taps: Vec<usize> = layers.iter().map(|layer| layer.node).collect();
        let shape = [1, 3, side, side];
        let peak = self.stack.peak(shape, &taps)?;
        let picture = (3 * side * side * self.stack.dtype().size_in_bytes()) as u64;
        let [once, twice] = COPIES.map(|copies| copies * picture);
        Ok(Peak { forward: peak.forward + once, gradient: peak.gradient + twice, ..peak })
    }

    /// The smallest height and width of a picture, in pixels, that reaches all of `layers`.
    pub fn minimum_size(&self, layers: &[Layer]) -> usize {
        let depth = layers.iter().map(|layer| layer.node + 1).max().unwrap_or(0);
        // A few dozen pixels suffice for any network here.
        (1..).find(|size| self.stack.shapes([1, 3, *size, *size], depth).is_ok()).unwrap_or(1)
    }

    /// The receptive field of `layers` together; `None` if one sees the whole picture.
    pub fn reach(&self, layers: &[Layer]) -> Option<Reach> {
        let fields: Option<Vec<_>> = layers.iter().map(|layer| layer.field).collect();
        fields.map(Reach::of)
    }
}

/// An error of candle about the weights of `network`.
pub(crate) fn failed(network: &'static str, error: &candle_core::Error) -> ParameterError {
    ParameterError { network, problems: vec![error.to_string()] }
}
