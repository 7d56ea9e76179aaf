use dreamwire_nets::weights::Family;
use dreamwire_nets::{PaddingMode, squeezenet};
use dreamwire_sdk::prelude::*;

use crate::network::{self, Features, Kept};
use crate::{builtin, nonfinite};

/// SqueezeNet's features of a picture, as a function: small and fast, and it knows the classes of ImageNet.
///
/// The function takes an IMAGE `[B,H,W,3]` in 0..1, normalises it with ImageNet's mean and deviation, and
/// returns the chosen layers, `[B,C,h,w]` each, in one pass that ends at the deepest of them. It is
/// differentiable with respect to the picture.
///
/// | layers | channels | size |
/// |---|---|---|
/// | relu1 | 64 | 1/2 |
/// | pool1 fire2 fire3 | 64 128 128 | 1/4 |
/// | pool3 fire4 fire5 | 128 256 256 | 1/8 |
/// | pool5 fire6 fire7 fire8 fire9 | 256 384 384 512 512 | 1/16 |
/// | relu10 | 1000 | 1/16 |
/// | logits | 1000 | 1 position: the mean of `relu10` |
///
/// `fire2` and `fire3` respond to strokes and textures, `fire5` to whirls and small eyes, `fire6` to eyes,
/// `fire7` to eyes with fur and snouts, `fire8` and `fire9` to parts of animals and things. `relu10` has a
/// channel per class and shows where it is; `logits` says how much of it there is, for a dream of a class by
/// name.
///
/// Errors: an unknown layer; weights that are not SqueezeNet 1.1's; a picture that is too small for the layer.
///
/// Source: Iandola et al., arXiv:1602.07360, version 1.1, in torchvision's form.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// `squeezenet1_1` is built in (trained on ImageNet); otherwise a file as PyTorch saved it (`.pth`, `.pt`)
    /// or a `.safetensors`, with torchvision's tensor names, `features.0.weight` to `classifier.1.bias`.
    #[schemars(extend("format" = "dw-weights", "x-dw-builtin" = ["squeezenet1_1"]))]
    pub(crate) weights: String,
    /// Layers, with optional weights (default 1): `fire6:1, fire8:0.5`.
    #[schemars(extend("x-dw-list" = true))]
    pub(crate) layers: String,
}

impl Default for Params {
    fn default() -> Self {
        Self { weights: builtin::SQUEEZENET.name.to_owned(), layers: "fire6".to_owned() }
    }
}

/// The network that it takes.
const FAMILIES: [Family; 1] = [Family::SqueezeNet];

#[derive(Default)]
pub(crate) struct SqueezeNetFeatures {
    kept: Kept<()>,
}

impl Node for SqueezeNetFeatures {
    const KIND: Kind = Kind::new("SqueezeNetFeatures", 1)
        .title("SqueezeNet features")
        .category("features")
        .outputs(&[port("FEATURES", "FEATURES").doc("Picture to the chosen layers, `[B,C,h,w]` each.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, _: Inputs) -> Result<Outputs> {
        let bytes = builtin::SQUEEZENET.or_file(call, &params.weights)?;
        let file = (params.weights.as_str(), &*bytes);
        let network = network::network(&mut self.kept, file, (), call.device(), &FAMILIES, |read| {
            nonfinite::warn(call, &params.weights, &read.not_finite, &[]);
            squeezenet::extractor(read.tensors, call.device())
        })?;
        Ok(Outputs::new().function(Features::new(network, &params.layers, PaddingMode::Zeros)?))
    }

    /// Rejects unknown layers: every file that `run` accepts is SqueezeNet 1.1.
    fn check(params: &Params) -> Result<()> {
        network::check_layers(&params.layers, Some(squeezenet::layer_names().as_slice()))
    }
}

#[cfg(test)]
mod tests;
