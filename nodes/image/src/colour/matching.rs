//! The maps between colours that ColorMatch applies.

use crate::colour::colour_match::Mode;
use crate::colour::matrix;
use crate::colour::opponent::Opponent;
use crate::colour::pixels;
use crate::colour::quantiles::{Curve, Quantiles};
use crate::colour::statistics::Statistics;

/// Below this standard deviation, a fortieth of a step of eight bits, a channel or direction is flat: all that varies
/// there is rounding.
const FLAT: f64 = 1e-4;

/// A change of a display-referred colour.
pub(crate) type Change = Box<dyn Fn([f32; 3]) -> [f32; 3] + Sync>;

/// What a picture is matched to.
pub(crate) enum Target {
    Channels(Statistics),
    Opponent(Statistics),
    Covariance(Statistics),
    Quantiles([Quantiles; 3]),
}

impl Target {
    /// Of the reference's samples; `None` if none of it is visible.
    pub(crate) fn of(mode: Mode, samples: &[f32], channels: usize) -> Option<Self> {
        let display = || Statistics::of(samples, channels, |colour| colour.map(f64::from));
        Some(match mode {
            Mode::MeanStd => Self::Channels(display()?),
            Mode::MeanStdLab => Self::Opponent(opponent(samples, channels, &Opponent::new())?),
            Mode::Covariance => Self::Covariance(display()?),
            Mode::Histogram => Self::Quantiles(quantiles(samples, channels)?),
        })
    }
}

/// The change of a colour of the picture `samples` towards `target`; `None` if none of the picture is visible.
pub(crate) fn change(samples: &[f32], channels: usize, target: &Target) -> Option<Change> {
    let display = || Statistics::of(samples, channels, |colour| colour.map(f64::from));
    let change: Change = match target {
        Target::Channels(wanted) => {
            let map = per_channel(&display()?, wanted);
            Box::new(move |colour: [f32; 3]| map(colour.map(f64::from)).map(|v| v as f32))
        }
        Target::Opponent(wanted) => {
            let space = Opponent::new();
            let map = per_channel(&opponent(samples, channels, &space)?, wanted);
            Box::new(move |colour: [f32; 3]| space.colour(map(space.of(colour))))
        }
        Target::Covariance(wanted) => {
            let map = least_moving(&display()?, wanted);
            Box::new(move |colour: [f32; 3]| map(colour.map(f64::from)).map(|v| v as f32))
        }
        Target::Quantiles(wanted) => {
            let found = quantiles(samples, channels)?;
            let curves: [Curve; 3] = std::array::from_fn(|i| found[i].curve(&wanted[i]));
            Box::new(move |colour: [f32; 3]| std::array::from_fn(|i| curves[i].at(colour[i])))
        }
    };
    Some(change)
}

fn opponent(samples: &[f32], channels: usize, space: &Opponent) -> Option<Statistics> {
    Statistics::of(samples, channels, |colour| space.of(colour))
}

fn quantiles(samples: &[f32], channels: usize) -> Option<[Quantiles; 3]> {
    let of = |channel: usize| {
        Quantiles::of(
            samples
                .chunks_exact(channels)
                .map(|pixel| (pixels::colour(pixel)[channel], pixels::weight(pixel))),
        )
    };
    Some([of(0)?, of(1)?, of(2)?])
}

/// Mean and standard deviation of each channel; a flat one only moves.
fn per_channel(found: &Statistics, wanted: &Statistics) -> impl Fn([f64; 3]) -> [f64; 3] + use<> {
    let (deviation, goal) = (found.deviation(), wanted.deviation());
    let gain: [f64; 3] =
        std::array::from_fn(|i| if deviation[i] > FLAT { goal[i] / deviation[i] } else { 1.0 });
    let (from, to) = (found.mean, wanted.mean);
    move |v| std::array::from_fn(|i| to[i] + gain[i] * (v[i] - from[i]))
}

/// Mean and covariance by the linear Monge-Kantorovich map; of a flat direction only the mean is left.
fn least_moving(found: &Statistics, wanted: &Statistics) -> impl Fn([f64; 3]) -> [f64; 3] + use<> {
    let root = matrix::of_symmetric(&found.covariance, |value| value.max(0.0).sqrt());
    let undone =
        matrix::of_symmetric(
            &found.covariance,
            |value| if value > FLAT * FLAT { value.sqrt().recip() } else { 0.0 },
        );
    let within = matrix::product(&matrix::product(&root, &wanted.covariance), &root);
    let within = matrix::of_symmetric(&within, |value| value.max(0.0).sqrt());
    let map = matrix::product(&matrix::product(&undone, &within), &undone);
    let (from, to) = (found.mean, wanted.mean);
    move |v| {
        let moved = matrix::apply(&map, std::array::from_fn(|i| v[i] - from[i]));
        std::array::from_fn(|i| to[i] + moved[i])
    }
}
