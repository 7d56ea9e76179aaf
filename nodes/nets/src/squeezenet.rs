//! SqueezeNet 1.1 as a feature extractor (Iandola et al., arXiv:1602.07360; version 1.1 is the authors' later
//! one, with 2.4 times less computation), in torchvision's version.
//!
//! | layers | channels | size of an `H x W` picture |
//! |---|---|---|
//! | relu1 | 64 | H/2 x W/2 |
//! | pool1 fire2 fire3 | 64, 128, 128 | H/4 x W/4 |
//! | pool3 fire4 fire5 | 128, 256, 256 | H/8 x W/8 |
//! | pool5 fire6 fire7 fire8 fire9 | 256, 384, 384, 512, 512 | H/16 x W/16 |
//! | relu10 | 1000 | H/16 x W/16 |
//! | logits | 1000 | 1 x 1 |
//!
//! Sizes are approximate: the first convolution has no padding, and pools round up. `relu10` is a map of
//! ImageNet's classes over the picture; `logits` are its means, which are never negative.

use std::collections::HashMap;

use candle_core::{Device, Result, Tensor};
use dreamwire_kernels::Padding;

use crate::extractor::{self, Builder, Extractor, Map, Normalisation};
use crate::parameters::ParameterError;

const NETWORK: &str = "SqueezeNet 1.1";
/// Outputs of the first convolution, of 3x3.
const FIRST: usize = 64;
const CLASSES: usize = 1000;

/// The layers between the first convolution and the last.
enum Stage {
    Pool(&'static str),
    /// A 1x1 convolution that squeezes, then a 1x1 and a 3x3 one in parallel.
    Fire {
        name: &'static str,
        /// Its number in the file.
        module: usize,
        squeeze: usize,
        /// Outputs of each of the two.
        expand: usize,
    },
}

const fn fire(name: &'static str, module: usize, squeeze: usize, expand: usize) -> Stage {
    Stage::Fire { name, module, squeeze, expand }
}

const STAGES: [Stage; 11] = [
    Stage::Pool("pool1"),
    fire("fire2", 3, 16, 64),
    fire("fire3", 4, 16, 64),
    Stage::Pool("pool3"),
    fire("fire4", 6, 32, 128),
    fire("fire5", 7, 32, 128),
    Stage::Pool("pool5"),
    fire("fire6", 9, 48, 192),
    fire("fire7", 10, 48, 192),
    fire("fire8", 11, 64, 256),
    fire("fire9", 12, 64, 256),
];

/// Builds the network from torchvision's tensors on `device`. Pictures are normalised with ImageNet's mean and deviation.
///
/// # Errors
///
/// Names the tensors that are missing, have another shape, or do not belong to it; or says which other
/// network this is.
pub fn extractor(
    tensors: HashMap<String, Tensor>,
    device: &Device,
) -> std::result::Result<Extractor, ParameterError> {
    let taken = extractor::take(NETWORK, NETWORK, tensors, &parameter_shapes(), |_| false)?;
    build(taken, device).map_err(|error| extractor::failed(NETWORK, &error))
}

/// Names and shapes of the tensors that [`extractor()`] needs, in the network's order.
pub fn parameter_shapes() -> Vec<(String, Vec<usize>)> {
    let mut shapes = Vec::new();
    let mut conv = |name: String, outputs: usize, inputs: usize, kernel: usize| {
        shapes.push((format!("{name}.weight"), vec![outputs, inputs, kernel, kernel]));
        shapes.push((format!("{name}.bias"), vec![outputs]));
    };
    conv("features.0".to_owned(), FIRST, 3, 3);
    let mut inputs = FIRST;
    for stage in &STAGES {
        let Stage::Fire { module, squeeze, expand, .. } = stage else { continue };
        conv(format!("features.{module}.squeeze"), *squeeze, inputs, 1);
        conv(format!("features.{module}.expand1x1"), *expand, *squeeze, 1);
        conv(format!("features.{module}.expand3x3"), *expand, *squeeze, 3);
        inputs = 2 * expand;
    }
    conv("classifier.1".to_owned(), CLASSES, inputs, 1);
    shapes
}

/// Names of all layers, from the picture upwards.
pub fn layer_names() -> Vec<&'static str> {
    let stages = STAGES.iter().map(|stage| match stage {
        Stage::Pool(name) | Stage::Fire { name, .. } => *name,
    });
    std::iter::once("relu1").chain(stages).chain(["relu10", "logits"]).collect()
}

/// Layers are added in the order of [`parameter_shapes`].
fn build(tensors: Vec<Tensor>, device: &Device) -> Result<Extractor> {
    let mut network = Builder::new(tensors, device);
    let mut map = unit(&mut network, Map::PICTURE, 2, 0)?;
    network.name("relu1", map);
    for stage in &STAGES {
        let (name, output) = match stage {
            Stage::Pool(name) => (name, network.max_pool(map, 3, 2, 0, true)),
            Stage::Fire { name, .. } => {
                let squeezed = unit(&mut network, map, 1, 0)?;
                let expanded = [unit(&mut network, squeezed, 1, 0)?, unit(&mut network, squeezed, 1, 1)?];
                (name, network.concat(&expanded))
            }
        };
        network.name(name, output);
        map = output;
    }
    map = unit(&mut network, map, 1, 0)?;
    network.name("relu10", map);
    network.name_mean("logits", map);
    network.finish("squeezenet1_1", Normalisation::IMAGENET)
}

/// A convolution with ReLU.
fn unit(network: &mut Builder, input: Map, stride: usize, padding: usize) -> Result<Map> {
    let [weight, bias] = network.tensors();
    let map = network.conv(input, (weight, bias), stride, Padding::zeros(padding))?;
    Ok(network.relu(map))
}
