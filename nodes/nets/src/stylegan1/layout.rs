use std::collections::HashMap;

use candle_core::Tensor;

use crate::parameters::{self, ParameterError};

/// The sizes that determine the shapes of all tensors.
pub(super) struct Layout {
    /// Width of z, then of every dense layer's output; the last is that of w.
    pub(super) mapping: Vec<usize>,
    pub(super) blocks: Vec<Sizes>,
    /// Channels of the picture.
    pub(super) picture: usize,
    /// Whether the bias of a block's first layer is added behind its blur, and to the constant: NVIDIA's form.
    pub(super) late_bias: bool,
    /// Whether there is a noise plane for every layer.
    pub(super) planes: bool,
    /// Whether the average of w is there.
    pub(super) average: bool,
}

/// Those of a block.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    pub(super) channels: usize,
    /// How its first layer upsamples.
    pub(super) first: First,
}

/// The first layer of a block.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum First {
    /// A constant, in block 0.
    Constant,
    /// Repeats pixels, then convolves.
    Repeating,
    /// A transposed convolution, whose kernel is averaged over four positions.
    Fused,
}

/// Channels of the released networks of 1024 pixels.
const CHANNELS: [usize; 9] = [512, 512, 512, 512, 256, 128, 64, 32, 16];
/// The first block that these fuse, of 128 pixels.
const FIRST_FUSED: usize = 5;
/// The average of w, `[w]`, in files that have it.
pub(super) const AVERAGE: &str = "latent_avg";
/// The largest plausible number of mapping layers.
const MOST_LAYERS: usize = 64;

/// The dense layer `index` of the mapping: between them are activations, before them is a norm.
pub(super) fn dense(index: usize) -> String {
    format!("style.{}.linear", 2 * index + 1)
}

/// The block `index`.
pub(super) fn block(index: usize) -> String {
    format!("generator.progression.{index}")
}

/// The bias of the first layer of the block `index`, where it comes after the blur.
pub(super) fn late_bias(index: usize) -> String {
    format!("{}.bias1", block(index))
}

/// The noise plane of the layer `index`, of two per block.
pub(super) fn plane(index: usize) -> String {
    format!("noises.noise_{index}")
}

/// What makes colours of the block `index`.
pub(super) fn colours(index: usize) -> String {
    format!("generator.to_rgb.{index}.conv")
}

impl First {
    /// Weight, bias and blur within a block that upsamples.
    pub(super) fn names(self) -> [&'static str; 3] {
        match self {
            First::Fused => ["conv1.0.weight", "conv1.0.bias", "conv1.1.weight"],
            _ => ["conv1.1.conv.weight_orig", "conv1.1.conv.bias", "conv1.2.weight"],
        }
    }
}

impl Layout {
    /// The sizes that fit `tensors` best, those of the released networks where they say nothing.
    fn of(tensors: &HashMap<String, Tensor>) -> Self {
        let size = |name: String, dimension: usize| {
            tensors.get(&name)?.dims().get(dimension).copied().filter(|size| *size > 0)
        };
        let number = |name: &String, head: &str| -> Option<usize> {
            name.strip_prefix(head)?.split_once('.')?.0.parse().ok()
        };
        let indices = |head: &'static str, most: usize| {
            tensors.keys().filter_map(move |name| number(name, head)).filter(move |index| *index < most).max()
        };
        let last = indices("generator.progression.", CHANNELS.len()).unwrap_or(CHANNELS.len() - 1).max(1);
        let blocks = (0..=last).map(|index| {
            let block = block(index);
            let channels = size(format!("{block}.conv2.conv.bias"), 0)
                .or_else(|| size(format!("{block}.conv2.conv.weight_orig"), 0))
                .or_else(|| size(format!("{block}.noise2.weight_orig"), 1));
            let has = |part: &str| tensors.contains_key(&format!("{block}.{part}"));
            let first = match index {
                0 => First::Constant,
                _ if has("conv1.0.weight") || has("conv1.0.bias") => First::Fused,
                _ if has("conv1.1.conv.weight_orig") || index < FIRST_FUSED => First::Repeating,
                _ => First::Fused,
            };
            Sizes { channels: channels.unwrap_or(CHANNELS[index]), first }
        });
        let layers = indices("style.", 2 * MOST_LAYERS).map_or(8, |last| last.div_ceil(2).max(1));
        let mut mapping = vec![size(format!("{}.weight_orig", dense(0)), 1).unwrap_or(512)];
        for index in 0..layers {
            let name = dense(index);
            let width = size(format!("{name}.bias"), 0).or_else(|| size(format!("{name}.weight_orig"), 0));
            mapping.push(width.unwrap_or(512));
        }
        let picture = size(format!("{}.weight_orig", colours(0)), 0).filter(|size| [1, 3, 4].contains(size));
        Self {
            mapping,
            blocks: blocks.collect(),
            picture: picture.unwrap_or(3),
            late_bias: tensors.keys().any(|name| name.ends_with(".bias1")),
            planes: tensors.keys().any(|name| name.starts_with("noises.")),
            average: tensors.contains_key(AVERAGE),
        }
    }

    /// Width of one style.
    pub(super) fn w_width(&self) -> usize {
        self.mapping[self.mapping.len() - 1]
    }

    /// Names and shapes of all tensors that are used.
    fn shapes(&self) -> Vec<(String, Vec<usize>)> {
        let (mut shapes, w) = (Vec::new(), self.w_width());
        let mut add = |name: String, shape: &[usize]| shapes.push((name, shape.to_vec()));
        for (index, pair) in self.mapping.windows(2).enumerate() {
            let name = dense(index);
            add(format!("{name}.weight_orig"), &[pair[1], pair[0]]);
            add(format!("{name}.bias"), &[pair[1]]);
        }
        let mut inputs = 0;
        for (index, Sizes { channels: c, first }) in self.blocks.iter().copied().enumerate() {
            let block = block(index);
            if first == First::Constant {
                add(format!("{block}.conv1.input"), &[1, c, 4, 4]);
            } else {
                let weight = if first == First::Fused { [inputs, c, 3, 3] } else { [c, inputs, 3, 3] };
                let [weight_name, bias, blur] = first.names().map(|name| format!("{block}.{name}"));
                add(weight_name, &weight);
                if !self.late_bias {
                    add(bias, &[c]);
                }
                add(blur, &[c, 1, 3, 3]);
            }
            if self.late_bias {
                add(late_bias(index), &[c]);
            }
            if self.planes {
                let side = 4 << index;
                add(plane(2 * index), &[1, 1, side, side]);
                add(plane(2 * index + 1), &[1, 1, side, side]);
            }
            add(format!("{block}.conv2.conv.weight_orig"), &[c, c, 3, 3]);
            add(format!("{block}.conv2.conv.bias"), &[c]);
            for layer in 1..=2 {
                add(format!("{block}.noise{layer}.weight_orig"), &[1, c, 1, 1]);
                add(format!("{block}.adain{layer}.style.linear.weight_orig"), &[2 * c, w]);
                add(format!("{block}.adain{layer}.style.linear.bias"), &[2 * c]);
            }
            add(format!("{}.weight_orig", colours(index)), &[self.picture, c, 1, 1]);
            add(format!("{}.bias", colours(index)), &[self.picture]);
            inputs = c;
        }
        if self.average {
            add(AVERAGE.to_owned(), &[w]);
        }
        shapes
    }
}

/// What PyTorch's `InstanceNorm2d` adds to a variance.
const EPSILON: f64 = 1e-5;

/// The tensors of a generator, complete and of consistent shapes.
pub(super) struct Parameters {
    pub(super) layout: Layout,
    /// What the norms add to the variance of a channel.
    pub(super) epsilon: f64,
    tensors: HashMap<String, Tensor>,
}

impl Parameters {
    /// # Errors
    ///
    /// Names the tensors that are missing, have another shape, or do not belong to it.
    pub(super) fn new(tensors: HashMap<String, Tensor>) -> Result<Self, ParameterError> {
        let layout = Layout::of(&tensors);
        let shapes = layout.shapes();
        // The adjoint of a blur, which training needs.
        let ignored = |name: &str| name.ends_with(".weight_flip");
        let taken = parameters::take("a generator of the first StyleGAN", tensors, &shapes, ignored)?;
        let tensors = shapes.into_iter().map(|(name, _)| name).zip(taken).collect();
        Ok(Self { layout, epsilon: EPSILON, tensors })
    }

    /// The tensor of that name, which is in every network of this layout.
    pub(super) fn get(&self, name: &str) -> &Tensor {
        &self.tensors[name]
    }
}
