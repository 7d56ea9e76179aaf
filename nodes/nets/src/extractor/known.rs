use std::collections::HashMap;

use candle_core::Tensor;

use crate::parameters::{self, ParameterError};

/// As [`parameters::take`], but the weights of another well-known network are named in the error.
///
/// `family` is the name in this table of the network that is to be built.
///
/// # Errors
///
/// As [`parameters::take`].
pub(crate) fn take(
    family: &str,
    network: &'static str,
    tensors: HashMap<String, Tensor>,
    expected: &[(String, Vec<usize>)],
    ignored: impl Fn(&str) -> bool,
) -> Result<Vec<Tensor>, ParameterError> {
    let other = recognise(&tensors).filter(|other| *other != family);
    parameters::take(network, tensors, expected, ignored).map_err(|error| match other {
        Some(other) => ParameterError { network, problems: vec![format!("they belong to {other}")] },
        None => error,
    })
}

/// The network that these tensors belong to, recognised by names that no other has.
fn recognise(tensors: &HashMap<String, Tensor>) -> Option<&'static str> {
    let has = |name: &str| tensors.contains_key(name);
    let any = |part: &str| tensors.keys().any(|name| name.contains(part));
    let is = |name: &str, shape: &[usize]| tensors.get(name).is_some_and(|tensor| tensor.dims() == shape);
    let found = if any("synthesis.") {
        "a StyleGAN generator"
    } else if any("inception3a.branch1.") {
        "GoogLeNet"
    } else if any("inception_3a_") {
        "Caffe's GoogLeNet, which is not supported yet"
    } else if any("mixed3a_") {
        "TensorFlow's GoogLeNet (inception5h), which is not supported yet"
    } else if any("Mixed_5b.branch1x1.") {
        "Inception v3, which is not supported yet"
    } else if any("features.6.squeeze.") {
        "SqueezeNet 1.1"
    } else if any("features.5.squeeze.") {
        "SqueezeNet 1.0; only version 1.1 is supported"
    } else if has("layer1.0.conv1.weight") {
        "a ResNet, which is not supported"
    } else if is("features.0.weight", &[64, 3, 11, 11]) {
        "AlexNet, which is not supported"
    } else if has("lin0.model.1.weight") {
        "LPIPS, which weights the layers of a network but is not a network"
    } else if is("0.weight", &[128, 256, 3, 3]) || (has("28.weight") && !has("0.weight")) {
        "an AdaIN decoder; its encoder is needed"
    } else if has("features.0.weight") || is("0.weight", &[3, 3, 1, 1]) || any("encoder.0.") {
        "a VGG"
    } else {
        return None;
    };
    Some(found)
}
