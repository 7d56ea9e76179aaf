use std::collections::HashMap;

use candle_core::Tensor;
use dreamwire_kernels::TensorOptions;

use super::layout::Parameters;
use super::{StyleGan, StyleGanError, Synthesis, architecture};

/// A generator's tensors, checked: complete, and of shapes that fit each other. Both networks are built from them.
pub struct Generator {
    pub(super) parameters: Parameters,
}

impl Generator {
    /// The generator among tensors named as stylegan2-ada-pytorch names them: `mapping.fc0.weight`,
    /// `synthesis.b4.conv1.weight` and so on. Of a whole checkpoint the tensors of `G_ema.` are used, or
    /// those of `G.` if there are none, and the rest is ignored. All sizes are read off the tensors.
    ///
    /// # Errors
    ///
    /// If these are the weights of another network (says which, where it is a well-known one), or
    /// tensors are missing or contradict each other (names them).
    pub fn new(tensors: HashMap<String, Tensor>) -> Result<Self, StyleGanError> {
        let tensors = part(tensors);
        if let Some((what, hint)) = architecture::recognise(&tensors) {
            return Err(StyleGanError::OtherNetwork { what, hint });
        }
        Ok(Self { parameters: Parameters::new(tensors)? })
    }

    /// Layers of `w`.
    pub fn layers(&self) -> usize {
        self.parameters.layout.styles()
    }

    /// Width of one style.
    pub fn w_width(&self) -> usize {
        self.parameters.layout.w_width()
    }

    /// The two networks, which compute with `options`, in F32 or F64.
    ///
    /// Activations and contributions to the picture are clamped to +-`clamp`, which is 256 in NVIDIA's
    /// configurations for f16 and changes nothing in a healthy network.
    ///
    /// # Errors
    ///
    /// Those of candle.
    pub fn build(
        &self,
        clamp: Option<f64>,
        options: impl Into<TensorOptions>,
    ) -> Result<StyleGan, StyleGanError> {
        let options = options.into();
        Ok(StyleGan {
            mapping: self.parameters.mapping(&options)?,
            synthesis: Synthesis::new(&self.parameters, clamp, &options)?,
        })
    }
}

/// The generator's part of a checkpoint; everything if there are no parts.
pub(crate) fn part(tensors: HashMap<String, Tensor>) -> HashMap<String, Tensor> {
    let is_part = |prefix: &&str| tensors.keys().any(|name| name.starts_with(*prefix));
    let Some(prefix) = ["G_ema.", "G."].into_iter().find(is_part) else { return tensors };
    let rest = |(name, tensor): (String, Tensor)| Some((name.strip_prefix(prefix)?.to_owned(), tensor));
    tensors.into_iter().filter_map(rest).collect()
}
