//! GoogLeNet as a feature extractor (Szegedy et al., "Going Deeper with Convolutions", arXiv:1409.4842), in
//! torchvision's version: with batch normalisation, and 3x3 convolutions where the paper has 5x5 ones.
//!
//! | layers | channels | size of an `H x W` picture |
//! |---|---|---|
//! | conv1 | 64 | H/2 x W/2 |
//! | maxpool1 conv2 conv3 | 64, 64, 192 | H/4 x W/4 |
//! | maxpool2 inception3a inception3b | 192, 256, 480 | H/8 x W/8 |
//! | maxpool3 inception4a .. inception4e | 480, 512, 512, 512, 528, 832 | H/16 x W/16 |
//! | maxpool4 inception5a inception5b | 832, 832, 1024 | H/32 x W/32 |
//! | logits | 1000 | 1 x 1 |
//!
//! Sizes are rounded up. `conv1` to `conv3` include their ReLU. `logits` are ImageNet's classes before the
//! softmax.

use std::collections::HashMap;

use candle_core::{Device, Result, Tensor};
use dreamwire_kernels::Padding;

use crate::extractor::{self, Builder, Extractor, Map, Normalisation};
use crate::parameters::ParameterError;

const NETWORK: &str = "GoogLeNet";
/// torchvision's.
const EPSILON: f64 = 1e-3;
const CLASSES: usize = 1000;

/// Outputs, inputs and kernel of the convolutions before the first module.
const STEM: [(&str, [usize; 3]); 3] =
    [("conv1", [64, 3, 7]), ("conv2", [64, 64, 1]), ("conv3", [192, 64, 3])];

/// The layers after the stem.
enum Stage {
    /// Its name and window.
    Pool(&'static str, usize),
    Inception(&'static str, Branches),
}

/// Outputs of the convolutions of a module. Each branch reads the module's input.
struct Branches {
    /// 1x1.
    one: usize,
    /// 1x1, then 3x3.
    three: [usize; 2],
    /// 1x1, then 3x3 (5x5 in the paper).
    five: [usize; 2],
    /// 1x1, after a 3x3 max-pool.
    pool: usize,
}

impl Branches {
    const fn new(one: usize, three: [usize; 2], five: [usize; 2], pool: usize) -> Self {
        Self { one, three, five, pool }
    }

    fn outputs(&self) -> usize {
        self.one + self.three[1] + self.five[1] + self.pool
    }
}

const STAGES: [Stage; 12] = [
    Stage::Pool("maxpool2", 3),
    Stage::Inception("inception3a", Branches::new(64, [96, 128], [16, 32], 32)),
    Stage::Inception("inception3b", Branches::new(128, [128, 192], [32, 96], 64)),
    Stage::Pool("maxpool3", 3),
    Stage::Inception("inception4a", Branches::new(192, [96, 208], [16, 48], 64)),
    Stage::Inception("inception4b", Branches::new(160, [112, 224], [24, 64], 64)),
    Stage::Inception("inception4c", Branches::new(128, [128, 256], [24, 64], 64)),
    Stage::Inception("inception4d", Branches::new(112, [144, 288], [32, 64], 64)),
    Stage::Inception("inception4e", Branches::new(256, [160, 320], [32, 128], 128)),
    Stage::Pool("maxpool4", 2),
    Stage::Inception("inception5a", Branches::new(256, [160, 320], [32, 128], 128)),
    Stage::Inception("inception5b", Branches::new(384, [192, 384], [48, 128], 128)),
];

/// Builds the network from torchvision's tensors on `device`; those of the auxiliary classifiers are ignored.
///
/// `normalisation` is that of the training. torchvision's pretrained weights need [`Normalisation::HALF`].
///
/// # Errors
///
/// Names the tensors that are missing, have another shape, or do not belong to it; or says which other
/// network this is.
pub fn extractor(
    tensors: HashMap<String, Tensor>,
    normalisation: Normalisation,
    device: &Device,
) -> std::result::Result<Extractor, ParameterError> {
    let taken = extractor::take(NETWORK, NETWORK, tensors, &parameter_shapes(), is_ignored)?;
    build(taken, normalisation, device).map_err(|error| extractor::failed(NETWORK, &error))
}

/// Names and shapes of the tensors that [`extractor()`] needs, in the network's order.
pub fn parameter_shapes() -> Vec<(String, Vec<usize>)> {
    let mut shapes = Vec::new();
    let mut push = |name: String, [outputs, inputs, kernel]: [usize; 3]| {
        shapes.push((format!("{name}.conv.weight"), vec![outputs, inputs, kernel, kernel]));
        for part in ["weight", "bias", "running_mean", "running_var"] {
            shapes.push((format!("{name}.bn.{part}"), vec![outputs]));
        }
    };
    for (name, shape) in STEM {
        push(name.to_owned(), shape);
    }
    let mut inputs = STEM[2].1[0];
    for stage in &STAGES {
        let Stage::Inception(name, branches) = stage else { continue };
        let Branches { one, three, five, pool } = branches;
        push(format!("{name}.branch1"), [*one, inputs, 1]);
        for (number, [narrow, wide]) in [(2, three), (3, five)] {
            push(format!("{name}.branch{number}.0"), [*narrow, inputs, 1]);
            push(format!("{name}.branch{number}.1"), [*wide, *narrow, 3]);
        }
        push(format!("{name}.branch4.1"), [*pool, inputs, 1]);
        inputs = branches.outputs();
    }
    shapes.push(("fc.weight".to_owned(), vec![CLASSES, inputs]));
    shapes.push(("fc.bias".to_owned(), vec![CLASSES]));
    shapes
}

/// Names of all layers, from the picture upwards.
pub fn layer_names() -> Vec<&'static str> {
    let stages = STAGES.iter().map(|stage| match stage {
        Stage::Pool(name, _) | Stage::Inception(name, _) => *name,
    });
    ["conv1", "maxpool1", "conv2", "conv3"].into_iter().chain(stages).chain(["logits"]).collect()
}

/// Tensors that only training uses.
fn is_ignored(name: &str) -> bool {
    name.starts_with("aux1.") || name.starts_with("aux2.") || name.ends_with(".num_batches_tracked")
}

/// Layers are added in the order of [`parameter_shapes`].
fn build(tensors: Vec<Tensor>, normalisation: Normalisation, device: &Device) -> Result<Extractor> {
    let mut network = Builder::new(tensors, device);
    let mut map = unit(&mut network, Map::PICTURE, 2)?;
    network.name("conv1", map);
    map = network.max_pool(map, 3, 2, 0, true);
    network.name("maxpool1", map);
    for name in ["conv2", "conv3"] {
        map = unit(&mut network, map, 1)?;
        network.name(name, map);
    }
    for stage in &STAGES {
        let (name, output) = match stage {
            Stage::Pool(name, kernel) => (name, network.max_pool(map, *kernel, 2, 0, true)),
            Stage::Inception(name, _) => (name, inception(&mut network, map)?),
        };
        network.name(name, output);
        map = output;
    }
    // torchvision takes the mean first. Both are linear, so the result is the same.
    let [weight, bias] = network.tensors();
    let weight = weight.unsqueeze(2)?.unsqueeze(3)?;
    map = network.conv(map, (weight, bias), 1, Padding::zeros(0))?;
    network.name_mean("logits", map);
    network.finish("googlenet", normalisation)
}

/// Four concatenated branches.
fn inception(network: &mut Builder, input: Map) -> Result<Map> {
    let one = unit(network, input, 1)?;
    let mut pair = || {
        let narrow = unit(network, input, 1)?;
        unit(network, narrow, 1)
    };
    let (three, five) = (pair()?, pair()?);
    let largest = network.max_pool(input, 3, 1, 1, true);
    let pool = unit(network, largest, 1)?;
    Ok(network.concat(&[one, three, five, pool]))
}

/// A convolution that keeps the size, except for its stride, with batch normalisation and ReLU.
fn unit(network: &mut Builder, input: Map, stride: usize) -> Result<Map> {
    let [weight] = network.tensors();
    let padding = Padding::zeros(weight.dim(2)? / 2);
    let filters = extractor::folded(&weight, None, network.tensors(), EPSILON)?;
    let map = network.conv(input, filters, stride, padding)?;
    Ok(network.relu(map))
}
