//! The first StyleGAN of NVIDIA's TensorFlow code, and of genforce, which has the same numbers in PyTorch's order.
//!
//! Here it has the names of rosinality's style-based-gan-pytorch, whose code multiplies every weight by
//! `sqrt(2 / inputs)` when it runs. NVIDIA's code differs in:
//!
//! | | in the file | here |
//! |---|---|---|
//! | layers of the mapping | times `mapping_lrmul` when they run | multiplied by it |
//! | matrices of styles, kernels of colours | gain 1 | divided by `sqrt(2)`, for the gain of `sqrt(2)` |
//! | biases of styles | the scales, which come first, get their 1 when they run | with their 1 |
//! | strengths of noise, of C channels | as they are | times `sqrt(C / 2)` |
//! | kernels that enlarge by a transposed convolution | the sum of four shifts | times 4, for the mean of them |
//! | bias of a block's first layer | added behind the blur, and to the constant | `bias1` |
//! | planes of noise | one per layer | `noises.noise_0` and so on |
//! | average of w | `dlatent_avg` | `latent_avg` |
//! | filter of the blur | an argument | `[C,1,3,3]` |
//!
//! A number that is multiplied by a factor is rounded once, to f32; all others are exact.
//!
//! Sources: Karras et al., arXiv:1812.04948; the names and formulas of NVIDIA's `networks_stylegan.py` and of genforce's
//! table of variables.

use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};

use crate::tensor::Tensor;

use super::change::Change;
use super::pairs::{MOST_BLOCKS, MOST_LAYERS, Named, Pairs, blocks, count, resolution};

/// How a generator was built, as far as tensors do not show it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Built {
    /// What the layers of the mapping are multiplied by.
    pub(super) lr_multiplier: f64,
    /// Whether blocks enlarge by transposed convolutions; none for those of 128 px and more.
    pub(super) fused: Option<bool>,
    /// Filter of the blur along one axis, of sum 1.
    pub(super) taps: [f32; 3],
}

impl Default for Built {
    fn default() -> Self {
        Self { lr_multiplier: 0.01, fused: None, taps: [0.25, 0.5, 0.25] }
    }
}

impl Built {
    fn is_fused(&self, size: usize) -> bool {
        size > 4 && self.fused.unwrap_or(size >= 128)
    }
}

/// The names that a program gives to what both have.
struct Program {
    constant: &'static str,
    average: &'static str,
    /// A layer of the mapping.
    dense: fn(usize) -> String,
    /// A layer of the synthesis, of two per block, with what separates it from its parts.
    layer: fn(usize) -> String,
    /// What makes the colours of a block, of so many.
    colours: fn(usize, usize) -> String,
    /// The plane of noise of a layer.
    plane: fn(usize) -> String,
    strengths: &'static str,
    style: &'static str,
    matrix: Change,
    kernel: Change,
    transposed: Change,
}

const TENSORFLOW: Program = Program {
    constant: "synthesis/4x4/Const/const",
    average: "dlatent_avg",
    dense: |index| format!("mapping/Dense{index}/"),
    layer: |index| {
        let (size, is_second) = (resolution(index / 2), index % 2 == 1);
        let name = match (index < 2, is_second) {
            (true, false) => "Const",
            (true, true) => "Conv",
            (false, false) => "Conv0_up",
            (false, true) => "Conv1",
        };
        format!("synthesis/{size}x{size}/{name}/")
    },
    colours: |index, blocks| format!("synthesis/ToRGB_lod{}/", blocks - 1 - index),
    plane: |index| format!("synthesis/noise{index}"),
    strengths: "Noise/weight",
    style: "StyleMod/",
    matrix: Change::Transposed,
    kernel: Change::Kernel,
    transposed: Change::TransposingKernel,
};

const GENFORCE: Program = Program {
    constant: "synthesis.layer0.const",
    average: "truncation.w_avg",
    dense: |index| format!("mapping.dense{index}."),
    layer: |index| format!("synthesis.layer{index}."),
    colours: |index, _| format!("synthesis.output{index}."),
    plane: |index| format!("synthesis.layer{index}.apply_noise.noise"),
    strengths: "apply_noise.weight",
    style: "style.",
    matrix: Change::None,
    kernel: Change::None,
    transposed: Change::Swapped,
};

/// A generator of NVIDIA's TensorFlow code, of its [variables](super::tensorflow::variables).
pub(super) fn of_tensorflow<'a>(file: &Named<'a>, built: &Built) -> Named<'a> {
    let layers = count(file, "mapping/Dense", MOST_LAYERS);
    let blocks = blocks(file, "synthesis/", "x");
    finished(pairs(&TENSORFLOW, layers, blocks, built).read(file), built)
}

/// A generator of genforce.
pub(super) fn of_genforce<'a>(file: &Named<'a>) -> Named<'a> {
    let built = Built::default();
    let layers = count(file, "mapping.dense", MOST_LAYERS);
    let blocks = count(file, "synthesis.layer", 2 * MOST_BLOCKS).div_ceil(2);
    let mut pairs = pairs(&GENFORCE, layers, blocks, &built);
    for index in 1..blocks {
        let blur = blur(index, built.is_fused(resolution(index)));
        pairs.add(format!("synthesis.layer{}.blur.kernel", 2 * index), blur, Change::None);
    }
    let mut own = pairs.read(file);
    // Only training needs it.
    own.shift_remove("synthesis.lod");
    finished(own, &built)
}

fn block(index: usize) -> String {
    format!("generator.progression.{index}")
}

/// The filter behind the first layer of a block.
fn blur(index: usize, is_fused: bool) -> String {
    format!("{}.conv1.{}.weight", block(index), if is_fused { 1 } else { 2 })
}

fn pairs(program: &Program, layers: usize, blocks: usize, built: &Built) -> Pairs {
    let mut pairs = Pairs::default();
    for index in 0..layers {
        let (file, own) = ((program.dense)(index), format!("style.{}.linear", 2 * index + 1));
        pairs.add(format!("{file}weight"), format!("{own}.weight_orig"), program.matrix);
        pairs.add(format!("{file}bias"), format!("{own}.bias"), Change::None);
    }
    pairs.add(program.average, "latent_avg", Change::None);
    pairs.add(program.constant, format!("{}.conv1.input", block(0)), Change::None);
    for index in 0..blocks {
        let own = block(index);
        let [first, second] = [0, 1].map(|layer| (program.layer)(2 * index + layer));
        if built.is_fused(resolution(index)) {
            pairs.add(format!("{first}weight"), format!("{own}.conv1.0.weight"), program.transposed);
        } else if index > 0 {
            pairs.add(format!("{first}weight"), format!("{own}.conv1.1.conv.weight_orig"), program.kernel);
        }
        pairs.add(format!("{first}bias"), format!("{own}.bias1"), Change::None);
        pairs.add(format!("{second}weight"), format!("{own}.conv2.conv.weight_orig"), program.kernel);
        pairs.add(format!("{second}bias"), format!("{own}.conv2.conv.bias"), Change::None);
        for (layer, file) in [first, second].iter().enumerate() {
            let strengths = format!("{own}.noise{}.weight_orig", layer + 1);
            pairs.add(format!("{file}{}", program.strengths), strengths, Change::Spread);
            let (style, linear) = (program.style, format!("{own}.adain{}.style.linear", layer + 1));
            pairs.add(format!("{file}{style}weight"), format!("{linear}.weight_orig"), program.matrix);
            pairs.add(format!("{file}{style}bias"), format!("{linear}.bias"), Change::None);
            let plane = 2 * index + layer;
            pairs.add((program.plane)(plane), format!("noises.noise_{plane}"), Change::None);
        }
        let (colours, own) = ((program.colours)(index, blocks), format!("generator.to_rgb.{index}.conv"));
        pairs.add(format!("{colours}weight"), format!("{own}.weight_orig"), program.kernel);
        pairs.add(format!("{colours}bias"), format!("{own}.bias"), Change::None);
    }
    pairs
}

/// The tensors with their factors, and the filters of the blur.
fn finished<'a>(mut own: Named<'a>, built: &Built) -> Named<'a> {
    let mut filters = Vec::new();
    for (name, tensor) in &mut own {
        if let Some(changed) = scaled(name, tensor, built) {
            *tensor = changed;
        }
        let first = name.strip_suffix(".conv1.0.weight").map(|block| (block, true));
        let first =
            first.or_else(|| name.strip_suffix(".conv1.1.conv.weight_orig").map(|block| (block, false)));
        let channels = |is_fused: bool| tensor.shape().get(usize::from(is_fused)).copied();
        if let Some((block, is_fused)) = first
            && let (Some(index), Some(channels)) = (block.rsplit('.').next(), channels(is_fused))
            && let Ok(index) = index.parse::<usize>()
            && channels <= MOST_CHANNELS
        {
            filters.push((blur(index, is_fused), channels));
        }
    }
    for (name, channels) in filters {
        own.entry(name).or_insert_with(|| {
            let [a, b, c] = built.taps;
            let kernel: Vec<f32> =
                [a, b, c].iter().flat_map(|down| [a, b, c].map(|tap| down * tap)).collect();
            Tensor::of_f32(&[channels, 1, 3, 3], &kernel.repeat(channels))
        });
    }
    own
}

/// More than any layer has.
const MOST_CHANNELS: usize = 1 << 16;

/// The tensor as it is here, if it is another one.
fn scaled(name: &str, tensor: &Tensor<'_>, built: &Built) -> Option<Tensor<'static>> {
    let (layer, end) = name.rsplit_once('.')?;
    let factor = match (layer, end) {
        _ if layer.starts_with("style.") => built.lr_multiplier,
        (_, "weight_orig") if layer.starts_with("generator.to_rgb.") => FRAC_1_SQRT_2,
        (_, "weight_orig") if layer.ends_with(".style.linear") => FRAC_1_SQRT_2,
        (_, "weight_orig") if layer.ends_with(".noise1") || layer.ends_with(".noise2") => {
            (tensor.count() as f64).sqrt() / SQRT_2
        }
        (_, "weight") if layer.ends_with(".conv1.0") => 4.0,
        (_, "bias") if layer.ends_with(".style.linear") => {
            let values = tensor.to_f32();
            let scales = values.len() / 2;
            let one = |index| if index < scales { 1.0 } else { 0.0 };
            let values: Vec<f32> =
                values.iter().enumerate().map(|(index, value)| value + one(index)).collect();
            return Some(Tensor::of_f32(tensor.shape(), &values));
        }
        _ => return None,
    };
    let values: Vec<f32> =
        tensor.to_f32().into_iter().map(|value| (f64::from(value) * factor) as f32).collect();
    Some(Tensor::of_f32(tensor.shape(), &values))
}
