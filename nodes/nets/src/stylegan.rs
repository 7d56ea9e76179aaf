//! StyleGAN2's generator (Karras et al., "Analyzing and Improving the Image Quality of StyleGAN",
//! arXiv:1912.04958, with the training of "Training Generative Adversarial Networks with Limited
//! Data", arXiv:2006.06676), skip architecture, by the tensor names of stylegan2-ada-pytorch.
//!
//! A [`Mapping`] turns random numbers `z` into styles `w`, one per layer, and a [`Synthesis`] turns styles
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
//! Latents are mixed, truncated and interpolated by [`mix`], [`truncate`] and [`interpolate()`]; [`randn()`]
//! draws the `z` of a seed as NVIDIA's tools do.

use std::collections::HashMap;

use candle_core::{DType, Tensor};

use crate::parameters::ParameterError;

mod architecture;
mod interpolate;
mod latents;
mod layer;
mod layout;
mod mapping;
mod randn;
mod random;
mod synthesis;

pub use interpolate::{Interpolation, interpolate};
pub use latents::{NotLatents, check_latents, mix, truncate};
use layout::Parameters;
pub use mapping::Mapping;
pub use randn::randn;
pub use random::{check_resolution, random_tensors};
pub use synthesis::Synthesis;

/// Slope of the negative side of every leaky ReLU.
const SLOPE: f64 = 0.2;

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
    /// An error of candle.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}

impl StyleGan {
    /// Builds the generator from tensors named as stylegan2-ada-pytorch names them: `mapping.fc0.weight`,
    /// `synthesis.b4.conv1.weight` and so on. Of a whole checkpoint the tensors of `G_ema.` are used, or
    /// those of `G.` if there are none, and the rest is ignored. All sizes are read off the tensors.
    ///
    /// Activations and contributions to the picture are clamped to +-`clamp`, which is 256 in NVIDIA's
    /// configurations for f16 and changes nothing in a healthy network. Computes in `dtype`, F32 or F64.
    ///
    /// # Errors
    ///
    /// If these are the weights of another network (says which, where it is a well-known one), or
    /// tensors are missing or contradict each other (names them).
    pub fn new(
        tensors: HashMap<String, Tensor>,
        clamp: Option<f64>,
        dtype: DType,
    ) -> Result<Self, StyleGanError> {
        let tensors = generator(tensors);
        if let Some((what, hint)) = architecture::recognise(&tensors) {
            return Err(StyleGanError::OtherNetwork { what, hint });
        }
        let parameters = Parameters::new(tensors)?;
        Ok(Self {
            mapping: Mapping::new(&parameters, dtype)?,
            synthesis: Synthesis::new(&parameters, clamp, dtype)?,
        })
    }
}

/// The generator's part of a checkpoint; everything if there are no parts.
fn generator(tensors: HashMap<String, Tensor>) -> HashMap<String, Tensor> {
    let is_part = |prefix: &&str| tensors.keys().any(|name| name.starts_with(*prefix));
    let Some(prefix) = ["G_ema.", "G."].into_iter().find(is_part) else { return tensors };
    let rest = |(name, tensor): (String, Tensor)| Some((name.strip_prefix(prefix)?.to_owned(), tensor));
    tensors.into_iter().filter_map(rest).collect()
}
