//! Networks and optimisers, on candle tensors.
//!
//! - [`vgg`]: VGG16's feature extractor, and the names of its layers;
//! - [`adain`]: adaptive instance normalisation, and the decoder that turns its result into a picture;
//! - [`stylegan`]: StyleGAN2's generator, and what is done with its latents;
//! - [`weights`]: bytes of a safetensors file to named tensors, with clear words about other files;
//! - [`optim`]: the step rules, octaves, jitter and resampling of gradient ascent on pictures.
//!
//! Pictures are `[B, H, W, 3]` in 0..1, feature maps `[B, C, h, w]`. Nothing here opens a file, and
//! nothing here knows about plugins: whoever calls brings bytes and tensors.

pub mod adain;
pub mod optim;
mod parameters;
pub mod stylegan;
pub mod vgg;
pub mod weights;

pub use dreamwire_kernels::PaddingMode;
pub use parameters::ParameterError;
