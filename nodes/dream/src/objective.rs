use dreamwire_sdk::prelude::*;

use crate::prior::is_of_latents;
use crate::scalar::Positions;

/// The hint for a picture with alpha where none can be.
pub(crate) const SPLIT: &str = "put a `SplitImageWithAlpha` node before it, which takes the alpha away";

/// What a dream maximises (or minimises).
pub(crate) struct Objective {
    function: Function,
    /// One weight per output of FEATURES; none for an OBJECTIVE.
    weights: Option<Vec<f64>>,
}

impl Objective {
    /// For pictures of `channels` (negative if unknown) from `port`.
    ///
    /// FEATURES mean the sum over layers of `weight * mean(a^2)`, per image.
    ///
    /// # Errors
    ///
    /// If the function takes pictures of other channels or no pictures, a layer's weight is no number, or all
    /// of them are 0.
    pub(crate) fn new(function: Function, channels: i64, port: &str) -> Result<Self> {
        let spec = function.spec();
        if is_of_latents(spec) {
            let message = format!("`{}` is an objective of latents, not of pictures", spec.name);
            return Err(Error::port("objective", message).hint("connect it to `prior`, and a `generator`"));
        }
        if let Some(wanted) = spec.inputs.first().and_then(|input| input.dims.last().copied())
            && wanted > 0
            && channels > 0
            && wanted != channels
        {
            let name = &spec.name;
            let message = format!("`{name}` needs pictures with {wanted} channels, found {channels}");
            let error = Error::shape(port, message);
            return Err(match (channels, wanted) {
                (4, 3) if port == "image" => error.hint(SPLIT),
                _ => error,
            });
        }
        let weights =
            (function.ty() == "FEATURES").then(|| layer_weights(&function, "objective")).transpose()?;
        if let Some(weights) = &weights {
            check_weights(&function, weights, "objective")?;
        }
        Ok(Self { function, weights })
    }

    /// For messages: `vgg16`.
    pub(crate) fn name(&self) -> &str {
        &self.function.spec().name
    }

    /// Its halo, if it is local.
    pub(crate) fn tiles(&self) -> Option<Tiles> {
        self.function.tiles()
    }

    /// The memory of [`Objective::value_and_gradient`], if it is known.
    pub(crate) fn peak(&self) -> Option<Peak> {
        let peak = self.function.peak()?;
        // The layers, their squares, and what their gradients are made of.
        let own = if self.weights.is_some() { peak.outputs.saturating_mul(4) } else { 0 };
        Some(Peak {
            value: peak.value.saturating_add(own),
            gradient: peak.gradient.saturating_add(own),
            ..peak
        })
    }

    /// Whether it compares the picture with something position by position, so that rolling the picture would
    /// change it.
    pub(crate) fn is_fixed_in_place(&self) -> bool {
        Positions::of(self.function.spec()) == Positions::Fixed
    }

    /// The value, averaged over the batch, and the gradient with respect to the picture `[B,H,W,C]` of each
    /// image's own value.
    ///
    /// # Errors
    ///
    /// Those of the function's provider.
    pub(crate) fn value_and_gradient(&self, image: &Tensor) -> Result<(f64, Tensor)> {
        let batch = image.dim(0)? as f64;
        let Some(weights) = &self.weights else {
            let (value, gradient) = self.function.value_and_grad(image)?;
            return Ok((value / batch, gradient));
        };
        let (activations, tape) = self.function.linearise(&[image], 1)?;
        let (mut value, mut cotangents) = (0.0, Vec::new());
        for (activation, weight) in activations.iter().zip(weights) {
            // d mean(a^2) / da = 2 a / n, with n counted per image: each ascends independently.
            let count = activation.elem_count() as f64 / batch;
            let squares = f64::from(activation.sqr()?.sum_all()?.to_scalar::<f32>()?);
            value += weight * squares / count / batch;
            cotangents.push((activation * (2.0 * weight / count))?);
        }
        drop(activations);
        let cotangents: Vec<Option<&Tensor>> = cotangents.iter().map(Some).collect();
        let gradient = tape.vjp(&cotangents)?.into_iter().next().flatten();
        // `None` is exactly zero.
        gradient.map_or_else(|| Ok(image.zeros_like()?), Ok).map(|gradient| (value, gradient))
    }

    /// The first layer of FEATURES with values that are not finite, for the error message.
    pub(crate) fn unsound_layer(&self, image: &Tensor) -> Option<String> {
        self.weights.as_ref()?;
        let activations = self.function.eval(&[image]).ok()?;
        let is_unsound = |activation: &Tensor| {
            let size =
                activation.abs().and_then(|size| size.sum_all()).and_then(|size| size.to_scalar::<f32>());
            size.is_ok_and(|size| !size.is_finite())
        };
        let index = activations.iter().position(is_unsound)?;
        Some(self.function.spec().outputs[index].name.clone())
    }
}

/// Checks that some layer counts.
///
/// # Errors
///
/// If all `weights` of `features` are 0: the steps of a dream would change nothing. Names `port`.
pub(crate) fn check_weights(features: &Function, weights: &[f64], port: &str) -> Result<()> {
    if weights.is_empty() || weights.iter().any(|weight| *weight != 0.0) {
        return Ok(());
    }
    let name = &features.spec().name;
    let message = format!("all layers of `{name}` have weight 0, so the objective is always 0");
    Err(Error::port(port, message).hint("change the weights in `layers` of its node; a weight left out is 1"))
}

/// The weights of the layers of FEATURES, 1 by default.
///
/// # Errors
///
/// If a weight is not a number; names `port`.
pub(crate) fn layer_weights(features: &Function, port: &str) -> Result<Vec<f64>> {
    features.spec().outputs.iter().map(|output| output.weight().map_err(|error| error.at(port))).collect()
}
