use dreamwire_sdk::prelude::*;

use crate::objective::{SPLIT, check_weights, layer_weights};
use crate::scalar::{PICTURE_COPIES, PIXEL_BYTES, input_dims, picture};

/// Copies of its layers that an objective has at once: as received, one or two terms, and what their gradients
/// are made of.
const LAYER_COPIES: u64 = 5;

/// FEATURES with a weight for each of their layers.
#[derive(Clone)]
pub(crate) struct OnFeatures {
    function: Function,
    weights: Vec<f64>,
}

impl OnFeatures {
    /// The FEATURES at `port`.
    ///
    /// # Errors
    ///
    /// If there are no layers, or a layer's weight is not a number.
    pub(crate) fn new(function: Function, port: &str) -> Result<Self> {
        let FnSpec { name, outputs, .. } = function.spec();
        if outputs.is_empty() {
            return Err(Error::port(port, format!("`{name}` has no layers")));
        }
        let weights = layer_weights(&function, port)?;
        Ok(Self { function, weights })
    }

    /// As [`OnFeatures::new`], for objectives that use the weights.
    ///
    /// # Errors
    ///
    /// As there, and if all weights are 0.
    pub(crate) fn weighted(function: Function, port: &str) -> Result<Self> {
        let features = Self::new(function, port)?;
        check_weights(&features.function, &features.weights, port)?;
        Ok(features)
    }

    /// One weight per layer.
    pub(crate) fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The shape of its pictures; -1 is free.
    pub(crate) fn dims(&self) -> &[i64] {
        input_dims(self.function.spec())
    }

    /// Its halo, for a function of it that is reduced over positions by `reduction`.
    pub(crate) fn tiles(&self, reduction: TileReduction) -> Option<Tiles> {
        self.function.tiles().map(|tiles| Tiles { reduction, ..tiles })
    }

    /// The memory of a function that reduces the layers of a picture to a number.
    pub(crate) fn peak(&self) -> Option<Peak> {
        let peak = self.function.peak()?;
        let own = peak.outputs.saturating_mul(LAYER_COPIES).saturating_add(PICTURE_COPIES * PIXEL_BYTES);
        let (value, gradient) = (peak.value.saturating_add(own), peak.gradient.saturating_add(own));
        Some(Peak { outputs: 0, value, gradient, ..peak })
    }

    /// The layers in the order of their weights.
    pub(crate) fn layers(&self) -> &[TensorSpec] {
        &self.function.spec().outputs
    }

    /// The index of the layer with this name.
    pub(crate) fn layer(&self, name: &str) -> Option<usize> {
        self.layers().iter().position(|layer| layer.name == name)
    }

    /// The names of the layers, for messages.
    pub(crate) fn layer_names(&self) -> String {
        self.layers().iter().map(|layer| format!("`{}`", layer.name)).collect::<Vec<_>>().join(", ")
    }

    /// Checks that a picture has the channels that the network takes.
    ///
    /// # Errors
    ///
    /// If it does not; names `port`.
    pub(crate) fn check_channels(&self, picture: &Tensor, port: &str) -> Result<()> {
        let (wanted, found) = (self.dims().last().copied().unwrap_or(-1), picture.dim(3)?);
        if wanted > 0 && wanted != found as i64 {
            let name = &self.function.spec().name;
            let message = format!("`{name}` needs pictures with {wanted} channels, `{port}` has {found}");
            let error = Error::shape(port, message);
            return Err(if (wanted, found) == (3, 4) { error.hint(SPLIT) } else { error });
        }
        Ok(())
    }

    /// The layers of a picture, without a gradient.
    ///
    /// # Errors
    ///
    /// Those of the provider of the features.
    pub(crate) fn eval(&self, picture: &Tensor) -> Result<Vec<Tensor>> {
        self.function.eval(&[picture])
    }

    /// The layers of the picture that is a function's only input, as part of candle's graph.
    ///
    /// # Errors
    ///
    /// If it is not the only input; those of the provider of the features.
    pub(crate) fn apply(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
        self.function.apply(picture(x)?)
    }
}
