//! Fast CPU operators for frozen networks, as candle custom ops.
//!
//! A [`Stack`] is a chain or a graph of [`Layer`]s with fixed weights: the convolutional networks that
//! look at pictures. [`Stack::apply`] computes the outputs of any of its layers as *one* node of candle's
//! graph, and that node knows its own vector-Jacobian product with respect to the input.
//!
//! [`ModulatedConv`], [`Upfirdn2d`] and [`BiasAct`] are the operators of the networks that draw
//! pictures, the StyleGAN family. They work on maps with channels last, `[n, h, w, c]`, so that
//! nothing is turned around between them.
//!
//! Why not candle's own ops (all measured with candle 0.11.1 against central differences):
//!
//! - `max_pool2d` divides gradients by the window's size and is wrong on odd sizes;
//! - `upsample_nearest2d` overwrites gradients that were already accumulated;
//! - every `backward()` also computes the gradients of the weights, which nobody reads here;
//! - relu'(0) is 1 there, and 0 in PyTorch.
//!
//! What a run keeps for its backward pass is one bit per ReLU output, one byte per pooled value, and the
//! inputs of local response norms; activations live only until their last reader has read them. Work is cut into strips whose
//! sizes depend on shapes alone, and runs on the current rayon pool: results are bit-identical at
//! any number of threads, and `pool.install(..)` around a call rules that number.
//!
//! This crate does not know about files, plugins or architectures.

mod activation;
mod average_pool;
mod bias_act;
mod concat;
mod convolution;
mod demodulation;
mod element;
mod filtered_lrelu;
mod filters;
mod layer;
mod local_response;
mod max_pool;
mod memory;
mod modulated;
mod network;
mod op;
mod padding;
mod product;
mod relu;
mod shared;
mod simd;
mod stack;
mod taps;
mod transposed;
mod upfirdn;
mod upsample;
mod windows;
mod winograd;

pub use bias_act::{BiasAct, Rectifier};
pub use filtered_lrelu::FilteredLrelu;
pub use layer::{Layer, Padding, PaddingMode, Source};
pub use modulated::ModulatedConv;
pub use simd::simd_level;
pub use stack::Stack;
pub use upfirdn::Upfirdn2d;
