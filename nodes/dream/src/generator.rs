use dreamwire_sdk::prelude::*;

/// GENERATOR: a function from latents `[B,layers,w]` to pictures `[B,H,W,C]`.
///
/// The inputs after the latent, its noise planes, are omitted: it uses the noise stored in it.
pub(crate) struct Generator(Function);

impl Generator {
    /// # Errors
    ///
    /// If the generator takes latents of another shape.
    pub(crate) fn new(function: Function, latent: &Tensor) -> Result<Self> {
        let spec = function.spec();
        if let Some(input) = spec.inputs.first()
            && !fits(latent.dims(), &input.dims)
        {
            let (found, name, wanted) = (latent.dims(), &spec.name, text(&input.dims));
            let message =
                format!("`image` must have shape {wanted} for the generator `{name}`, found {found:?}");
            return Err(Error::shape("image", message)
                .hint("make the latent with the MAPPING of the generator's network"));
        }
        Ok(Self(function))
    }

    /// Channels of its pictures; -1 if it does not say.
    pub(crate) fn channels(&self) -> i64 {
        self.0.spec().outputs.first().and_then(|image| image.dims.last().copied()).unwrap_or(-1)
    }

    /// The shape of `latents` pictures, if it says so.
    pub(crate) fn picture_dims(&self, latents: usize) -> Option<[usize; 4]> {
        let [_, height, width, channels] = self.0.spec().outputs.first()?.dims[..] else { return None };
        let size = |size: i64| usize::try_from(size).ok();
        Some([latents, size(height)?, size(width)?, size(channels)?])
    }

    /// The memory that an evaluation needs, if it is known.
    pub(crate) fn peak(&self) -> Option<Peak> {
        self.0.peak()
    }

    /// The pictures, not clamped.
    ///
    /// # Errors
    ///
    /// Those of the generator's provider.
    pub(crate) fn pictures(&self, latent: &Tensor) -> Result<Tensor> {
        first(self.0.eval(&[latent])?)
    }

    /// The pictures, not clamped, and the tape that pulls their gradient back to the latent.
    ///
    /// # Errors
    ///
    /// Those of the generator's provider.
    pub(crate) fn linearise(&self, latent: &Tensor) -> Result<(Tensor, Tape)> {
        let (pictures, tape) = self.0.linearise(&[latent], 1)?;
        Ok((first(pictures)?, tape))
    }
}

fn first(outputs: Vec<Tensor>) -> Result<Tensor> {
    let none = || Error::port("generator", "`generator` returned no picture");
    outputs.into_iter().next().ok_or_else(none)
}

fn fits(found: &[usize], wanted: &[i64]) -> bool {
    found.len() == wanted.len()
        && found.iter().zip(wanted).all(|(&found, &wanted)| wanted < 0 || found as i64 == wanted)
}

/// `[any, 10, 512]`.
fn text(dims: &[i64]) -> String {
    let size = |&dim: &i64| if dim < 0 { "any".to_owned() } else { dim.to_string() };
    format!("[{}]", dims.iter().map(size).collect::<Vec<_>>().join(", "))
}
