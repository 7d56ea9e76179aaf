use dreamwire_nets::adain::{Decoder, coral, transfer};
use dreamwire_nets::weights::{self, Family, Weights};
use dreamwire_nets::{Content, Kept};
use dreamwire_sdk::Bytes;
use dreamwire_sdk::candle::DeviceLocation;
use dreamwire_sdk::prelude::*;

use crate::builtin;
use crate::descent::{Descent, Pace, Wish};
use crate::encoder::Encoder;
use crate::need;

/// Paints the content in the colours and textures of the style.
///
/// `features` encodes both pictures. Adaptive instance normalisation gives every channel of the content's
/// features the style's mean and standard deviation, `adain(c, s) = std(s) (c - mean(c)) / std(c) + mean(s)`
/// (unbiased, 1e-5 added to variances), and `alpha` interpolates:
/// `t = alpha * adain(c, s) + (1 - alpha) * c`.
///
/// A decoder turns t into a picture in one pass. The built-in decoders need VGGFeatures with the built-in
/// weights, layer `relu3_1` (`builtin`) or `relu4_1`, and padding `reflect`; pytorch-AdaIN's needs its own encoder,
/// layer `relu4_1` and padding `reflect`.
///
/// With `refine` the decoded picture's pixels are then optimised, by gradient descent (Adam) on the loss that
/// AdaIN's decoder is trained with: the distance to t at the last layer of `features` and to the style's
/// statistics at every layer,
/// `mean (F_L(x) - t)^2 + strength * sum_l w_l (mean (mean_l - m_l)^2 + mean (std_l - s_l)^2)`, each divided
/// by the mean variance of the style's channels, so that weights mean the same at every layer, and
/// `smoothness * mean (dx^2 + dy^2)`. With `relu1_1, relu2_1, relu3_1, relu4_1` as layers, 10 to 20 steps
/// remove what the decoder leaves of its own texture, and bring strokes. With `decoder` "none" the same
/// descent starts from the content, for `steps` steps: slower, but for any network.
///
/// `content` is `[B,H,W,3]` in 0..1; `style` is one picture or B of them, of any size. The result has
/// the content's size, in 0..1.
///
/// Errors: features without the decoder's layer; a decoder file of another layout; more memory than there is; a
/// gradient that is not finite.
///
/// Source: Huang & Belongie, arXiv:1703.06868; pytorch-AdaIN; Sun, Feng & Saenko, arXiv:1511.05547
/// (`preserve_color`).
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// Strength of the style: 0 returns the content (encoded and decoded, if there is a decoder), 1 is full
    /// style.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-dw-step" = 0.01))]
    pub(crate) alpha: f64,
    /// `builtin`, of `relu3_1`, or `relu4_1`, which paints in strokes; `none` to optimise the pixels; or a file as
    /// PyTorch saved it (`.pth`, `.pt`) or a `.safetensors`: pytorch-AdaIN's decoder of `relu4_1` (`1.weight` to
    /// `28.bias`, or with the prefix `decoder.` in one file with its encoder), or one built like a built-in decoder.
    #[schemars(extend("format" = "dw-weights", "x-dw-builtin" = ["builtin", "relu4_1", "none"]))]
    pub(crate) decoder: String,
    /// Keep the content's colours: first, the style's colours get the content's mean, deviations and
    /// correlations (CORAL).
    pub(crate) preserve_color: bool,
    /// Number of descent steps on the decoder's picture; 0 leaves it as it is.
    #[schemars(range(min = 0, max = 10000))]
    pub(crate) refine: usize,
    /// Without a decoder: number of descent steps on the content.
    #[schemars(range(min = 1, max = 10000))]
    pub(crate) steps: usize,
    /// In the descent: how far a pixel moves in the first step, in 1/255 of the picture's range; later steps
    /// are shorter, and the last one is almost 0.
    #[schemars(range(min = 0.0, max = 255.0), extend("x-dw-step" = 0.1, "x-dw-unit" = "1/255"))]
    pub(crate) rate: f64,
    /// In the descent: weight of the style's statistics, relative to the content.
    #[schemars(range(min = 0.0, max = 100000.0), extend("x-dw-step" = 1.0))]
    pub(crate) strength: f64,
    /// In the descent: weight of the differences between neighbouring pixels; 0 leaves grain that networks are
    /// insensitive to, 20 or more paints softly.
    #[schemars(range(min = 0.0, max = 10000.0), extend("x-dw-step" = 0.5))]
    pub(crate) smoothness: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            alpha: 1.0,
            decoder: builtin::NAME.to_owned(),
            preserve_color: false,
            refine: 0,
            steps: 60,
            rate: 8.0,
            strength: 100.0,
            smoothness: 5.0,
        }
    }
}

impl Params {
    /// What to say about params that were changed and change nothing.
    fn without_effect(&self) -> Option<String> {
        let usual = Self::default();
        let decodes = self.decoder != NO_DECODER;
        let mut unused = Vec::new();
        if decodes && self.refine == 0 {
            let descent = [
                ("rate", self.rate != usual.rate),
                ("strength", self.strength != usual.strength),
                ("smoothness", self.smoothness != usual.smoothness),
            ];
            unused.extend(descent.into_iter().filter(|(_, is_changed)| *is_changed).map(|(name, _)| name));
        }
        if decodes && self.steps != usual.steps {
            unused.push("steps");
        }
        if !decodes && self.refine > 0 {
            unused.push("refine");
        }
        let names = unused.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let why = match (decodes, self.refine) {
            (false, _) => "`refine` follows a decoder, and without one `steps` counts",
            (true, 0) => "there is no descent unless `refine` is above 0, or `decoder` is none",
            (true, _) => "with a decoder `refine` is the number of steps",
        };
        (!unused.is_empty()).then(|| format!("{names} without effect: {why}"))
    }
}

/// The pictures of a port, without alpha.
fn opaque(inputs: &Inputs, port: &str) -> Result<Tensor> {
    let image = inputs.image(port)?;
    match image.dim(3)? {
        4 => Err(Error::shape(port, format!("`{port}` has alpha, which this kind cannot take"))
            .hint("put a `SplitImageWithAlpha` node before it")),
        _ => Ok(image),
    }
}

/// The value of `decoder` for no decoder.
const NO_DECODER: &str = "none";

#[derive(Default)]
pub(crate) struct AdaIN {
    /// By the weights and the device.
    kept: Kept<(Content, DeviceLocation), Decoder>,
}

impl Node for AdaIN {
    const KIND: Kind = Kind::new("AdaIN", 1)
        .title("Style transfer (AdaIN)")
        .category("style")
        .inputs(&[
            port("content", "IMAGE").doc("The picture to paint, `[B,H,W,3]`."),
            port("style", "IMAGE").doc("The picture that gives the style, `[B or 1,h,w,3]`."),
            port("features", "FEATURES").doc(
                "The encoder: VGGFeatures with the decoder's layer and padding `reflect`, and all layers of the descent.",
            ),
        ])
        .outputs(&[port("IMAGE", "IMAGE").doc("The painted picture, of the content's size, in 0..1.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        if let Some(warning) = params.without_effect() {
            call.warn(&warning);
        }
        let content = opaque(&inputs, "content")?;
        let style = style(&inputs, &content, params.preserve_color)?;
        let features = inputs.function("features")?;
        if params.alpha > 0.0 && (params.decoder == NO_DECODER || params.refine > 0) {
            need::check_descent(&features, &content, &style, call.device())?;
        }
        if params.decoder == NO_DECODER {
            return Ok(descend(call, &params, features, (&content, &style), &content, params.steps)?.into());
        }
        let decoder = self.decoder(call, &params.decoder)?;
        need::check_pass(&features, &decoder, &content, &style, call.device())?;
        let painted = paint(call, &params, features.clone(), &content, &style, &decoder)?;
        Ok(descend(call, &params, features, (&content, &style), &painted, params.refine)?.into())
    }
}

impl AdaIN {
    /// The decoder of that name on the call's device, built unless content and device are those of the last run.
    fn decoder(&mut self, call: &Call, name: &str) -> Result<Decoder> {
        let bytes = match name {
            builtin::NAME => Bytes::from(builtin::DECODER),
            builtin::DEEP_NAME => Bytes::from(builtin::DEEP_DECODER),
            file => call.read(file)?,
        };
        let unusable = |what: String| Error::content(format!("`{name}`: {what}")).at("decoder");
        self.kept.network((Content::of(&bytes), call.device().location()), || {
            let read = weights::read(&bytes, &[Family::AdainDecoder]).and_then(Weights::finite);
            let read = read.map_err(|error| match error.hint() {
                Some(hint) => unusable(error.to_string()).hint(hint),
                None => unusable(error.to_string()),
            })?;
            Decoder::new(read.tensors, call.device()).map_err(|error| unusable(error.to_string()))
        })
    }
}

/// The style's pictures, one or as many as `content` has, recoloured if the content's colours are to be kept.
fn style(inputs: &Inputs, content: &Tensor, preserve_color: bool) -> Result<Tensor> {
    let style = opaque(inputs, "style")?;
    let (images, styles) = (content.dim(0)?, style.dim(0)?);
    if styles != 1 && styles != images {
        let message = format!("`style` must have 1 or {images} images, as many as `content`, found {styles}");
        return Err(Error::shape("style", message));
    }
    if !preserve_color {
        return Ok(style);
    }
    coral(&style, content).map_err(|error| Error::from(error).at("style"))
}

/// AdaIN's picture of the content in one pass, of the content's size and in 0..1.
fn paint(
    call: &Call,
    params: &Params,
    features: Function,
    content: &Tensor,
    style: &Tensor,
    decoder: &Decoder,
) -> Result<Tensor> {
    let (_, height, width, _) = content.dims4()?;
    let encoder = Encoder::new(call, features, decoder)?;
    call.progress(0, 3, "encoding the style")?;
    let style = encoder.encode(style)?;
    call.progress(1, 3, "encoding the content")?;
    let content = encoder.encode(content)?;
    call.progress(2, 3, "decoding")?;
    let target = transfer(&content, &[(style, 1.0)], params.alpha)?;
    let painted = decoder.decode(&target)?.clamp(0f32, 1f32)?;
    Ok(painted.narrow(1, 0, height)?.narrow(2, 0, width)?.contiguous()?)
}

/// Optimises the picture `start`, of the content's size, towards the content with the style's statistics.
fn descend(
    call: &Call,
    params: &Params,
    features: Function,
    (content, style): (&Tensor, &Tensor),
    start: &Tensor,
    steps: usize,
) -> Result<Tensor> {
    if params.alpha == 0.0 || steps == 0 {
        // Nothing to do.
        return Ok(start.clamp(0f32, 1f32)?);
    }
    call.progress(0, steps as u64, "encoding")?;
    let Params { alpha, strength, smoothness, .. } = *params;
    let descent = Descent::new(features, content, style, &Wish { alpha, strength, smoothness })?;
    descent.run(call, start, &Pace { steps, rate: params.rate / 255.0 })
}

#[cfg(test)]
mod tests;
