//! Operators made of candle's own, for any device: the portable executor.

mod activated;
pub(crate) mod adaptive;
pub(crate) mod attach;
mod constant;
pub(crate) mod convolution;
mod edges;
pub(crate) mod filtered_lrelu;
pub(crate) mod fir;
pub(crate) mod layout;
pub(crate) mod modulated;
