use dreamwire_nets::optim::{Adam, Stepper};
use dreamwire_nets::stylegan::{NotLatents, check_latents};
use dreamwire_sdk::prelude::*;
use serde::Serialize;

use crate::ascent::{Ascent, Carry};
use crate::generator::Generator;
use crate::need::{self, Need};
use crate::objective::Objective;
use crate::prior::Prior;
use crate::schedule::{SMALLEST_SIDE, octaves};
use crate::step::{Blur, Rule};
use crate::tiling::Tiling;

/// DeepDream: maximises an objective by gradient ascent on a picture, or on a generator's latent.
///
/// A picture is optimised at several sizes (octaves), smallest first, so that shapes of all sizes appear. A
/// step is `x += rate * direction(gradient) * mask`; the picture is rolled by a random offset while the
/// gradient is computed. FEATURES at `objective` stand for the sum over layers of `weight * mean(a^2)`. Every
/// picture of a batch is optimised independently.
///
/// With `generator`, `image` is a latent w `[B,layers,w]`, which is optimised instead: in each step the
/// objective sees the picture that the generator makes of w, and `w += rate * direction(gradient)`, with the
/// gradient backpropagated through the generator. `mask` selects the parts of the picture that count. The gradient
/// of `prior` is added, so that w stays near what the network can paint. A latent takes `steps` steps in all;
/// `octaves`, `octave_scale`, `carry` and `knee` are for pictures only.
///
/// A picture is `[B,H,W,3]` in 0..1, and so is the result (without `clamp` it may leave that range); the
/// picture of the last latent is clamped to 0..1.
///
/// Errors: a gradient that is not finite; a latent without `generator`, or of a shape that the generator does
/// not take; more memory than there is, even in tiles (says which `tile` fits, if one is set); whatever the objective or the generator refuses.
///
/// Source: Mordvintsev, Olah & Tyka, "Inceptionism" (2015) and Google's deepdream notebook.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// Pictures only: number of octaves; those smaller than 32 pixels are skipped.
    #[schemars(range(min = 1, max = 20))]
    pub(crate) octaves: usize,
    /// Pictures only: ratio between the sizes of consecutive octaves.
    #[schemars(range(min = 1.01, max = 4.0), extend("x-dw-step" = 0.1))]
    pub(crate) octave_scale: f64,
    /// Pictures only: what goes to the next octave. With detail, the changes are added to the sharp picture
    /// of that size; with image, the result is enlarged.
    pub(crate) carry: Carry,
    /// Steps per octave; for a latent, steps in all.
    #[schemars(range(min = 1, max = 10000))]
    pub(crate) steps: usize,
    /// Step size, in 1/255 of the picture's range (for a latent, in 1/255): with mean_abs the average pixel
    /// moves that far. (pytorch-deepdream's 0.09 with std is 5.2 here, as it steps on the normalised
    /// picture.)
    #[schemars(range(min = 0.0, max = 255.0), extend("x-dw-step" = 0.1, "x-dw-unit" = "1/255"))]
    pub(crate) rate: f64,
    /// Whether to maximise or minimise the objective.
    pub(crate) direction: Direction,
    /// How the gradient g of each picture is normalised: mean_abs is g / mean|g| (Google), std is (g - mean
    /// g) / std g (pytorch-deepdream), none is g, adam is PyTorch's Adam, reset in every octave.
    pub(crate) normalise: Normalise,
    /// Pictures only: blur of the gradient, by this many pixels in the first steps of an octave and two more
    /// in the last ones, for softer shapes; 0 is off. (pytorch-deepdream's `smoothing_coefficient`, 0.5
    /// there: the mean of three Gaussians of half, once and twice that width.)
    #[schemars(range(min = 0.0, max = 16.0), extend("x-dw-step" = 0.1, "x-dw-unit" = "px"))]
    pub(crate) blur: f64,
    /// The picture is rolled by up to this many pixels in each step, which hides the network's grid; 0 is
    /// off.
    #[schemars(range(min = 0, max = 1024), extend("x-dw-unit" = "px"))]
    pub(crate) jitter: usize,
    /// Clamp the picture to 0..1 after every step. For a latent: the objective sees the clamped picture, and
    /// pixels are not pushed out of that range.
    pub(crate) clamp: bool,
    /// Pictures only: values this close to black or white approach it more slowly, so that highlights keep
    /// their detail; 0 clips them, as Google does. It has no effect without `clamp`.
    #[schemars(range(min = 0.0, max = 127.0), extend("x-dw-step" = 1.0, "x-dw-unit" = "1/255"))]
    pub(crate) knee: f64,
    /// Pictures only: larger ones are processed in tiles of this size, so that memory does not grow with the
    /// picture. 0 is automatic: no tiles where the picture fits into memory, otherwise the largest that do, with a
    /// warning that names them. Only for objectives that depend on neighbourhoods: layers, channels, guides, total
    /// variation, and sums of these.
    #[schemars(range(min = 0, max = 65536), extend("x-dw-unit" = "px"))]
    pub(crate) tile: usize,
    /// Context around each tile. -1 is as much as the objective depends on, which gives the same dream as
    /// without tiles; less is faster.
    #[schemars(range(min = -1, max = 4096), extend("x-dw-unit" = "px"))]
    pub(crate) overlap: i64,
    /// Seed of the random offsets.
    #[schemars(range(min = 0, max = 18_446_744_073_709_551_615_u64))]
    pub(crate) seed: u64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            octaves: 4,
            octave_scale: 1.4,
            carry: Carry::Detail,
            steps: 10,
            rate: 1.5,
            direction: Direction::Maximise,
            normalise: Normalise::MeanAbs,
            blur: 0.0,
            jitter: 32,
            clamp: true,
            knee: 32.0,
            tile: 0,
            overlap: -1,
            seed: 0,
        }
    }
}

#[derive(Clone, Copy, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Direction {
    Maximise,
    Minimise,
}

#[derive(Clone, Copy, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum Normalise {
    MeanAbs,
    Std,
    None,
    Adam,
}

impl Params {
    /// The picture at every octave's size, smallest first.
    fn schedule(&self, call: &Call, image: &Tensor) -> Result<Vec<Tensor>> {
        let octaves = octaves(image, self.octaves, self.octave_scale)?;
        if octaves.len() < self.octaves {
            let (given, wanted) = (octaves.len(), self.octaves);
            call.info(&format!(
                "dreaming in {given} of {wanted} octaves: the others would be smaller than {SMALLEST_SIDE} pixels"
            ));
        }
        Ok(octaves)
    }

    fn ascent(
        &self,
        call: &Call,
        objective: Objective,
        mask: Option<Tensor>,
        tiling: Option<Tiling>,
    ) -> Ascent {
        let rolls = self.jitter > 0 && !objective.is_fixed_in_place();
        if self.jitter > 0 && !rolls {
            let name = objective.name();
            call.info(&format!("no jitter: `{name}` judges every part of the picture at its place"));
        }
        let sign = match self.direction {
            Direction::Maximise => 1.0,
            Direction::Minimise => -1.0,
        };
        Ascent {
            objective,
            mask,
            rule: Rule {
                rate: sign * self.rate / 255.0,
                jitter: if rolls { self.jitter } else { 0 },
                tiling,
                seed: self.seed,
                clamp: self.clamp,
                knee: self.knee / 255.0,
                blur: (self.blur > 0.0).then_some(Blur { smoothing: self.blur, steps: self.steps }),
            },
            stepper: match self.normalise {
                Normalise::MeanAbs => Stepper::MeanAbs,
                Normalise::Std => Stepper::Std,
                Normalise::None => Stepper::Plain,
                Normalise::Adam => Stepper::Adam(Adam::default()),
            },
            carry: self.carry,
            steps: self.steps,
        }
    }
}

#[derive(Default)]
pub(crate) struct GradientAscent;

impl Node for GradientAscent {
    const KIND: Kind = Kind::new("GradientAscent", 2)
        .title("Gradient ascent (DeepDream)")
        .category("dream")
        .inputs(&[
            port("image", "IMAGE|LATENT_W").rows().doc(
                "The start: a photograph or noise `[B,H,W,3]`, or a latent `[B,layers,w]` with `generator`.",
            ),
            port("objective", "OBJECTIVE|FEATURES").doc("The objective to maximise."),
            port("mask", "MASK").optional().rows().doc(
                "Scales every step: where it is 0 the picture stays as it is, in every octave; for a latent, 0 is where the picture does not count.",
            ),
            port("generator", "GENERATOR")
                .optional()
                .doc("Turns the latent into the picture that the objective sees."),
            port("prior", "OBJECTIVE").optional().doc(
                "Latents only: an objective of the latent itself, LatentPrior, to maximise whatever `direction` is.",
            ),
        ])
        .outputs(&[
            port("IMAGE", "IMAGE")
                .rows()
                .doc("The dream, of the picture's size; or the picture of the last latent."),
            port("LATENT_W", "LATENT_W")
                .optional()
                .rows()
                .doc("The last latent; empty if a picture is optimised."),
        ]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let objective = inputs.function("objective")?;
        let prior = Prior::new(&inputs)?;
        let Some(generator) = inputs.opt_function("generator")? else {
            let image = picture(&inputs)?;
            let (batch, height, width, channels) = image.dims4()?;
            let objective = Objective::new(objective, channels as i64, "image")?;
            let overlap = usize::try_from(params.overlap).ok();
            let dims = [batch, height, width, channels];
            let need = Need { objective: &objective, dims, overlap, blurs: params.blur > 0.0 };
            let tiling = need.tiling(call, params.tile)?;
            let ascent = params.ascent(call, objective, mask(call, &inputs, batch)?, tiling);
            let octaves = params.schedule(call, &image)?;
            return Ok(Outputs::new().tensor(ascent.run(call, &octaves)?).none());
        };
        let start = latent(&inputs)?;
        let generator = Generator::new(generator, &start)?;
        let objective = Objective::new(objective, generator.channels(), "generator")?;
        need::check_latents(&objective, &generator, &start, call.device())?;
        let ascent = params.ascent(call, objective, mask(call, &inputs, start.dim(0)?)?, None);
        let (latent, picture) = ascent.climb(call, &generator, prior.as_ref(), start)?;
        Ok(Outputs::new().tensor(picture).tensor(latent))
    }
}

/// The picture at `image`.
fn picture(inputs: &Inputs) -> Result<Tensor> {
    inputs.image("image").map_err(|error| match inputs.tensor("image") {
        Ok(latent) if latent.rank() == 3 => {
            let found = latent.dims();
            let message = format!("`image` is a latent of shape {found:?}, which needs `generator`");
            Error::shape("image", message)
                .hint("connect the GENERATOR of the network that the latent comes from")
        }
        _ => error,
    })
}

/// The latent at `image`, `[B,layers,w]`.
fn latent(inputs: &Inputs) -> Result<Tensor> {
    let latent = inputs.tensor("image")?;
    check_latents(&latent, &[3]).map_err(|error| match error {
        NotLatents::Type(found) => {
            let found = found.as_str();
            Error::dtype("image", format!("`image` must be a LATENT_W of f32, found {found}"))
        }
        NotLatents::Shape(found) => {
            let wanted = "`image` must be a LATENT_W [B,layers,w] because `generator` is connected";
            Error::shape("image", format!("{wanted}, found shape {found:?}"))
                .hint("leave `generator` unconnected to optimise a picture")
        }
    })?;
    Ok(latent)
}

/// The mask as pictures of one channel, one or `batch`.
fn mask(call: &Call, inputs: &Inputs, batch: usize) -> Result<Option<Tensor>> {
    let Some(mask) = inputs.opt_mask("mask")? else { return Ok(None) };
    if mask.abs()?.max_all()?.to_scalar::<f32>()? == 0.0 {
        call.warn(
            "`mask` is 0 everywhere, so nothing will change (a picture's mask is 1 where it is transparent)",
        );
    }
    let masks = mask.dim(0)?;
    if masks != 1 && masks != batch {
        return Err(Error::shape(
            "mask",
            format!("`mask` must have 1 or {batch} images, as many as `image`, found {masks}"),
        ));
    }
    Ok(Some(mask.unsqueeze(3)?))
}

#[cfg(test)]
mod mask_property;
#[cfg(test)]
mod tests;
