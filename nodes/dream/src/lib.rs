//! The dream plugin: gradient ascent on pictures, and on latents through a generator.
//!
//! Cut as lucid cut it: what is wanted (`objective`), at which sizes (`schedule`), what one step does
//! (`step`), and the loops that tie them together, over a picture's octaves (`ascent`) and over the
//! steps of a latent (`latent`).

mod ascent;
#[cfg(test)]
mod fixtures;
mod generator;
mod gradient_ascent;
mod latent;
mod objective;
mod report;
mod schedule;
mod step;
mod tiling;

use gradient_ascent::GradientAscent;

dreamwire_sdk::plugin!("org.dreamwire.dream", GradientAscent);
