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

    /// Whether the picture is dreamt as a whole or in tiles of `tile` pixels; 0 chooses what fits: the whole, or else the
    /// largest tile that does, with a warning.
    ///
    /// # Errors
    ///
    /// If what is asked for needs more memory than there is on the call's device: says how much it needs, and which tile
    /// would fit. If the objective cannot be tiled.
    pub(crate) fn tiling(&self, call: &Call, tile: usize) -> Result<Option<Tiling>> {
        let (tiling, warning) = self.tiling_within(tile, memory::available_on(call.device()))?;
        if let Some(warning) = warning {
            call.warn(&warning);
        }
        Ok(tiling)
    }

    /// As [`Need::tiling`], with what is available, and the warning.
    fn tiling_within(&self, tile: usize, available: Option<u64>) -> Result<(Option<Tiling>, Option<String>)> {
        let asked = self.tiles_of(tile)?;
        let Err(error) = self.check_against(asked.as_ref(), available) else { return Ok((asked, None)) };
        let fitting = self.fitting(available);
        if let (0, Some((fit, _))) = (tile, fitting) {
            let warning = format!(
                "dreaming in tiles of {fit} pixels, because {error}; set `tile` to {fit} to get the same dream where \
                 there is more memory"
            );
            return Ok((self.tiles_of(fit)?, Some(warning)));
        }
        Err(match fitting {
            Some((fit, needed)) => error
                .at("tile")
                .hint(format!("set `tile` to {fit}, which needs about {}", memory::shown(needed))),
            None => error.at("image").hint(self.smaller()),
        })
    }

    /// What to do where no tile fits.
    fn smaller(&self) -> String {
        let [.., smallest] = SIDES;
        let tiles = match self.tiles_of(smallest) {
            Ok(Some(_)) => format!("not even tiles of {smallest} pixels fit: "),
            Ok(None) => String::new(),
            Err(_) => "this objective needs the whole picture at once, so tiles do not help: ".to_owned(),
        };
        let what = match self.dims[0] {
            1 => "a smaller picture (Resize it first)",
            _ => "fewer or smaller pictures",
        };
        format!("{tiles}use {what}, or end other programs")
    }

    /// Tiles of that side; none if the picture fits one, or if it is 0.
    fn tiles_of(&self, tile: usize) -> Result<Option<Tiling>> {
        let [_, height, width, _] = self.dims;
        Tiling::new(self.objective, tile, self.overlap, (height, width))
    }

    fn check_against(&self, tiling: Option<&Tiling>, available: Option<u64>) -> Result<()> {
        let Some(needed) = self.bytes(tiling) else { return Ok(()) };
        let [batch, height, width, _] = self.dims;
        let what = match batch {
            1 => format!("dreaming of {width}x{height} pixels"),
            _ => format!("dreaming of {batch} pictures of {width}x{height} pixels at once"),
        };
        memory::check_against(&what, needed, available)
    }

    /// The largest tile that fits, and what it needs.
    fn fitting(&self, available: Option<u64>) -> Option<(usize, u64)> {
        let tiling = |tile| self.tiles_of(tile).ok().flatten();
        let tiles = SIDES.into_iter().filter_map(|tile| Some((tile, self.bytes(Some(&tiling(tile)?))?)));
        tiles.into_iter().find(|(_, needed)| available.is_none_or(|available| *needed <= available))
    }
}

/// Refuses a dream on latents that needs more memory than there is on `device`: all pictures are there at once.
///
/// # Errors
///
/// Says how much it needs.
pub(crate) fn check_latents(
    objective: &Objective,
    generator: &Generator,
    latent: &Tensor,
    device: &Device,
) -> Result<()> {
    let latents = latent.dim(0)?;
    let (Some(peak), Some(dims)) = (generator.peak(), generator.picture_dims(latents)) else { return Ok(()) };
    let of_objective = objective.peak().unwrap_or_default().of_gradient(&dims);
    let of_generator = peak.of_gradient(latent.dims());
    let pictures = bytes(dims).saturating_mul(PICTURES);
    let needed = memory::with_spares(of_generator.saturating_add(of_objective).saturating_add(pictures));
    let what = format!("dreaming of {latents} latents at once");
    memory::check(&what, needed, device)
        .map_err(|error| error.at("image").hint("use fewer latents: fewer seeds"))
}

fn bytes(dims: [usize; 4]) -> u64 {
    dims.iter().fold(4, |bytes: u64, size| bytes.saturating_mul(*size as u64))
}

#[cfg(test)]
mod tests;
