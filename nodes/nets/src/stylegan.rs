//! StyleGAN2's networks (Karras et al., "Analyzing and Improving the Image Quality of StyleGAN",
//! arXiv:1912.04958, with the training of "Training Generative Adversarial Networks with Limited
//! Data", arXiv:2006.06676), by the tensor names of stylegan2-ada-pytorch.
//!
//! A [`Mapping`] turns random numbers `z`, and a class in networks that have classes, into styles `w`, one per layer, and
//! a [`Synthesis`] turns styles
//! into a picture. It has a block for each resolution r = 4, 8, .. R, and a block uses the layers of `w` one
//! after the other:
//!
//! | part | of `x [B, r, r, C]` | w of b4 | w of b8 | w of b16 |
//! |---|---|---|---|---|
//! | `conv0` | upsamples by 2, not in b4 | | 1 | 3 |
//! | `conv1` | keeps the size | 0 | 2 | 4 |
//! | `torgb` | to channels of the picture, added to the upsampled picture of the block before | 1 | 3 | 5 |
//!
//! So there are `2 log2(R) - 2` layers of `w`, and every `torgb` shares its `w` with the `conv0` after
//! it. A `conv` is: scale the input channels by styles, an affine map of `w`; convolve; scale back to
//! unit variance; add noise, one plane for all channels; add the bias; leaky ReLU.
//!
//! This is the skip architecture, which is usual. In the others only the last block has a `torgb`; in the resnet
//! architecture a 1x1 convolution `skip` leads around every block but b4. Tensors tell which it is.
//!
//! A [`Discriminator`] judges pictures: its blocks are those of the resnet architecture in the opposite order, unless
//! tensors tell another one.
//!
//! [`Generator::trainable`] and [`Discriminator::trainable`] are the same networks of variables, which [`is_trained`]
//! names. Their outputs have derivatives of any order with respect to these, as the penalties on gradients need: R1 (Mescheder
//! et al., arXiv:1801.04406) and path length (arXiv:1912.04958, section 3.2). Derivatives after the first need candle's
//! `CANDLE_GRAD_DO_NOT_DETACH=1`.
//!
//! Latents are mixed, truncated and interpolated by [`mix`], [`truncate`] and [`interpolate()`]; [`randn()`]
//! draws the `z` of a seed as NVIDIA's tools do. [`Projector`] searches for the latent of a given picture, and [`Prior`]
//! says how typical a latent is. [`Generator::directions`] finds what a style can be moved along, and
//! [`Generator::swapped`] makes one network of two. [`Synthesis::tiled`] paints wider and higher pictures.

use std::collections::HashMap;

use candle_core::Tensor;
use dreamwire_kernels::TensorOptions;

use crate::parameters::ParameterError;

mod architecture;
mod blend;
mod convolution;
mod directions;
mod discriminator;
mod filter;
mod generator;
mod interpolate;
mod latents;
mod layer;
mod layout;
mod mapping;
mod mapping_layers;
mod prior;
mod project;
mod randn;
mod random;
mod synthesis;
mod tiles;
mod trained;

pub use blend::MappingOf;
pub use directions::Directions;
pub use discriminator::{Discriminator, DiscriminatorLayer};
pub use generator::Generator;
pub(crate) use generator::part;
pub use interpolate::{Interpolation, interpolate};
pub use latents::{NotLatents, check_latents, mix, truncate, truncate_to};
pub(crate) use layer::dense;
pub use mapping::Mapping;
pub(crate) use mapping_layers::{LEARNING_RATE, MappingSizes};
pub use prior::Prior;
pub use project::{Projector, Schedule, Space, average_and_spread, noise_penalty, normal_latents};
pub use randn::randn;
pub(crate) use random::uniform;
pub use random::{check_resolution, random_tensors};
pub use synthesis::Synthesis;
pub use tiles::Tiles;
pub use trained::is_trained;

/// Slope of the negative side of every leaky ReLU.
pub(crate) const SLOPE: f64 = 0.2;
/// Of both summands of a block of the resnet architecture: the sum has the variance of one.
const RESIDUAL_GAIN: f64 = std::f64::consts::FRAC_1_SQRT_2;

/// A generator's two networks. Cloning shares the weights.
#[derive(Clone)]
pub struct StyleGan {
    /// From `z` to `w`.
    pub mapping: Mapping,
    /// From `w` to pictures.
    pub synthesis: Synthesis,
}

/// Tensors that no generator can be built from.
#[derive(Debug, thiserror::Error)]
pub enum StyleGanError {
    /// The weights of another, recognised network.
    #[error("these are the weights of {what}; {hint}")]
    OtherNetwork {
        /// The network.
        what: &'static str,
        /// What to do about it.
        hint: &'static str,
    },
    /// Tensors that are missing, superfluous, or do not fit each other.
    #[error(transparent)]
    Parameters(#[from] ParameterError),
    /// A size without a random network.
    #[error("a random network must have a size of 16, 32, 64, .. 1024 pixels, found {found}")]
    Resolution {
        /// The requested size, in pixels.
        found: usize,
    },
    /// A layer of `w` that the network does not have.
    #[error("there is no layer {found}: this network has {count}, 0 to {}", count.saturating_sub(1))]
    Layer {
        /// The requested layer.
        found: usize,
        /// The layers of the network.
        count: usize,
    },
    /// NaN or infinity in the weights.
    #[error("tensor `{name}` has values that are NaN or infinite")]
    NotFinite {
        /// The tensor.
        name: String,
    },
    /// Eigenvectors that were not found.
    #[error("no directions were found in {steps} steps")]
    NoDirections {
        /// The steps that were tried.
        steps: usize,
    },
    /// Styles without a distribution.
    #[error("no distribution can be computed from {count} styles: they must be finite, and differ")]
    NoCloud {
        /// The styles that were given.
        count: usize,
    },
    /// Two networks whose blocks cannot be exchanged.
    #[error(
        "the blocks of the two networks do not have the same sizes: the coarse one is {coarse}; the fine one is {fine}"
    )]
    Differ {
        /// Sizes of one of them.
        coarse: String,
        /// Sizes of the other.
        fine: String,
    },
    /// A size at which no block but the first one begins.
    #[error(
        "no block can be exchanged from {found} px on: these networks have blocks of 4 to {largest} px, and the first \
         exchanged one must be 8, 16, .. {largest}"
    )]
    Block {
        /// The requested size.
        found: usize,
        /// The size of the last block.
        largest: usize,
    },
    /// An error of candle.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}

impl StyleGan {
    /// The networks of [`Generator::new`], as [`Generator::build`] makes them.
    ///
    /// # Errors
    ///
    /// As [`Generator::new`].
    pub fn new(
        tensors: HashMap<String, Tensor>,
        clamp: Option<f64>,
        options: impl Into<TensorOptions>,
    ) -> Result<Self, StyleGanError> {
        Generator::new(tensors)?.build(clamp, options)
    }
}
