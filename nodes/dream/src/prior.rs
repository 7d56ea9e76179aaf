use dreamwire_sdk::prelude::*;

/// OBJECTIVE of latents `[B,layers,w]`: keeps an ascent near what a network can paint.
pub(crate) struct Prior(Function);

impl Prior {
    /// The one at `prior`.
    ///
    /// # Errors
    ///
    /// If it is an objective of pictures, or there is no `generator`, whose latents it would rate.
    pub(crate) fn new(inputs: &Inputs) -> Result<Option<Self>> {
        let Some(function) = inputs.opt_function("prior")? else { return Ok(None) };
        if inputs.opt_function("generator")?.is_none() {
            let message = "`prior` rates latents, and without `generator` a picture is optimised";
            return Err(Error::port("prior", message).hint("connect `generator`, or disconnect `prior`"));
        }
        if is_of_latents(function.spec()) {
            return Ok(Some(Self(function)));
        }
        let message = format!("`{}` is not an objective of latents", function.spec().name);
        Err(Error::port("prior", message)
            .hint("connect a LatentPrior; objectives of pictures go to `objective`"))
    }

    /// The value, averaged over the batch, and the gradient with respect to the latents of each one's own value.
    ///
    /// # Errors
    ///
    /// Those of the function's provider.
    pub(crate) fn value_and_gradient(&self, latent: &Tensor) -> Result<(f64, Tensor)> {
        let (value, gradient) = self.0.value_and_grad(latent)?;
        Ok((value / latent.dim(0)? as f64, gradient))
    }
}

/// Whether the function takes `[B,layers,w]`, not a picture.
pub(crate) fn is_of_latents(spec: &FnSpec) -> bool {
    spec.inputs.first().is_some_and(|input| input.dims.len() == 3)
}
