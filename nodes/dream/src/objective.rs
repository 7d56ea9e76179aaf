use dreamwire_sdk::prelude::*;

/// What a dream makes more (or less) of.
pub(crate) enum Objective {
    /// OBJECTIVE: a scalar function of the picture.
    Scalar(Function),
    /// FEATURES: the sum over layers of `weight * mean(a^2)`, per image.
    Layers {
        /// The feature extractor.
        features: Function,
        /// One weight per output of it.
        weights: Vec<f64>,
    },
}

impl Objective {
    /// For pictures of `channels` (negative where nobody knows) that come from `port`.
    ///
    /// # Errors
    ///
    /// If the function takes pictures of other channels, or a layer's weight is no number.
    pub(crate) fn new(function: Function, channels: i64, port: &str) -> Result<Self> {
        let spec = function.spec();
        if let Some(wanted) = spec.inputs.first().and_then(|input| input.dims.last().copied())
            && wanted > 0
            && channels > 0
            && wanted != channels
        {
            let name = &spec.name;
            let message = format!("`{name}` takes pictures of {wanted} channels, found {channels}");
            return Err(Error::shape(port, message));
        }
        if function.kind() != "FEATURES" {
            return Ok(Self::Scalar(function));
        }
        let weight = |output: &TensorSpec| {
            let text = output.semantic("weight").unwrap_or("1");
            text.trim().parse().map_err(|_| {
                Error::port("objective", format!("the weight of layer `{}` is `{text}`", output.name))
            })
        };
        let weights = spec.outputs.iter().map(weight).collect::<Result<_>>()?;
        Ok(Self::Layers { features: function, weights })
    }

    /// The value, averaged over the batch, and the gradient by the picture `[B,H,W,C]`.
    ///
    /// # Errors
    ///
    /// What the function's provider says.
    pub(crate) fn value_and_gradient(&self, image: &Tensor) -> Result<(f64, Tensor)> {
        match self {
            Self::Scalar(function) => function.value_and_grad(image),
            Self::Layers { features, weights } => {
                let batch = image.dim(0)? as f64;
                let (activations, tape) = features.linearise(&[image], 1)?;
                let (mut value, mut cotangents) = (0.0, Vec::new());
                for (activation, weight) in activations.iter().zip(weights) {
                    // d mean(a^2) / da = 2 a / n, with n counted per image: each ascends on its own.
                    let count = activation.elem_count() as f64 / batch;
                    let squares = f64::from(activation.sqr()?.sum_all()?.to_scalar::<f32>()?);
                    value += weight * squares / count / batch;
                    cotangents.push((activation * (2.0 * weight / count))?);
                }
                drop(activations);
                let cotangents: Vec<Option<&Tensor>> = cotangents.iter().map(Some).collect();
                let gradient = tape.vjp(&cotangents)?.into_iter().next().flatten();
                // None is exactly zero.
                gradient.map_or_else(|| Ok(image.zeros_like()?), Ok).map(|gradient| (value, gradient))
            }
        }
    }
}
