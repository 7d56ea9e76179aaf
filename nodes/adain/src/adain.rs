use std::borrow::Cow;

use dreamwire_nets::adain::{Decoder, adain};
use dreamwire_nets::weights;
use dreamwire_sdk::prelude::*;

use crate::builtin;
use crate::frame::pad;

/// Paints the content in the colours and textures of the style, in one pass.
///
/// Features of both pictures come from `features`; every channel of the content's features gets the
/// style's mean and deviation (`std(s) (c - mean(c)) / std(c) + mean(s)`, unbiased, 1e-5 added to
/// variances), and a decoder turns them into a picture:
/// `decode(alpha * adain(c, s) + (1 - alpha) * c)`.
///
/// `content` is `[B,H,W,3]` in 0..1; `style` is one picture or B of them, of any size. The result has
/// the content's size. The built-in decoder goes with VGGFeatures' built-in weights, layer `relu3_1`,
/// padding reflect.
///
/// Errors: features without the decoder's layer; a decoder file of another layout.
///
/// Source: Huang & Belongie, arXiv:1703.06868.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// 0 only encodes and decodes the content, 1 is all style.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-dw-step" = 0.01))]
    #[serde(default = "one")]
    pub(crate) alpha: f64,
    /// `builtin`, or a safetensors file of the same layout: 3x3 convolutions `0` to `4` with 256-128,
    /// 128-128, 128-64, 64-64 and 64-3 channels, as `N.weight` and `N.bias`.
    #[schemars(extend("format" = "dw-weights", "x-dw-builtin" = ["builtin"]))]
    #[serde(default = "builtin_name")]
    pub(crate) decoder: String,
}

fn one() -> f64 {
    1.0
}

fn builtin_name() -> String {
    builtin::NAME.to_owned()
}

#[derive(Default)]
pub(crate) struct AdaIN {
    kept: Option<(blake3::Hash, Decoder)>,
}

impl Node for AdaIN {
    const KIND: Kind = Kind::new("AdaIN", 1)
        .title("Style transfer (AdaIN)")
        .category("style")
        .inputs(&[
            port("content", "IMAGE").doc("what is painted, `[B,H,W,3]`"),
            port("style", "IMAGE").doc("how it is painted, `[B or 1,h,w,3]`"),
            port("features", "FEATURES").doc("the encoder: VGGFeatures with layer relu3_1, padding reflect"),
        ])
        .outputs(&[port("IMAGE", "IMAGE").doc("of the content's size, in 0..1")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let (content, style) = (inputs.image("content")?, inputs.image("style")?);
        let (batch, height, width, _) = content.dims4()?;
        let styles = style.dim(0)?;
        if styles != 1 && styles != batch {
            let message =
                format!("`style` has {styles} images, `content` has {batch}: 1 or {batch} would do");
            return Err(Error::shape("style", message));
        }
        let features = inputs.function("features")?;
        let layer = decoded_layer(call, &features)?;
        let decoder = self.decoder(call, &params.decoder)?;
        let encode = |image: &Tensor| -> Result<Tensor> {
            let padded = pad(image, Decoder::SCALE)?.contiguous()?;
            Ok(features.eval(&[&padded])?.swap_remove(layer))
        };
        call.progress(0, 3, "encoding the style")?;
        let style = encode(&style)?;
        call.progress(1, 3, "encoding the content")?;
        let content = encode(&content)?;
        call.progress(2, 3, "decoding")?;
        let target = adain(&content, &style)?;
        let target = ((target * params.alpha)? + (content * (1.0 - params.alpha))?)?;
        let painted = decoder.decode(&target)?.clamp(0f32, 1f32)?;
        Ok(painted.narrow(1, 0, height)?.narrow(2, 0, width)?.contiguous()?.into())
    }
}

impl AdaIN {
    /// The decoder of that name, built if its content is not that of the last run.
    fn decoder(&mut self, call: &Call, name: &str) -> Result<Decoder> {
        let bytes = match name {
            builtin::NAME => Cow::Borrowed(builtin::DECODER),
            file => Cow::Owned(call.read(file)?),
        };
        let content = blake3::hash(&bytes);
        if let Some((kept, decoder)) = &self.kept
            && *kept == content
        {
            return Ok(decoder.clone());
        }
        let unusable = |what: String| Error::input(format!("`{name}`: {what}")).at("decoder");
        let tensors = weights::read(&bytes).map_err(|error| unusable(error.to_string()))?;
        let decoder = Decoder::new(tensors).map_err(|error| unusable(error.to_string()))?;
        Ok(self.kept.insert((content, decoder)).1.clone())
    }
}

/// Which output of `features` the decoder decodes.
fn decoded_layer(call: &Call, features: &Function) -> Result<usize> {
    let (layer, channels) = (Decoder::LAYER, Decoder::CHANNELS as i64);
    let outputs = &features.spec().outputs;
    let fits = |output: &TensorSpec| {
        output.name == layer && output.dims.get(1).is_none_or(|found| *found == channels || *found < 0)
    };
    let Some(index) = outputs.iter().position(fits) else {
        let found: Vec<String> = outputs
            .iter()
            .map(|output| match output.dims.get(1) {
                Some(channels) if *channels > 0 => format!("`{}` with {channels}", output.name),
                _ => format!("`{}`", output.name),
            })
            .collect();
        let found = if found.is_empty() { "nothing".to_owned() } else { found.join(", ") };
        let message = format!("the decoder wants layer `{layer}` with {channels} channels, found {found}");
        return Err(Error::port("features", message).hint(format!(
            "set `layers` of the VGGFeatures node to \"{layer}\" and `padding` to \"reflect\""
        )));
    };
    if outputs[index].semantic("padding").is_some_and(|padding| padding != "reflect") {
        call.warn("the decoder was trained with padding `reflect` in the encoder: expect dark edges");
    }
    Ok(index)
}

#[cfg(test)]
#[path = "adain_tests.rs"]
mod tests;
