//! The parts of gradient ascent on pictures (DeepDream) around the network.
//!
//! Pictures are `[B, H, W, C]`. Every image of a batch is treated independently.

mod area;
mod blur;
mod fit;
mod jitter;
mod octave;
mod resample;
mod resize;
mod step_rule;
mod zoom;

pub use area::resize_area;
pub use blur::{cascade_blur, cascade_sigma};
pub use fit::Fit;
pub use jitter::{jitter_offset, roll};
pub use octave::octave_sizes;
pub use resize::resize_linear;
pub use step_rule::{Adam, Stepper};
pub use zoom::zoom;
