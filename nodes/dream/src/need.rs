//! The memory that a dream needs, and what to do where there is less.

use dreamwire_sdk::memory;
use dreamwire_sdk::prelude::*;

use crate::generator::Generator;
use crate::objective::Objective;
use crate::tiling::Tiling;

/// Pictures of the full size that a dream has at once, besides what the objective needs: the input here and in the
/// host, the smaller octaves, the picture before and after a step, rolled, its gradient, and the steps of a rule.
const PICTURES: u64 = 10;
/// Of a blurred gradient: the Gaussians and their passes.
const BLURRED: u64 = 4;
/// Tiles to suggest.
const SIDES: [usize; 5] = [2048, 1024, 512, 256, 128];

/// A dream on pictures.
pub(crate) struct Need<'a> {
    pub(crate) objective: &'a Objective,
    /// `[B,H,W,C]` of the largest octave.
    pub(crate) dims: [usize; 4],
    /// Of the params: what a tile sees around it.
    pub(crate) overlap: Option<usize>,
    pub(crate) blurs: bool,
}

impl Need<'_> {
    /// The peak in bytes, if the objective says what it needs.
    fn bytes(&self, tiling: Option<&Tiling>) -> Option<u64> {
        let [batch, height, width, channels] = self.dims;
        let seen = |size: usize| tiling.map_or(size, |tiling| tiling.seen(size));
        let of_objective = self.objective.peak()?.of_gradient(&[batch, seen(height), seen(width), channels]);
        let pictures = PICTURES + if self.blurs { BLURRED } else { 0 };
        Some(memory::with_spares(of_objective.saturating_add(bytes(self.dims).saturating_mul(pictures))))
    }

    /// Refuses a dream that needs more memory than there is, before it starts.
    ///
    /// # Errors
    ///
    /// Says how much it needs, and which tile would fit.
    pub(crate) fn check(&self, tiling: Option<&Tiling>) -> Result<()> {
        self.check_against(tiling, memory::available())
    }

    fn check_against(&self, tiling: Option<&Tiling>, available: Option<u64>) -> Result<()> {
        let Some(needed) = self.bytes(tiling) else { return Ok(()) };
        let [batch, height, width, _] = self.dims;
        let what = match batch {
            1 => format!("dreaming of {width}x{height} pixels"),
            _ => format!("dreaming of {batch} pictures of {width}x{height} pixels at once"),
        };
        memory::check_against(&what, needed, available).map_err(|error| match self.fitting(available) {
            Some((tile, needed)) => error
                .at("tile")
                .hint(format!("set `tile` to {tile}, which needs about {}", memory::shown(needed))),
            None if batch > 1 => error.at("image").hint("use fewer or smaller pictures"),
            None => error.at("image").hint("use a smaller picture: Resize it first"),
        })
    }

    /// The largest tile that fits, and what it needs.
    fn fitting(&self, available: Option<u64>) -> Option<(usize, u64)> {
        let [_, height, width, _] = self.dims;
        let tiling = |tile| Tiling::new(self.objective, tile, self.overlap, (height, width)).ok().flatten();
        let tiles = SIDES.into_iter().filter_map(|tile| Some((tile, self.bytes(Some(&tiling(tile)?))?)));
        tiles.into_iter().find(|(_, needed)| available.is_none_or(|available| *needed <= available))
    }
}

/// Refuses a dream on `latents` latents that needs more memory than there is: all pictures are there at once.
///
/// # Errors
///
/// Says how much it needs.
pub(crate) fn check_latents(objective: &Objective, generator: &Generator, latent: &Tensor) -> Result<()> {
    let latents = latent.dim(0)?;
    let (Some(peak), Some(dims)) = (generator.peak(), generator.picture_dims(latents)) else { return Ok(()) };
    let of_objective = objective.peak().unwrap_or_default().of_gradient(&dims);
    let of_generator = peak.of_gradient(latent.dims());
    let pictures = bytes(dims).saturating_mul(PICTURES);
    let needed = memory::with_spares(of_generator.saturating_add(of_objective).saturating_add(pictures));
    let what = format!("dreaming of {latents} latents at once");
    memory::check(&what, needed).map_err(|error| error.at("image").hint("use fewer latents: fewer seeds"))
}

fn bytes(dims: [usize; 4]) -> u64 {
    dims.iter().fold(4, |bytes: u64, size| bytes.saturating_mul(*size as u64))
}

#[cfg(test)]
mod tests;
