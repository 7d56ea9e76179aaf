use dreamwire_nets::stylegan::normal_latents;
use dreamwire_sdk::prelude::*;

use crate::classes;
use crate::latent_noise::width;

/// The width of latents where a mapping takes any.
const USUAL_WIDTH: usize = 512;

/// Latents that are mapped at once.
const AT_ONCE: usize = 500;

/// What a mapping makes of random latents.
pub(crate) struct Styles {
    /// `[N,w]`: of each latent the style of the first layer.
    pub(crate) styles: Tensor,
    /// Layers of the latents that the mapping makes.
    pub(crate) layers: usize,
}

impl Styles {
    /// The styles of `count` latents, those of [`normal_latents`]; of a network with classes, of each class in turn.
    ///
    /// # Errors
    ///
    /// If the host cancels, the mapping fails, does not say how wide its latents are, or makes something else than
    /// styles, or numbers that are not finite.
    pub(crate) fn sample(call: &Call, mapping: &Function, count: usize) -> Result<Self> {
        let z = normal_latents(count, width(mapping, USUAL_WIDTH)?)?.to_device(call.device())?;
        let (mut parts, mut layers) = (Vec::new(), 0);
        for start in (0..count).step_by(AT_ONCE) {
            call.progress(start as u64, count as u64, &format!("styles {start}/{count}"))?;
            let some = z.narrow(0, start, AT_ONCE.min(count - start))?;
            let c = classes::in_turn(mapping.spec(), start, some.dim(0)?, call.device())?;
            let x: Vec<&Tensor> = std::iter::once(&some).chain(&c).collect();
            let w = mapping.eval(&x)?.into_iter().next();
            let Some(w) = w.filter(|w| w.rank() == 3 && w.elem_count() > 0) else {
                return Err(Error::port("mapping", "`mapping` must make styles `[B,layers,w]`"));
            };
            layers = w.dim(1)?;
            parts.push(w.narrow(1, 0, 1)?.squeeze(1)?);
        }
        let styles = Tensor::cat(&parts, 0)?;
        let sum = styles.abs()?.mean_all()?.to_scalar::<f32>()?;
        if !sum.is_finite() {
            return Err(Error::nonfinite("the styles of `mapping` are not finite").at("mapping"));
        }
        Ok(Self { styles, layers })
    }
}
