//! The first StyleGAN's generator (Karras et al., "A Style-Based Generator Architecture for Generative Adversarial
//! Networks", arXiv:1812.04948), by the tensor names of rosinality's style-based-gan-pytorch.
//!
//! A [`Mapping`] turns random numbers `z` into styles `w`, one per layer, and a [`Synthesis`] turns styles into a
//! picture. It has a block for each resolution r = 4, 8, .. R, and a block has two layers:
//!
//! | layer | of `x [B, r, r, C]` | w of block k |
//! |---|---|---|
//! | first | upsamples by 2, convolves and blurs; in block 0 it is a constant | `2 k` |
//! | second | convolves | `2 k + 1` |
//!
//! After either: noise, one plane for all channels, times a strength per channel; leaky ReLU; and adaptive instance
//! normalisation, which gives each channel the mean and the deviation that the layer's style says. So there are
//! `2 log2(R) - 2` layers of `w`, and what [`crate::stylegan`] does with latents applies to these too.
//!
//! Of two implementations, NVIDIA's and rosinality's, [`Generator::new`] and [`Generator::with_settings`] say in what they
//! differ: where the first bias is added, planes of noise, the average of w, and the epsilon of the norms.
//!
//! Such networks were trained progressively. The picture is made from the last block alone; a file has the colours of
//! every block, so it can paint at any of its resolutions, and while a block was faded in, its picture was blended with
//! that of the block before.

use std::collections::HashMap;

use candle_core::Tensor;
use dreamwire_kernels::TensorOptions;

use crate::parameters::ParameterError;

mod block;
mod generator;
mod layout;
mod mapping;
mod synthesis;
#[cfg(test)]
mod tests;

pub use generator::{Generator, recognises};
pub use mapping::Mapping;
pub use synthesis::Synthesis;

/// A generator's two networks. Cloning shares the weights.
#[derive(Clone)]
pub struct StyleGan1 {
    /// From `z` to `w`.
    pub mapping: Mapping,
    /// From `w` to pictures.
    pub synthesis: Synthesis,
}

/// Tensors or settings that no generator can be built from.
#[derive(Debug, thiserror::Error)]
pub enum StyleGan1Error {
    /// Tensors that are missing, superfluous, or do not fit each other.
    #[error(transparent)]
    Parameters(#[from] ParameterError),
    /// A blur that differs from channel to channel.
    #[error("the kernels of `{name}` must be the same for all channels")]
    Blur {
        /// The tensor.
        name: String,
    },
    /// A resolution without a block.
    #[error("this network paints at 4, 8, 16, .. {largest} px, found {found}")]
    Resolution {
        /// The requested resolution, in pixels.
        found: usize,
        /// The resolution of the last block.
        largest: usize,
    },
    /// A share of the last block that is no share.
    #[error("the blend must be 0 to 1, found {found}")]
    Blend {
        /// The requested share.
        found: f64,
    },
    /// What norms add to variances is no such number.
    #[error("`norm_epsilon` must be a number from 1e-12 to 1, found {found}")]
    Epsilon {
        /// What the file says.
        found: String,
    },
    /// An error of candle.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}

impl StyleGan1 {
    /// The networks of [`Generator::new`], at their own resolution.
    ///
    /// # Errors
    ///
    /// As [`Generator::new`].
    pub fn new(
        tensors: HashMap<String, Tensor>,
        options: impl Into<TensorOptions>,
    ) -> Result<Self, StyleGan1Error> {
        Generator::new(tensors)?.build(None, 1.0, options)
    }
}
