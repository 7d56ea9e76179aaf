//! Colours: pictures of one colour or of a gradient, and changes that look at one pixel at a time.

pub(crate) mod adjust;
pub(crate) mod colour_match;
pub(crate) mod gradient;
mod matching;
mod matrix;
mod opponent;
mod pixels;
mod quantiles;
pub(crate) mod solid_color;
mod statistics;
mod stops;
