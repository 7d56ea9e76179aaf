//! The parts of gradient ascent on pictures (DeepDream) around the network.
//!
//! Pictures are `[B, H, W, C]`. Every image of a batch is treated independently.
//!
//! On the CPU, resampling and blurring are loops over the numbers. On a device (or with the portable operators) they are
//! made of candle's operators, so that nothing leaves it: a resampling is a product with a matrix for each axis, and a
//! blur a sum of shifted pictures. The two agree up to rounding.

mod area;
mod blur;
mod fit;
mod jitter;
mod matrix;
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
