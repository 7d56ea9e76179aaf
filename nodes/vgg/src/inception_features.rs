use dreamwire_nets::extractor::Normalisation;
use dreamwire_nets::weights::Family;
use dreamwire_nets::{PaddingMode, googlenet};
use dreamwire_sdk::prelude::*;
use serde::Serialize;

use crate::network::{self, Features, Kept};
use crate::nonfinite;

/// GoogLeNet's (Inception v1) features of a picture, as a function: the network of the first DeepDreams.
///
/// The function takes an IMAGE `[B,H,W,3]` in 0..1, normalises it as `input` says, and returns the chosen
/// layers, `[B,C,h,w]` each, in one pass that computes only what they depend on. It is differentiable with
/// respect to the picture.
///
/// | layers | channels | size |
/// |---|---|---|
/// | conv1 | 64 | 1/2 |
/// | maxpool1 conv2 conv3 | 64 64 192 | 1/4 |
/// | maxpool2 inception3a inception3b | 192 256 480 | 1/8 |
/// | maxpool3 inception4a 4b 4c 4d 4e | 480 512 512 512 528 832 | 1/16 |
/// | maxpool4 inception5a inception5b | 832 832 1024 | 1/32 |
/// | logits | 1000 | 1 position: the classes of ImageNet |
///
/// `inception3b` responds to patterns and swirls, `inception4c` to eyes, animals and buildings, `inception5a`
/// to whole things.
///
/// No weights are built in. Files must be torchvision's GoogLeNet, whose branches are 1x1, 3x3, 3x3 (called
/// "5x5") and a pool, with batch normalisation; other Inceptions are rejected.
///
/// Errors: weights of another network; an unknown layer.
///
/// Source: Szegedy et al., "Going Deeper with Convolutions", arXiv:1409.4842, in torchvision's form.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// torchvision's file `googlenet-1378be20.pth`, or another of that network, as PyTorch saved it or as
    /// `.safetensors`.
    ///
    /// Tensor names are torchvision's, `conv1.conv.weight` to `fc.bias`. Auxiliary classifiers in the file
    /// are ignored.
    #[schemars(extend("format" = "dw-weights"))]
    pub(crate) weights: String,
    /// Layers, with optional weights (default 1): `inception4c:1, inception5a:0.5`.
    #[schemars(extend("x-dw-list" = true))]
    #[serde(default = "inception4c")]
    pub(crate) layers: String,
    /// The normalisation that the weights were trained with. `half`: `(x - 0.5) / 0.5`, for the weights that
    /// torchvision publishes (its `transform_input`). `imagenet`: minus ImageNet's mean, divided by its
    /// deviation, as for other networks of torchvision. `caffe`: blue, green, red, minus the mean of Google's
    /// DeepDream notebook, (104, 116, 122) of 255, divided by 58 of 255.
    #[serde(default)]
    pub(crate) input: Input,
}

#[derive(Clone, Copy, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Input {
    #[default]
    Half,
    Imagenet,
    Caffe,
}

fn inception4c() -> String {
    "inception4c".to_owned()
}

/// The network that it takes.
const FAMILIES: [Family; 1] = [Family::GoogLeNet];

/// Prefixes of the auxiliary classifiers, which only training needs.
const UNUSED: [&str; 2] = ["aux1.", "aux2."];

#[derive(Default)]
pub(crate) struct InceptionFeatures {
    kept: Kept<Input>,
}

impl Node for InceptionFeatures {
    const KIND: Kind = Kind::new("InceptionFeatures", 1)
        .title("Inception features")
        .category("features")
        .outputs(&[port("FEATURES", "FEATURES").doc("Picture to the chosen layers, `[B,C,h,w]` each.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, _: Inputs) -> Result<Outputs> {
        let normalisation = match params.input {
            Input::Half => Normalisation::HALF,
            Input::Imagenet => Normalisation::IMAGENET,
            Input::Caffe => Normalisation::CAFFE,
        };
        let bytes = call.read(&params.weights)?;
        let file = (params.weights.as_str(), &*bytes);
        let device = call.device();
        let network = network::network(&mut self.kept, file, params.input, device, &FAMILIES, |read| {
            nonfinite::warn(call, &params.weights, &read.not_finite, &UNUSED);
            googlenet::extractor(read.tensors, normalisation, device)
        })?;
        Ok(Outputs::new().function(Features::new(network, &params.layers, PaddingMode::Zeros)?))
    }

    /// Rejects unknown layers: every file that `run` accepts is GoogLeNet.
    fn check(params: &Params) -> Result<()> {
        network::check_layers(&params.layers, Some(googlenet::layer_names().as_slice()))
    }
}

#[cfg(test)]
mod tests;
