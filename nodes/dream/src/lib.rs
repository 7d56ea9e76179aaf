//! The dream plugin: objectives, and gradient ascent on pictures, and on latents through a generator.
//!
//! Structured like lucid: the objective (`objective`), the octaves (`schedule`), a single step (`step`), and
//! the loops around it, over a picture's octaves (`ascent`) and over the steps of a latent (`latent`). Large
//! pictures are evaluated tile by tile (`tiling`).
//!
//! Objectives are nodes of their own, one file each; those on FEATURES share `on_features`, those that
//! compare with another picture share `target` and `comparison`.

mod anchor_objective;
mod ascent;
mod channel_objective;
mod channels;
mod class_objective;
mod comparison;
mod content_objective;
#[cfg(test)]
mod fixtures;
mod generator;
mod gradient_ascent;
mod guide_objective;
mod latent;
mod layer_objective;
mod need;
mod norm;
mod objective;
#[cfg(test)]
mod objective_fixtures;
mod on_features;
mod perceptual_loss;
mod prior;
mod report;
mod scalar;
mod schedule;
mod step;
mod style_objective;
mod sum_objective;
mod target;
mod tiling;
mod total_variation;

use anchor_objective::AnchorObjective;
use channel_objective::ChannelObjective;
use class_objective::ClassObjective;
use content_objective::ContentObjective;
use gradient_ascent::GradientAscent;
use guide_objective::GuideObjective;
use layer_objective::LayerObjective;
use perceptual_loss::PerceptualLoss;
use style_objective::StyleObjective;
use sum_objective::SumObjective;
use total_variation::TotalVariation;

dreamwire_sdk::plugin!(
    "org.dreamwire.dream",
    GradientAscent,
    LayerObjective,
    ChannelObjective,
    ClassObjective,
    GuideObjective,
    PerceptualLoss,
    ContentObjective,
    StyleObjective,
    TotalVariation,
    AnchorObjective,
    SumObjective,
);
