use dreamwire_nets::PaddingMode;
use dreamwire_nets::vgg::{self, Variant};
use dreamwire_nets::weights::Family;
use dreamwire_sdk::prelude::*;
use serde::Serialize;

use crate::network::{self, Features, Kept};
use crate::{builtin, nonfinite};

/// A VGG network's features of a picture, as a function: what a dream amplifies and a style consists of.
///
/// The function takes an IMAGE `[B,H,W,3]` in 0..1, normalises it as the network was trained, and returns the
/// chosen layers, `[B,C,h,w]` each, in one pass that ends at the deepest of them. It is differentiable with
/// respect to the picture.
///
/// Layers are `convB_N` (before the ReLU), `reluB_N` and `poolB`, blocks B = 1 to 5 of 64, 128, 256, 512 and
/// 512 channels at 1, 1/2, 1/4, 1/8 and 1/16 of the size; `poolB` has half the size of its block. VGG16 has
/// 2, 2, 3, 3 and 3 convolutions in its blocks, VGG19 2, 2, 4, 4 and 4. Early layers respond to strokes and
/// textures, late ones (`relu4_3`, `relu5_1`) to eyes, fur and animals.
///
/// Files are recognised by their tensors: torchvision's or timm's VGG16 and VGG19, with or without batch
/// normalisation (which makes `convB_N` the value after it), and the encoder of pytorch-AdaIN
/// (`vgg_normalised`, a VGG19 up to `relu4_1` or `relu5_4` that takes pictures as they are).
///
/// Errors: an unknown layer; weights of another network; a picture that is too small for the layer.
///
/// Source: Simonyan & Zisserman, arXiv:1409.1556, configurations D and E, in torchvision's form.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// `vgg16` is built in (trained on ImageNet); otherwise a file as PyTorch saved it (`.pth`, `.pt`) or a
    /// `.safetensors`, with torchvision's tensor names, `features.N.weight` and `features.N.bias`, or
    /// pytorch-AdaIN's, `N.weight` and `N.bias`, these with or without the prefix `encoder.`. Classifiers and
    /// decoders in the file are ignored.
    #[schemars(extend("format" = "dw-weights", "x-dw-builtin" = ["vgg16"]))]
    pub(crate) weights: String,
    /// Layers, with optional weights (default 1): `relu4_3:1, relu5_1:0.5, conv3_2`.
    #[schemars(extend("x-dw-list" = true))]
    pub(crate) layers: String,
    /// Padding of the convolutions: zeros, as the network was trained, or reflect (the mirrored picture), as
    /// AdaIN needs it.
    #[serde(with = "PaddingName")]
    pub(crate) padding: PaddingMode,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            weights: builtin::VGG16.name.to_owned(),
            layers: "relu4_3".to_owned(),
            padding: PaddingMode::Zeros,
        }
    }
}

/// How a graph names a [`PaddingMode`].
#[derive(Deserialize, JsonSchema, Serialize)]
#[serde(remote = "PaddingMode", rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum PaddingName {
    Zeros,
    Reflect,
}

/// The networks that it takes.
const FAMILIES: [Family; 2] = [Family::Vgg, Family::AdainEncoder];

/// Tensors that files may hold besides the convolutions: torchvision's and timm's classifiers,
/// pytorch-AdaIN's decoder.
const UNUSED: [&str; 4] = ["classifier.", "pre_logits.", "head.", "decoder."];

#[derive(Default)]
pub(crate) struct VGGFeatures {
    kept: Kept<PaddingMode>,
}

impl Node for VGGFeatures {
    const KIND: Kind = Kind::new("VGGFeatures", 1)
        .title("VGG features")
        .category("features")
        .outputs(&[port("FEATURES", "FEATURES").doc("Picture to the chosen layers, `[B,C,h,w]` each.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, _: Inputs) -> Result<Outputs> {
        let Params { weights, layers, padding } = params;
        let bytes = builtin::VGG16.or_file(call, &weights)?;
        let (file, device) = ((weights.as_str(), &*bytes), call.device());
        let network = network::network(&mut self.kept, file, padding, device, &FAMILIES, |read| {
            nonfinite::warn(call, &weights, &read.not_finite, &UNUSED);
            vgg::extractor(read.tensors, padding, device)
        })?;
        Ok(Outputs::new().function(Features::new(network, &layers, padding)?))
    }

    /// Rejects layers that the built-in network does not have. A file may be another VGG: of its layers only lists that
    /// cannot be parsed are rejected.
    fn check(params: &Params) -> Result<()> {
        let known = (params.weights == builtin::VGG16.name).then(|| vgg::layer_names(Variant::Vgg16));
        network::check_layers(&params.layers, known.as_deref())
    }
}

#[cfg(test)]
mod tests;
