//! Networks and optimisers, on candle tensors.
//!
//! - [`extractor`]: networks that look at pictures, with layers that are asked for by name: those of [`vgg`],
//!   [`googlenet`] and [`squeezenet`];
//! - [`imagenet`]: the names of the classes that such networks were trained on;
//! - [`objective`]: numbers for how much of something a picture has, and how far it is from another;
//! - [`adain`]: adaptive instance normalisation, and the decoder that turns its result into a picture;
//! - [`stylegan`]: StyleGAN2's generator, and what is done with its latents; [`stylegan1`]: that of the first
//!   StyleGAN; [`stylegan3`]: StyleGAN3's;
//! - [`weights`]: bytes of a file of network weights to named tensors, with clear words about other files;
//! - [`optim`]: the step rules, octaves, jitter and resampling of gradient ascent on pictures;
//! - [`random`]: random numbers by position.
//!
//! A network computes in the number type, and on the device, of the [`TensorOptions`] that it is built with, an
//! [`extractor`] in the type of its weights. Weights are read to the CPU and prepared there in f64; what a network holds
//! is then moved to its device. Everything else works where the tensors are that it is given.
//!
//! Pictures are `[B, H, W, 3]` in 0..1, feature maps `[B, C, h, w]`. This crate opens no files and knows
//! nothing of plugins: callers provide bytes and tensors.

pub mod adain;
pub mod extractor;
pub mod googlenet;
pub mod imagenet;
mod kept;
pub mod objective;
pub mod optim;
mod parameters;
pub mod random;
pub mod squeezenet;
pub mod stylegan;
pub mod stylegan1;
pub mod stylegan3;
pub mod vgg;
pub mod weights;

pub use dreamwire_kernels::{PaddingMode, Peak, TensorOptions};
pub use kept::{Content, Kept};
pub use parameters::ParameterError;
