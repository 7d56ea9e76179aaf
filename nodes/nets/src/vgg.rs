//! The VGG networks as feature extractors (Simonyan & Zisserman, "Very Deep Convolutional Networks for
//! Large-Scale Image Recognition", arXiv:1409.1556): VGG16 and VGG19 (configurations D and E), with and
//! without batch normalisation, as torchvision and timm number them, and pytorch-AdaIN's encoder, which is a
//! VGG19 whose weights were rescaled.
//!
//! 3x3 convolutions with ReLU in five blocks; each block ends in a 2x2 max-pool:
//!
//! | block | layers | channels | size of an `H x W` picture |
//! |---|---|---|---|
//! | 1 | conv1_1 relu1_1 conv1_2 relu1_2 pool1 | 64 | H x W |
//! | 2 | conv2_1 relu2_1 conv2_2 relu2_2 pool2 | 128 | H/2 x W/2 |
//! | 3 | conv3_1 .. relu3_3 (VGG19: relu3_4) pool3 | 256 | H/4 x W/4 |
//! | 4 | conv4_1 .. relu4_3 (VGG19: relu4_4) pool4 | 512 | H/8 x W/8 |
//! | 5 | conv5_1 .. relu5_3 (VGG19: relu5_4) pool5 | 512 | H/16 x W/16 |
//!
//! `convB_N` is the value before the ReLU (after the batch normalisation, if any), `reluB_N` the one after
//! it. Pools drop an odd last row and column; those of AdaIN's encoder keep them.
//!
//! Pictures are normalised with ImageNet's mean and deviation. AdaIN's encoder takes them unchanged: its
//! first layer, a 1x1 convolution without a name, does that. It ends at `relu4_1` or `relu5_4`.

use std::collections::HashMap;

use candle_core::{Device, Tensor};
use dreamwire_kernels::{Padding, PaddingMode};

use crate::extractor::{self, Builder, Extractor, Map, Normalisation};
use crate::parameters::ParameterError;

mod variant;

pub use variant::Variant;
use variant::{Step, Work};

/// torchvision's.
const EPSILON: f64 = 1e-5;

/// Builds the network of these tensors on `device`, recognised by their names and shapes:
///
/// - torchvision's and timm's `features.N.weight` `[O, I, 3, 3]` and `features.N.bias` `[O]`, followed by
///   those of the batch normalisation, if any; the classifier is ignored;
/// - pytorch-AdaIN's `N.weight` and `N.bias`, or `encoder.N.weight` and so on; then `decoder.` is ignored.
///
/// `padding` of the convolutions: zeros, as the networks were trained, or the mirrored picture, as in AdaIN.
///
/// # Errors
///
/// Names the tensors that are missing in the nearest of these networks, have another shape, or do not belong
/// to it; or says which other network this is.
pub fn extractor(
    tensors: HashMap<String, Tensor>,
    padding: PaddingMode,
    device: &Device,
) -> Result<Extractor, ParameterError> {
    let tensors = encoder_of(tensors);
    let variant = nearest(&tensors);
    let (network, expected) = (variant.title(), parameter_shapes(variant));
    let taken = extractor::take("a VGG", network, tensors, &expected, is_ignored)?;
    build(variant, taken, padding, device).map_err(|error| extractor::failed(network, &error))
}

/// Names and shapes of the tensors that [`extractor()`] needs for `variant`, in the network's order.
pub fn parameter_shapes(variant: Variant) -> Vec<(String, Vec<usize>)> {
    let mut shapes = Vec::new();
    let prefix = if variant.is_adain() { "" } else { "features." };
    if variant.is_adain() {
        shapes.push(("0.weight".to_owned(), vec![3, 3, 1, 1]));
        shapes.push(("0.bias".to_owned(), vec![3]));
    }
    for Step { work, .. } in variant.steps() {
        let Work::Conv { module, inputs, outputs } = work else { continue };
        shapes.push((format!("{prefix}{module}.weight"), vec![outputs, inputs, 3, 3]));
        shapes.push((format!("{prefix}{module}.bias"), vec![outputs]));
        if variant.has_batch_norms() {
            for part in ["weight", "bias", "running_mean", "running_var"] {
                shapes.push((format!("{prefix}{}.{part}", module + 1), vec![outputs]));
            }
        }
    }
    shapes
}

/// Names of the layers of `variant`, from the picture upwards.
pub fn layer_names(variant: Variant) -> Vec<String> {
    variant.steps().into_iter().map(|step| step.name).collect()
}

/// Without the prefix `encoder.`, if a name has it; then without the decoder too.
fn encoder_of(tensors: HashMap<String, Tensor>) -> HashMap<String, Tensor> {
    if !tensors.keys().any(|name| name.starts_with("encoder.")) {
        return tensors;
    }
    let part = |(name, tensor): (String, Tensor)| match name.strip_prefix("encoder.") {
        Some(rest) => Some((rest.to_owned(), tensor)),
        None => (!name.starts_with("decoder.")).then_some((name, tensor)),
    };
    tensors.into_iter().filter_map(part).collect()
}

/// The variant that matches the most tensors; the first of several.
fn nearest(tensors: &HashMap<String, Tensor>) -> Variant {
    let fitting = |variant: &Variant| {
        let shapes = parameter_shapes(*variant);
        let fits = |(name, shape): &&(String, Vec<usize>)| {
            tensors.get(name).is_some_and(|tensor| tensor.dims() == shape)
        };
        shapes.iter().filter(fits).count()
    };
    // Of equal ones, `max_by_key` returns the last.
    Variant::ALL.into_iter().rev().max_by_key(fitting).unwrap_or(Variant::Vgg16)
}

/// The heads of torchvision's and timm's classifiers, and tensors that only training uses.
fn is_ignored(name: &str) -> bool {
    ["classifier.", "pre_logits.", "head."].iter().any(|head| name.starts_with(head))
        || name.ends_with(".num_batches_tracked")
}

fn build(
    variant: Variant,
    tensors: Vec<Tensor>,
    padding: PaddingMode,
    device: &Device,
) -> candle_core::Result<Extractor> {
    let mut network = Builder::new(tensors, device);
    let mut map = Map::PICTURE;
    if variant.is_adain() {
        let [weight, bias] = network.tensors();
        map = network.conv(map, (weight, bias), 1, Padding::zeros(0))?;
    }
    for Step { name, work } in variant.steps() {
        map = match work {
            Work::Conv { .. } => {
                let [weight, bias] = network.tensors();
                let filters = if variant.has_batch_norms() {
                    extractor::folded(&weight, Some(&bias), network.tensors(), EPSILON)?
                } else {
                    (weight, bias)
                };
                network.conv(map, filters, 1, Padding { mode: padding, ..Padding::zeros(1) })?
            }
            Work::Relu => network.relu(map),
            Work::Pool => network.max_pool(map, 2, 2, 0, variant.covers_edges()),
        };
        network.name(&name, map);
    }
    let normalisation = if variant.is_adain() { Normalisation::NONE } else { Normalisation::IMAGENET };
    network.finish(variant.name(), normalisation)
}
