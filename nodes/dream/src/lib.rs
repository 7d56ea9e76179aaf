//! The dream plugin: gradient ascent on pictures.
//!
//! Cut as lucid cut it: what is wanted (`objective`), at which sizes (`schedule`), what one step does
//! (`step`), and the loop that ties them together (`ascent`).

mod ascent;
mod gradient_ascent;
mod objective;
mod schedule;
mod step;

use gradient_ascent::GradientAscent;

dreamwire_sdk::plugin!("org.dreamwire.dream", GradientAscent);
