//! Operators made of candle's own, for any device, and a network of them: the portable executor.
//!
//! Where candle's gradient is right and costs nothing more, an operator is a composition of candle's. Elsewhere its value
//! is computed without a graph and [`attach`]ed with a gradient that is made of these operators again, so that
//! derivatives of any order exist.

mod activated;
pub(crate) mod adaptive;
pub(crate) mod attach;
mod average_pool;
mod axis;
mod channels;
mod constant;
pub(crate) mod convolution;
mod edges;
pub(crate) mod factors;
pub(crate) mod filtered_lrelu;
pub(crate) mod fir;
pub(crate) mod layout;
mod max_pool;
mod mirror;
pub(crate) mod modulated;
mod network;
pub(crate) mod rectifier;
mod upsample;

pub(crate) use network::Network;

#[cfg(test)]
mod tests;
