use std::collections::HashMap;

use candle_core::{DType, Device, Result, Tensor};
use dreamwire_kernels::{Layer, Padding, Peak, Stack, TensorOptions, channels_last};

use crate::parameters::{self, ParameterError};

mod layout;

use layout::{LAYOUTS, Layout};

/// Decodes a VGG network's features into a picture.
///
/// A chain of 3x3 convolutions with mirrored padding, each but the last followed by a ReLU, some then by
/// nearest x2 upsampling. There are three, told apart by the names of their tensors:
///
/// | of | encoder | convolutions, `^` for x2 | channels |
/// |---|---|---|---|
/// | `relu3_1` | `vgg16` | `0^ 1 2^ 3 4` | 256-128^128-64^64-3 |
/// | `relu4_1` | `vgg16` | `0 1^ 2 3 4 5^ 6 7^ 8` | 512-256^256-256-256-128^128-64^64-3 |
/// | `relu4_1` | `vgg_normalised` | `1^ 5 8 11 14^ 18 21^ 25 28` | 512-256^256-256-256-128^128-64^64-3 |
///
/// The first two are ours, the third pytorch-AdaIN's (and that of the paper: the encoder in reverse).
/// Cloning shares the weights.
#[derive(Clone)]
pub struct Decoder {
    layout: &'static Layout,
    stack: Stack,
    depth: usize,
}

/// Prefixes in a file with both networks: of the decoder's tensors, and of the others.
const PREFIXES: (&str, &str) = ("decoder.", "encoder.");

impl Decoder {
    /// Builds the decoder from the tensors `N.weight` `[O, I, 3, 3]` and `N.bias` `[O]` of one of these
    /// layouts; it computes in their number type, f32 or f64, on `device`. The names may begin with `decoder.`: then
    /// tensors whose names begin with `encoder.` are ignored.
    ///
    /// # Errors
    ///
    /// Names the tensors that are missing, have another shape, or do not belong to it.
    pub fn new(
        tensors: HashMap<String, Tensor>,
        device: &Device,
    ) -> std::result::Result<Self, ParameterError> {
        let tensors = without_encoder(tensors);
        let layout = recognise(&tensors)?;
        let tensors = parameters::take(layout.network, tensors, &layout.parameter_shapes(), |_| false)?;
        let dtype = if tensors[0].dtype() == DType::F64 { DType::F64 } else { DType::F32 };
        let layers = layers(layout, &tensors);
        let stack = Stack::new(&layers, TensorOptions::new(dtype, device.clone()))
            .map_err(|error| ParameterError { network: layout.network, problems: vec![error.to_string()] })?;
        Ok(Self { layout, stack, depth: layers.len() })
    }

    /// The encoder's layer that it decodes, by VGG's names: `relu3_1` or `relu4_1`.
    pub fn layer(&self) -> &'static str {
        self.layout.layer
    }

    /// The name of the encoder that it was trained with: `vgg16` or `vgg_normalised`.
    pub fn encoder(&self) -> &'static str {
        self.layout.encoder
    }

    /// Channels of the layer that it decodes.
    pub fn channels(&self) -> usize {
        self.layout.channels()
    }

    /// Pixels of the picture per feature, in both directions: 4 or 8.
    pub fn scale(&self) -> usize {
        self.layout.scale()
    }

    /// The memory that decoding features of `side` x `side` positions needs.
    ///
    /// # Errors
    ///
    /// If they are fewer than 2x2.
    pub fn peak(&self, side: usize) -> Result<Peak> {
        let peak = self.stack.peak([1, self.channels(), side, side], &[self.depth - 1])?;
        // The picture with its channels last.
        Ok(Peak { forward: peak.forward + peak.outputs, ..peak })
    }

    /// The picture `[B, scale h, scale w, 3]` of `features` `[B, channels, h, w]`: about 0..1, not clamped.
    ///
    /// # Errors
    ///
    /// If `features` has other channels or another number type, or fewer than 2 rows or columns.
    pub fn decode(&self, features: &Tensor) -> Result<Tensor> {
        let outputs = self.stack.apply(features, &[self.depth - 1])?;
        channels_last(&outputs[0])
    }
}

/// The decoder's tensors, without their prefix.
fn without_encoder(tensors: HashMap<String, Tensor>) -> HashMap<String, Tensor> {
    let (decoder, encoder) = PREFIXES;
    if !tensors.keys().any(|name| name.starts_with(decoder)) {
        return tensors;
    }
    let strip = |(name, tensor): (String, Tensor)| match name.strip_prefix(decoder) {
        Some(inner) => (inner.to_owned(), tensor),
        None => (name, tensor),
    };
    tensors.into_iter().filter(|(name, _)| !name.starts_with(encoder)).map(strip).collect()
}

/// The layout that matches the most tensors.
fn recognise(tensors: &HashMap<String, Tensor>) -> std::result::Result<&'static Layout, ParameterError> {
    let found = |layout: &&'static Layout| {
        layout.parameter_shapes().iter().filter(|(name, _)| tensors.contains_key(name)).count()
    };
    // The first of several that match equally.
    let layout = LAYOUTS.iter().rev().max_by_key(found).filter(|layout| found(layout) > 0);
    layout.ok_or_else(|| {
        let none = |layout: &Layout| {
            let [first, .., last] = layout.convolutions else { unreachable!("a decoder has several") };
            let Layout { layer, encoder, .. } = layout;
            format!("none of `{}.weight` to `{}.bias` ({encoder}'s {layer})", first.index, last.index)
        };
        let none: Vec<String> = LAYOUTS.iter().map(none).collect();
        ParameterError { network: "an AdaIN decoder", problems: vec![format!("found {}", none.join(", "))] }
    })
}

/// The layers of `layout` with its weights and biases, in turn.
fn layers(layout: &Layout, tensors: &[Tensor]) -> Vec<Layer> {
    let mut layers = Vec::new();
    for (convolution, pair) in layout.convolutions.iter().zip(tensors.chunks_exact(2)) {
        let [weight, bias] = pair else { unreachable!("chunks of two") };
        if !layers.is_empty() {
            layers.push(Layer::Relu);
        }
        if convolution.enlarged {
            layers.push(Layer::UpsampleNearest { factor: 2 });
        }
        layers.push(Layer::Conv {
            weight: weight.clone(),
            bias: Some(bias.clone()),
            stride: 1,
            padding: Padding::reflect(1),
        });
    }
    layers
}
