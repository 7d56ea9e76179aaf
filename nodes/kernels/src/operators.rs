//! Operators made of candle's own, for any device: the portable executor.

pub(crate) mod attach;
pub(crate) mod convolution;
mod edges;
