use std::collections::HashMap;

use candle_core::Tensor;
use candle_nn::VarBuilder;
use dreamwire_kernels::TensorOptions;

use super::layout::{Layout, Parameters};
use super::mapping::AVERAGE;
use super::{StyleGan, StyleGanError, Synthesis, architecture, trained};

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
        build(&self.parameters, clamp, &options.into())
    }

    /// The two networks to train: as [`Generator::build`], but weights, biases, the constant and the strengths of noise are
    /// those of `weights`, under the same names, in its number type and on its device, and outputs are differentiable with
    /// respect to them, as often as you like. Of the own tensors their shapes are used, the filters, the planes of noise
    /// and the average w, which is 0 if there is none. A [`VarMap`](candle_nn::VarMap) gets those that it does not have
    /// yet, as NVIDIA's training draws them.
    ///
    /// The networks are those of the present values: make others after every step of an optimiser, which is cheap.
    ///
    /// # Errors
    ///
    /// Those of candle, and if `weights` lacks a tensor or has another shape of it.
    pub fn trainable(&self, clamp: Option<f64>, weights: &VarBuilder) -> Result<StyleGan, StyleGanError> {
        let layout = Layout::of(&self.parameters.tensors);
        let options = trained::options(weights);
        let mut tensors = trained::variables(&self.parameters.tensors, weights)?;
        if !tensors.contains_key(AVERAGE) {
            tensors.insert(AVERAGE.into(), Tensor::zeros(layout.w_width(), options.dtype, &options.device)?);
        }
        build(&Parameters { layout, tensors }, clamp, &options)
    }
}

fn build(
    parameters: &Parameters,
    clamp: Option<f64>,
    options: &TensorOptions,
) -> Result<StyleGan, StyleGanError> {
    Ok(StyleGan {
        mapping: parameters.mapping(options)?,
        synthesis: Synthesis::new(parameters, clamp, options)?,
    })
}

/// The generator's part of a checkpoint; everything if there are no parts.
pub(crate) fn part(tensors: HashMap<String, Tensor>) -> HashMap<String, Tensor> {
    let is_part = |prefix: &&str| tensors.keys().any(|name| name.starts_with(*prefix));
    let Some(prefix) = ["G_ema.", "G."].into_iter().find(is_part) else { return tensors };
    let rest = |(name, tensor): (String, Tensor)| Some((name.strip_prefix(prefix)?.to_owned(), tensor));
    tensors.into_iter().filter_map(rest).collect()
}
