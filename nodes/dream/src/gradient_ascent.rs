use dreamwire_nets::optim::{Adam, Stepper};
use dreamwire_nets::stylegan::{NotLatents, check_latents};
use dreamwire_sdk::prelude::*;
use serde::Serialize;

use crate::ascent::{Ascent, Carry};
use crate::generator::Generator;
use crate::objective::Objective;
use crate::schedule::{SMALLEST_SIDE, octaves};
use crate::step::{Blur, Rule};
use crate::tiling::Tiling;

/// DeepDream: changes a picture, or a generator's latent, step by step so that an objective grows.
///
/// A picture is dreamt at several sizes (octaves), smallest first, so that shapes of all sizes
/// appear. A step is `x += rate * direction(gradient) * mask`, with the picture rolled by a random
/// offset while the gradient is taken. FEATURES at `objective` mean: the sum over layers of
/// `weight * mean(a^2)`. Every image of a batch ascends on its own.
///
/// With `generator`, `image` is a latent w `[B,layers,w]`, and so is what changes: in each step the
/// objective looks at the picture that the generator makes of w, and `w += rate * direction(gradient)`
/// with the gradient pulled back through the generator. `mask` says which parts of the picture count.
/// The latent does `steps` steps in all; `octaves`, `octave_scale`, `carry` and `knee` are for pictures only.
///
/// A picture is `[B,H,W,3]` in 0..1, and so is the result (with `clamp` off it may leave that range); of a
/// latent's last picture what leaves 0..1 is cut off.
///
/// Errors: a gradient that is not finite; a latent without `generator` or of another shape than it takes;
/// whatever the objective or the generator refuses.
///
/// Source: Mordvintsev, Olah & Tyka, "Inceptionism" (2015) and Google's deepdream notebook.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// Pictures only: sizes to dream at; those under 32 pixels are left out.
    #[schemars(range(min = 1, max = 20))]
    pub(crate) octaves: usize,
    /// Pictures only: from one octave to the next.
    #[schemars(range(min = 1.01, max = 4.0), extend("x-dw-step" = 0.1))]
    pub(crate) octave_scale: f64,
    /// Pictures only: what goes to the next octave. Detail adds the changes to the sharp picture of its
    /// size, image enlarges the result.
    pub(crate) carry: Carry,
    /// Steps per octave; for a latent, steps in all.
    #[schemars(range(min = 1, max = 10000))]
    pub(crate) steps: usize,
    /// Length of a step, in 1/255 of the picture's range (for a latent: of 1): with mean_abs the average
    /// pixel moves that far. (pytorch-deepdream's 0.09 with std is 5.2 here: it steps on the normalised
    /// picture.)
    #[schemars(range(min = 0.0, max = 255.0), extend("x-dw-step" = 0.1, "x-dw-unit" = "1/255"))]
    pub(crate) rate: f64,
    /// Whether the objective is to grow or to shrink.
    pub(crate) direction: Direction,
    /// How a gradient g becomes a direction, per image: mean_abs is g / mean|g| (Google), std is
    /// (g - mean g) / std g (pytorch-deepdream), none is g, adam is PyTorch's Adam, fresh in every octave.
    pub(crate) normalise: Normalise,
    /// Pictures only: the gradient is blurred before it becomes a step, by this many pixels in the first steps of an
    /// octave and two more in the last ones: softer shapes; 0 is off. (pytorch-deepdream's `smoothing_coefficient`, 0.5
    /// there; the mean of three Gaussians of half, all and twice that width.)
    #[schemars(range(min = 0.0, max = 16.0), extend("x-dw-step" = 0.1, "x-dw-unit" = "px"))]
    pub(crate) blur: f64,
    /// The picture is rolled by up to this many pixels in each step: hides the network's grid.
    #[schemars(range(min = 0, max = 1024), extend("x-dw-unit" = "px"))]
    pub(crate) jitter: usize,
    /// Keep the picture in 0..1 after every step. For a latent: the objective sees its picture cut to 0..1, and
    /// pixels are not pushed out of that range.
    pub(crate) clamp: bool,
    /// Pictures only: a value this close to black or white slows down on its way there, so that highlights
    /// keep their detail; 0 is Google's hard clipping. Without clamp it has no effect.
    #[schemars(range(min = 0.0, max = 127.0), extend("x-dw-step" = 1.0, "x-dw-unit" = "1/255"))]
    pub(crate) knee: f64,
    /// Pictures only: larger ones are cut into tiles of this side, so that memory does not grow with the picture;
    /// 0 never cuts. Only for objectives that look at neighbourhoods: layers, channels, guides, total variation, and
    /// sums of these.
    #[schemars(range(min = 0, max = 65536), extend("x-dw-unit" = "px"))]
    pub(crate) tile: usize,
    /// What a tile sees around it. -1 is as much as the objective looks at, which gives the dream that there would be
    /// without tiles; less is faster.
    #[schemars(range(min = -1, max = 4096), extend("x-dw-unit" = "px"))]
    pub(crate) overlap: i64,
    /// Of the random offsets.
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_i64))]
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
                "dreaming in {given} of {wanted} octaves: the others are smaller than {SMALLEST_SIDE} pixels"
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
            call.info(&format!("no jitter: `{name}` compares the picture with another, place by place"));
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
    const KIND: Kind = Kind::new("GradientAscent", 1)
        .title("Gradient ascent (DeepDream)")
        .category("dream")
        .inputs(&[
            port("image", "IMAGE|LATENT_W").doc(
                "where to start: a photograph, noise `[B,H,W,3]`, or a latent `[B,layers,w]` with `generator`",
            ),
            port("objective", "OBJECTIVE|FEATURES").doc("what to make more of"),
            port("mask", "MASK").optional().doc(
                "scales every step: 0 leaves the picture alone there; for a latent, 0 is where the picture does not count",
            ),
            port("generator", "GENERATOR")
                .optional()
                .doc("turns the latent into the picture that the objective sees"),
        ])
        .outputs(&[
            port("IMAGE", "IMAGE").doc("the dream, of the picture's size; the picture of the last latent"),
            port("LATENT_W", "LATENT_W").optional().doc("the last latent; nothing if a picture was climbed"),
        ]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let objective = inputs.function("objective")?;
        let Some(generator) = inputs.opt_function("generator")? else {
            let image = picture(&inputs)?;
            let (batch, height, width, channels) = image.dims4()?;
            let objective = Objective::new(objective, channels as i64, "image")?;
            let overlap = usize::try_from(params.overlap).ok();
            let tiling = Tiling::new(&objective, params.tile, overlap, (height, width))?;
            let ascent = params.ascent(call, objective, mask(call, &inputs, batch)?, tiling);
            let octaves = params.schedule(call, &image)?;
            return Ok(Outputs::new().tensor(ascent.run(call, &octaves)?).none());
        };
        let start = latent(&inputs)?;
        let generator = Generator::new(generator, &start)?;
        let objective = Objective::new(objective, generator.channels(), "generator")?;
        let ascent = params.ascent(call, objective, mask(call, &inputs, start.dim(0)?)?, None);
        let (latent, picture) = ascent.climb(call, &generator, start)?;
        Ok(Outputs::new().tensor(picture).tensor(latent))
    }
}

/// The picture at `image`.
fn picture(inputs: &Inputs) -> Result<Tensor> {
    inputs.image("image").map_err(|error| match inputs.tensor("image") {
        Ok(latent) if latent.rank() == 3 => {
            let found = latent.dims();
            let message = format!("`image` is a latent of the shape {found:?}, which needs `generator`");
            Error::shape("image", message)
                .hint("connect the GENERATOR of the network that the latent belongs to")
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
            Error::dtype("image", format!("`image` wants a LATENT_W of f32, found {found}"))
        }
        NotLatents::Shape(found) => {
            let wanted = "`image` wants a LATENT_W [B,layers,w] because `generator` is connected";
            Error::shape("image", format!("{wanted}, found the shape {found:?}"))
                .hint("leave `generator` unconnected to climb a picture")
        }
    })?;
    Ok(latent)
}

/// The mask as pictures of one channel, one or `batch`.
fn mask(call: &Call, inputs: &Inputs, batch: usize) -> Result<Option<Tensor>> {
    let Some(mask) = inputs.opt_mask("mask")? else { return Ok(None) };
    if mask.abs()?.max_all()?.to_scalar::<f32>()? == 0.0 {
        call.warn("`mask` is 0 everywhere, so nothing will change (the mask of a picture is what is transparent in it)");
    }
    let masks = mask.dim(0)?;
    if masks != 1 && masks != batch {
        return Err(Error::shape("mask", format!("`mask` has {masks} images, `image` has {batch}")));
    }
    Ok(Some(mask.unsqueeze(3)?))
}

#[cfg(test)]
mod tests;
