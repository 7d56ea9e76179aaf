use std::collections::HashMap;

use candle_core::Tensor;
use dreamwire_kernels::TensorOptions;

use super::layout::Parameters;
use super::{Band, Settings, StyleGan3, StyleGan3Error, Synthesis};
use crate::stylegan::{Mapping, part};

/// A generator's tensors, checked: complete, and of shapes that fit each other. Both networks are built from them.
pub struct Generator {
    parameters: Parameters,
}

impl Generator {
    /// The generator among tensors named as NVIDIA's stylegan3 names them: `mapping.fc0.weight`, `synthesis.input.freqs`,
    /// `synthesis.L0_36_512.weight` and so on. Of a whole checkpoint the tensors of `G_ema.` are used, or those of `G.`
    /// if there are none, and the rest is ignored. All sizes are read off the names and tensors.
    ///
    /// # Errors
    ///
    /// If tensors are missing, contradict each other, or are not finite (names them), or if `settings` are not those that
    /// the network was made with.
    pub fn new(tensors: HashMap<String, Tensor>, settings: &Settings) -> Result<Self, StyleGan3Error> {
        Ok(Self { parameters: Parameters::new(part(tensors), settings)? })
    }

    /// Frequencies and rates of the layers.
    pub fn bands(&self) -> &[Band] {
        &self.parameters.layout.bands
    }

    /// The two networks, which compute with `options`, in F32 or F64. Activations and the picture are clamped to
    /// +-`clamp`, 256 in all released networks, in which it changes nothing.
    ///
    /// # Errors
    ///
    /// If a layer's `magnitude_ema` is not positive; those of candle.
    pub fn build(
        &self,
        clamp: Option<f64>,
        options: impl Into<TensorOptions>,
    ) -> Result<StyleGan3, StyleGan3Error> {
        let (Self { parameters }, options) = (self, options.into());
        let layout = &parameters.layout;
        let mapping = Mapping::new(&layout.mapping, &parameters.tensors, layout.styles(), &options)?;
        Ok(StyleGan3 { mapping, synthesis: Synthesis::new(parameters, clamp, &options)? })
    }
}
