//! StyleGAN3's generator (Karras et al., "Alias-Free Generative Adversarial Networks", arXiv:2106.12423), in both
//! configurations, T (a shifted input shifts the picture) and R (a rotated one rotates it too), by the tensor names of
//! NVIDIA's stylegan3.
//!
//! The mapping is StyleGAN2's [`Mapping`], with two layers unless trained otherwise. A
//! [`Synthesis`] turns its styles into a picture:
//!
//! | part | makes `[B, h, w, C]` | w |
//! |---|---|---|
//! | `input` | waves of fixed frequencies, moved and turned by an affine map of `w` and by the caller | 0 |
//! | `L0` to `L(n-1)` | a modulated convolution, then a leaky ReLU between two low-pass filters | 1 to n |
//! | `Ln` | a modulated convolution to the channels of the picture | n + 1 |
//!
//! Maps are continuous signals, sampled at a rate that grows with the layers' frequencies ([`Band`]), and larger than
//! the picture by a margin, so that what lies beyond its border is known. Networks differ from T to R in their tensors
//! alone: kernels of 3x3 or 1x1, and filters for downsampling along both axes or radial ones, `[k]` or `[k, k]`. Filters
//! are part of the weights. Rates and sizes are not, they follow from a handful of [`Settings`].

use std::collections::HashMap;

use candle_core::Tensor;
use dreamwire_kernels::TensorOptions;

use crate::parameters::ParameterError;
use crate::stylegan::Mapping;

mod band;
mod generator;
mod input;
mod layer;
mod layout;
mod lowpass;
mod random;
mod resampling;
mod settings;
mod synthesis;

pub use band::Band;
pub use generator::Generator;
pub use random::random_tensors;
pub use settings::Settings;
pub use synthesis::Synthesis;

/// A generator's two networks. Cloning shares the weights.
#[derive(Clone)]
pub struct StyleGan3 {
    /// From `z` to `w`.
    pub mapping: Mapping,
    /// From `w` to pictures.
    pub synthesis: Synthesis,
}

impl StyleGan3 {
    /// The networks of [`Generator::new`], as [`Generator::build`] makes them.
    ///
    /// # Errors
    ///
    /// As these two.
    pub fn new(
        tensors: HashMap<String, Tensor>,
        settings: &Settings,
        clamp: Option<f64>,
        options: impl Into<TensorOptions>,
    ) -> Result<Self, StyleGan3Error> {
        Generator::new(tensors, settings)?.build(clamp, options)
    }
}

/// Tensors or settings that no generator can be built from.
#[derive(Debug, thiserror::Error)]
pub enum StyleGan3Error {
    /// Tensors that are missing, superfluous, or do not fit each other.
    #[error(transparent)]
    Parameters(#[from] ParameterError),
    /// A setting that is not a number, or out of range.
    #[error("StyleGAN3's setting `{name}` must be {expected}, found {found}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// The numbers that it may have.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// Tensors whose names tell other sizes than the settings give.
    #[error(
        "`{layer}` of this StyleGAN3 generator makes maps of {found} pixels, but the settings that it was built with \
         give {expected}: its settings are stored in the .pkl that it comes from"
    )]
    Sizes {
        /// The layer.
        layer: String,
        /// Height and width by the name of the layer.
        found: usize,
        /// Height and width by the settings.
        expected: usize,
    },
    /// Settings whose frequencies no map can hold.
    #[error(
        "the settings of this StyleGAN3 generator are not plausible: layer {layer} would keep {cutoff} waves per \
             picture, with {rate} samples"
    )]
    Frequencies {
        /// The layer.
        layer: usize,
        /// The highest frequency that it keeps.
        cutoff: f64,
        /// Samples per picture.
        rate: usize,
    },
    /// NaN or infinity in the weights.
    #[error("tensor `{name}` has values that are NaN or infinite")]
    NotFinite {
        /// The tensor.
        name: String,
    },
    /// A mean square that no layer can be divided by.
    #[error("`{name}` must be above 0, found {found}")]
    Magnitude {
        /// The tensor.
        name: String,
        /// Its value.
        found: f64,
    },
    /// An error of candle.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}

/// Whether these are the tensors of a StyleGAN3 generator, with any prefix, as far as names tell.
pub fn recognises(tensors: &HashMap<String, Tensor>) -> bool {
    tensors.keys().any(|name| name.contains("synthesis.input.") || name.contains("synthesis.L0_"))
}
