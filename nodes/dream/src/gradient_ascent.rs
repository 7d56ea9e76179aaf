use dreamwire_nets::optim::{Adam, Stepper};
use dreamwire_sdk::prelude::*;
use serde::Serialize;

use crate::ascent::{Ascent, Carry as CarryRule};
use crate::objective::Objective;
use crate::schedule::{SMALLEST_SIDE, octaves};
use crate::step::Rule;

/// DeepDream: changes a picture step by step so that an objective grows.
///
/// The picture is dreamt at several sizes (octaves), smallest first, so that shapes of all sizes
/// appear. A step is `x += rate * direction(gradient) * mask`, with the picture rolled by a random
/// offset while the gradient is taken. FEATURES at `objective` mean: the sum over layers of
/// `weight * mean(a^2)`. Every image of a batch ascends on its own.
///
/// `image` is `[B,H,W,3]` in 0..1, and so is the result (with `clamp` off it may leave that range).
///
/// Errors: a gradient that is not finite; whatever the objective refuses.
///
/// Source: Mordvintsev, Olah & Tyka, "Inceptionism" (2015) and Google's deepdream notebook.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// Sizes to dream at; those under 32 pixels are left out.
    #[schemars(range(min = 1, max = 20))]
    #[serde(default = "four")]
    pub(crate) octaves: usize,
    /// From one octave to the next.
    #[schemars(range(min = 1.01, max = 4.0), extend("x-dw-step" = 0.1))]
    #[serde(default = "octave_scale")]
    pub(crate) octave_scale: f64,
    /// What goes to the next octave: detail adds the changes to the sharp picture of its size, image
    /// enlarges the result.
    #[serde(default = "detail")]
    pub(crate) carry: Carry,
    /// Steps per octave.
    #[schemars(range(min = 1, max = 10000))]
    #[serde(default = "ten")]
    pub(crate) steps: usize,
    /// Length of a step, in 1/255 of the picture's range: with mean_abs the average pixel moves that
    /// far. (pytorch-deepdream's 0.09 with std is 5.2 here: it steps on the normalised picture.)
    #[schemars(range(min = 0.0, max = 255.0), extend("x-dw-step" = 0.1, "x-dw-unit" = "1/255"))]
    #[serde(default = "rate")]
    pub(crate) rate: f64,
    /// Whether the objective is to grow or to shrink.
    #[serde(default = "maximise")]
    pub(crate) direction: Direction,
    /// How a gradient g becomes a direction, per image: mean_abs is g / mean|g| (Google), std is
    /// (g - mean g) / std g (pytorch-deepdream), none is g, adam is PyTorch's Adam, fresh in every octave.
    #[serde(default = "mean_abs")]
    pub(crate) normalise: Normalise,
    /// The picture is rolled by up to this many pixels in each step: hides the network's grid.
    #[schemars(range(min = 0, max = 1024), extend("x-dw-unit" = "px"))]
    #[serde(default = "jitter")]
    pub(crate) jitter: usize,
    /// Keep the picture in 0..1 after every step.
    #[serde(default = "yes")]
    pub(crate) clamp: bool,
    /// A value this close to black or white slows down on its way there, so that highlights keep their detail; 0 is
    /// Google's hard clipping. Without clamp it has no effect.
    #[schemars(range(min = 0.0, max = 127.0), extend("x-dw-step" = 1.0, "x-dw-unit" = "1/255"))]
    #[serde(default = "knee")]
    pub(crate) knee: f64,
    /// Of the random offsets.
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_i64))]
    #[serde(default)]
    pub(crate) seed: u64,
}

#[derive(Clone, Copy, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Carry {
    Detail,
    Image,
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

fn four() -> usize {
    4
}

fn octave_scale() -> f64 {
    1.4
}

fn detail() -> Carry {
    Carry::Detail
}

fn ten() -> usize {
    10
}

fn rate() -> f64 {
    1.5
}

fn maximise() -> Direction {
    Direction::Maximise
}

fn mean_abs() -> Normalise {
    Normalise::MeanAbs
}

fn jitter() -> usize {
    32
}

fn yes() -> bool {
    true
}

fn knee() -> f64 {
    32.0
}

#[derive(Default)]
pub(crate) struct GradientAscent;

impl Node for GradientAscent {
    const KIND: Kind = Kind::new("GradientAscent", 1)
        .title("Gradient ascent (DeepDream)")
        .category("dream")
        .inputs(&[
            port("image", "IMAGE").doc("where to start: a photograph or noise, `[B,H,W,3]`"),
            port("objective", "OBJECTIVE|FEATURES").doc("what to make more of"),
            port("mask", "MASK").optional().doc("scales every step: 0 leaves the picture alone there"),
        ])
        .outputs(&[port("IMAGE", "IMAGE").doc("the dream, of the picture's size")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let image = inputs.image("image")?;
        let (batch, _, _, channels) = image.dims4()?;
        let objective = Objective::new(inputs.function("objective")?, channels)?;
        let mask = inputs.opt_mask("mask")?.map(|mask| fit_mask(&mask, batch)).transpose()?;
        let octaves = octaves(&image, params.octaves, params.octave_scale)?;
        if octaves.len() < params.octaves {
            let (given, wanted) = (octaves.len(), params.octaves);
            call.info(&format!(
                "dreaming in {given} of {wanted} octaves: the others are smaller than {SMALLEST_SIDE} pixels"
            ));
        }
        let sign = match params.direction {
            Direction::Maximise => 1.0,
            Direction::Minimise => -1.0,
        };
        let ascent = Ascent {
            objective: &objective,
            mask: mask.as_ref(),
            rule: Rule {
                rate: sign * params.rate / 255.0,
                jitter: params.jitter,
                seed: params.seed,
                clamp: params.clamp,
                knee: params.knee / 255.0,
            },
            stepper: match params.normalise {
                Normalise::MeanAbs => Stepper::MeanAbs,
                Normalise::Std => Stepper::Std,
                Normalise::None => Stepper::Plain,
                Normalise::Adam => Stepper::Adam(Adam::default()),
            },
            carry: match params.carry {
                Carry::Detail => CarryRule::Detail,
                Carry::Image => CarryRule::Image,
            },
            steps: params.steps,
        };
        Ok(ascent.run(call, &octaves)?.into())
    }
}

/// `[B,H,W]` as a picture of one channel that fits `batch` images.
fn fit_mask(mask: &Tensor, batch: usize) -> Result<Tensor> {
    let masks = mask.dim(0)?;
    if masks != 1 && masks != batch {
        return Err(Error::shape("mask", format!("`mask` has {masks} images, `image` has {batch}")));
    }
    Ok(mask.unsqueeze(3)?)
}

#[cfg(test)]
#[path = "gradient_ascent_tests.rs"]
mod tests;
