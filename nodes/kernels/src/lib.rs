//! Operators of networks, as operations of candle's graph: fast ones for the CPU, and portable ones for any device.
//!
//! A [`Stack`] is a chain or a graph of [`Layer`]s: a feature extractor. With fixed weights [`Stack::apply`]
//! computes the outputs of any of its layers as *one* node of candle's graph, with its own vector-Jacobian
//! product with respect to the input. Only layers that these outputs need are computed, and a map is dropped
//! after its last reader.
//!
//! [`ModulatedConv`], [`AdaptiveNorm`], [`Upfirdn2d`] and [`FilteredLrelu`] are the operators of generators,
//! the StyleGAN family. They work on maps with channels last, `[n, h, w, c]`, so that no layout conversion is
//! needed between them. A [`ModulatedConv`] is a whole layer of StyleGAN2: a convolution, and the filter,
//! noise, bias and [`Rectifier`] after it. An [`AdaptiveNorm`] is what follows a convolution of the first
//! StyleGAN.
//!
//! # Two executors
//!
//! Where maps are on the CPU and weights fixed, the *kernels* compute them: what the rest of this page is about. On CUDA
//! and Metal, and on the CPU too if the environment says `DREAMWIRE_OPERATORS=portable`, it is the *portable operators*,
//! which are made of candle's own: [`is_portable`] tells which. A [`Stack`] and a [`ModulatedConv`] choose when they are
//! made, by their [`TensorOptions`]; the other operators of generators choose by the map's device. Both compute the same,
//! but for rounding. The portable operators have derivatives of any order (those after the first need candle's
//! `CANDLE_GRAD_DO_NOT_DETACH=1`), and with respect to weights. They keep all maps for a backward pass.
//!
//! Where weights train ([`TensorOptions::requires_grad`], [`Stack::from_weights`]), it is the portable operators on every
//! device; on the CPU their convolutions, resampling and layouts are computed by kernels, which are made of the same
//! parts as those of fixed weights, and have derivatives of any order. [`Upfirdn2d`], [`channels_first`] and
//! [`channels_last`] have them everywhere; [`AdaptiveNorm`] and [`FilteredLrelu`] only as portable operators, and their
//! weights do not train.
//!
//! Why not candle's own operators and their gradients, in either (all measured with candle 0.11.1 against central
//! differences):
//!
//! - `max_pool2d` divides gradients by the window's size and is wrong on odd sizes;
//! - `upsample_nearest2d` overwrites gradients that were already accumulated;
//! - every `backward()` also computes the gradients of the weights, which nobody reads here;
//! - relu'(0) is 1 there, and 0 in PyTorch.
//!
//! # Speed
//!
//! 3x3 convolutions use Winograd's minimal filtering where there are enough channels and pixels: F(4x4, 3x3)
//! at stride 1, and F(6x6, 3x3), which rounds more, for gradients of large maps. The transposed convolution
//! of stride 2 that upsamples a generator's map, and its adjoint, have schemes of their own, based on F(4,
//! 2). Scale, noise, bias, rectifier, clamp and a 2x2 max-pool after a convolution, and un-pooling and the
//! derivative of a rectifier in the backward pass, are applied while a tile is in registers.
//!
//! All other convolutions are matrix products without im2col. Windows are copied, some pixels at a time, only
//! where a map has few channels, like a picture; in the backward pass to such a map every pixel of the
//! gradient is multiplied by the whole kernel, and its part is added to the window that it came from.
//!
//! Hot loops are written once and run with the widest vectors of this CPU: AVX-512, AVX2 with FMA, or
//! portable loops. [`simd_level`] tells which; the environment variable `DREAMWIRE_SIMD` selects a lower
//! level, for tests and comparisons. Levels agree up to rounding.
//!
//! Work is split into tasks whose sizes depend on shapes alone, and runs on the current rayon pool: results
//! are bit-identical at any number of threads, and `pool.install(..)` around a call sets that number.
//!
//! # Memory
//!
//! For its backward pass a run of a [`Stack`] keeps one bit per output of a rectifier (if a pool is fused
//! with it, per pooled value), two bits per value of a fused max-pool, one byte per value of any other, and
//! the inputs of local response norms. If the input is not a variable and depends on none, nothing is kept.
//!
//! The operators of generators keep no maps of their own: their gradients are computed from inputs and
//! outputs, which candle's graph holds. For a [`ModulatedConv`] these are the map that it reads (the output
//! of the layer before), styles, noise and the output. Intermediate maps are dropped: the upsampled map
//! before its filter, and the map before noise, bias and rectifier, which is recovered from the output.
//!
//! Weights are kept in one packed copy per direction used, those of an upsampling convolution in one more if
//! it was applied to small maps. Winograd's transformed filters, four to seven times as large, are computed
//! in every call. Maps are reused buffers: up to 256 MiB of spare ones per number type stay with the process,
//! and every thread keeps its scratch.
//!
//! This crate does not know about files, plugins or architectures.

// Programs that link no plugin start without NVIDIA's driver too.
#[cfg(feature = "cuda")]
use dreamwire_cuda as _;

mod activation;
mod adaptive;
mod average_pool;
mod concat;
mod convolution;
mod demodulation;
mod element;
mod epilogue;
mod filtered_lrelu;
mod filters;
mod fir;
mod layer;
mod local_response;
mod max_pool;
mod memory;
mod modulated;
mod network;
mod op;
mod operators;
mod options;
mod padding;
mod product;
mod rectifier;
mod relu;
mod shared;
mod simd;
mod stack;
mod transposed;
mod turned;
mod upfirdn;
mod upsample;
mod windows;
mod winograd;

pub use adaptive::AdaptiveNorm;
pub use filtered_lrelu::FilteredLrelu;
pub use layer::{Layer, Padding, PaddingMode, Source};
pub use modulated::ModulatedConv;
pub use network::Peak;
pub use options::{TensorOptions, is_portable};
pub use rectifier::Rectifier;
pub use simd::simd_level;
pub use stack::Stack;
pub use turned::{channels_first, channels_last};
pub use upfirdn::Upfirdn2d;
