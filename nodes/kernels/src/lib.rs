//! Fast CPU operators for frozen networks, as candle custom ops.
//!
//! A [`Stack`] is a run of [`Layer`]s with fixed weights: the convolutional networks that look at
//! pictures. [`Stack::apply`] computes the outputs of any of its layers as *one* node of candle's
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
//! What a run keeps for its backward pass is one bit per ReLU output and one byte per pooled
//! value; activations live only until the next layer has read them. Work is cut into strips whose
//! sizes depend on shapes alone, and runs on the current rayon pool: results are bit-identical at
//! any number of threads, and `pool.install(..)` around a call rules that number.
//!
//! This crate does not know about files, plugins or architectures.

mod activation;
mod bias_act;
mod convolution;
mod demodulation;
mod element;
mod filters;
mod layer;
mod max_pool;
mod modulated;
mod network;
mod op;
mod padding;
mod relu;
mod stack;
mod taps;
mod tile;
mod transposed;
mod upfirdn;
mod upsample;
mod winograd;

pub use bias_act::{BiasAct, Rectifier};
pub use layer::{Layer, Padding, PaddingMode};
pub use modulated::ModulatedConv;
pub use stack::Stack;
pub use upfirdn::Upfirdn2d;
