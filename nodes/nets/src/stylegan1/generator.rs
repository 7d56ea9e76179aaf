use std::collections::HashMap;

use candle_core::{DType, Result as CandleResult, Tensor};
use dreamwire_kernels::TensorOptions;
use serde_json::{Map, Value};

use super::layout::{First, Parameters, block, colours};
use super::{Mapping, StyleGan1, StyleGan1Error, Synthesis};

/// A generator's tensors, checked: complete, and of shapes that fit each other. Both networks are built from them.
pub struct Generator {
    parameters: Parameters,
    /// The last block that was trained.
    own: usize,
}

/// Parts of a checkpoint, the average over the training first.
const PARTS: [&str; 2] = ["g_running.", "generator."];
/// How the names of every generator begin.
const HEADS: [&str; 3] = ["style.", "generator.progression.", "generator.to_rgb."];

/// Whether these are tensors of such a generator, alone or in a checkpoint, by their names.
pub fn recognises(tensors: &HashMap<String, Tensor>) -> bool {
    tensors.keys().any(|name| name.contains("generator.progression.") || name.contains("generator.to_rgb."))
}

impl Generator {
    /// The generator among tensors named as style-based-gan-pytorch names them: `style.1.linear.weight_orig`,
    /// `generator.progression.0.conv1.input` and so on. Of a whole checkpoint the tensors of `g_running.` are used, or
    /// those of `generator.` if there are none, and the rest is ignored. All sizes are read off the tensors.
    ///
    /// Networks of NVIDIA's code have in addition `latent_avg`, the average of w; `noises.noise_0` and so on, a plane for
    /// every layer; and `generator.progression.0.bias1` and so on, the bias of a block's first layer, which is added behind
    /// the blur, where style-based-gan-pytorch adds it before.
    ///
    /// # Errors
    ///
    /// If tensors are missing or contradict each other (names them), or a blur is not the same for all channels.
    pub fn new(tensors: HashMap<String, Tensor>) -> Result<Self, StyleGan1Error> {
        let parameters = Parameters::new(part(tensors))?;
        for (index, sizes) in parameters.layout.blocks.iter().enumerate() {
            if sizes.first == First::Constant {
                continue;
            }
            let [_, _, blur] = sizes.first.names();
            let name = format!("{}.{blur}", block(index));
            if !is_uniform(parameters.get(&name))? {
                return Err(StyleGan1Error::Blur { name });
            }
        }
        let own = trained(&parameters)?;
        Ok(Self { parameters, own })
    }

    /// The generator with what a file says besides its tensors: `norm_epsilon`, also in a group `synthesis_kwargs`, is
    /// added to the variances of its norms. Without it that is 1e-5, as in PyTorch; NVIDIA's code has 1e-8. Other settings
    /// are ignored.
    ///
    /// # Errors
    ///
    /// If it is no positive number.
    pub fn with_settings(mut self, settings: &Map<String, Value>) -> Result<Self, StyleGan1Error> {
        let below = || settings.get("synthesis_kwargs")?.get("norm_epsilon");
        if let Some(found) = settings.get("norm_epsilon").or_else(below) {
            let number = found.as_f64().filter(|number| (1e-12..=1.0).contains(number));
            let refused = || StyleGan1Error::Epsilon { found: found.to_string() };
            self.parameters.epsilon = number.ok_or_else(refused)?;
        }
        Ok(self)
    }

    /// Height and width of the largest pictures that the network was trained for, in pixels.
    ///
    /// Files have the blocks of all resolutions up to 1024, also where the training ended earlier. Its biases begin as
    /// zeros, so the colours of a block with other biases were trained. If there are none, it is the last block.
    pub fn resolution(&self) -> usize {
        4 << self.own
    }

    /// The two networks, which compute with `options`, in F32 or F64, and paint at `resolution` pixels, or at their own.
    ///
    /// `blend` is the share of the last block in the picture, 1 if it is finished; the rest is the picture of
    /// the block before, enlarged. (style-based-gan-pytorch calls it `alpha`, and `log2(resolution) - 2` the `step`.)
    ///
    /// # Errors
    ///
    /// If there is no block of this resolution, or `blend` is not in 0..=1; and those of candle.
    pub fn build(
        &self,
        resolution: Option<usize>,
        blend: f64,
        options: impl Into<TensorOptions>,
    ) -> Result<StyleGan1, StyleGan1Error> {
        let options = options.into();
        let count = self.parameters.layout.blocks.len();
        let found = resolution.unwrap_or(self.resolution());
        let Some(last) = (0..count).find(|index| 4usize << *index == found) else {
            return Err(StyleGan1Error::Resolution { found, largest: 4 << (count - 1) });
        };
        if !(0.0..=1.0).contains(&blend) {
            return Err(StyleGan1Error::Blend { found: blend });
        }
        Ok(StyleGan1 {
            mapping: Mapping::new(&self.parameters, 2 * (last + 1), &options)?,
            synthesis: Synthesis::new(&self.parameters, last, blend, &options)?,
        })
    }
}

/// The generator's part of a checkpoint; everything if there are no parts.
fn part(tensors: HashMap<String, Tensor>) -> HashMap<String, Tensor> {
    let is_own = |name: &str| HEADS.iter().any(|head| name.starts_with(head));
    // The names of a generator begin with `generator.` already.
    let is_part = |part: &&str| tensors.keys().any(|name| name.strip_prefix(*part).is_some_and(is_own));
    let Some(part) = PARTS.iter().find(|part| is_part(part)) else { return tensors };
    let rest = |(name, tensor): (String, Tensor)| Some((name.strip_prefix(part)?.to_owned(), tensor));
    tensors.into_iter().filter_map(rest).collect()
}

/// Whether all channels of a blur `[c, 1, 3, 3]` have the same kernel.
fn is_uniform(blur: &Tensor) -> CandleResult<bool> {
    let channels = blur.to_dtype(DType::F64)?.flatten_from(1)?.to_vec2::<f64>()?;
    Ok(channels.windows(2).all(|pair| pair[0] == pair[1]))
}

/// The last block whose colours were trained, or the last one.
fn trained(parameters: &Parameters) -> CandleResult<usize> {
    let last = parameters.layout.blocks.len() - 1;
    for index in (0..=last).rev() {
        let bias = parameters.get(&format!("{}.bias", colours(index))).to_dtype(DType::F64)?;
        if bias.to_vec1::<f64>()?.iter().any(|number| *number != 0.0) {
            return Ok(index);
        }
    }
    Ok(last)
}
