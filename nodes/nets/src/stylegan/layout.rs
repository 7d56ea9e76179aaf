use std::collections::HashMap;
use std::fmt;

use candle_core::Tensor;
use dreamwire_kernels::TensorOptions;

use super::Mapping;
use super::architecture::Architecture;
use super::filter::is_filter;
use super::mapping::AVERAGE;
use super::mapping_layers::MappingSizes;
use crate::parameters::{self, ParameterError};

/// The sizes that determine the shapes of all tensors.
pub(super) struct Layout {
    /// Its outputs are the styles.
    pub(super) mapping: MappingSizes,
    pub(super) architecture: Architecture,
    /// Channels of the blocks b4, b8, ..
    channels: Vec<usize>,
    /// Channels of the picture.
    picture: usize,
    noise: bool,
}

impl Layout {
    /// "config-f" of the paper, the large network of 30 million parameters.
    pub(super) fn config_f(resolution: usize) -> Self {
        let channels = resolutions().take_while(|size| *size <= resolution).map(config_f_channels).collect();
        let (mapping, architecture) = (MappingSizes::config_f(), Architecture::Skip);
        Self { mapping, architecture, channels, picture: 3, noise: true }
    }

    /// The sizes that fit `tensors` best, config-f's where they say nothing or contradict themselves.
    pub(super) fn of(tensors: &HashMap<String, Tensor>) -> Self {
        let size = |name: String, dimension: usize| {
            tensors.get(&name)?.dims().get(dimension).copied().filter(|size| *size > 0)
        };
        let largest = tensors.keys().filter_map(|name| block(name)).max().unwrap_or(8).max(8);
        let channels = |resolution| {
            let layer = format!("synthesis.b{resolution}.conv1");
            size(format!("{layer}.bias"), 0)
                .or_else(|| size(format!("{layer}.weight"), 0))
                .unwrap_or_else(|| config_f_channels(resolution))
        };
        let blocks = || resolutions().take_while(|size| *size <= largest);
        let picture = blocks().find_map(|block| size(format!("synthesis.b{block}.torgb.weight"), 0));
        let is_noise = |name: &String| name.ends_with(".noise_const") || name.ends_with(".noise_strength");
        Self {
            mapping: MappingSizes::of(tensors),
            architecture: Architecture::of_generator(tensors, largest),
            channels: blocks().map(channels).collect(),
            picture: picture.filter(|size| [1, 3, 4].contains(size)).unwrap_or(3),
            noise: tensors.keys().any(is_noise),
        }
    }

    /// Resolution and channels of every block.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (usize, usize)> {
        resolutions().zip(self.channels.iter().copied())
    }

    /// Channels of the picture: 1, 3 or 4.
    pub(super) fn picture(&self) -> usize {
        self.picture
    }

    /// Width of one style.
    pub(super) fn w_width(&self) -> usize {
        self.mapping.outputs()
    }

    /// Layers of w: every convolution has its own, and the last `torgb`.
    pub(super) fn styles(&self) -> usize {
        2 * self.channels.len()
    }

    /// Whether the synthesis networks of both have the same sizes; their mappings may differ.
    pub(super) fn has_synthesis_of(&self, other: &Self) -> bool {
        let sizes = |it: &Self| (it.architecture, it.w_width(), it.picture, it.noise);
        sizes(self) == sizes(other) && self.channels == other.channels
    }

    /// Names and shapes of all tensors that are used.
    pub(super) fn shapes(&self) -> Vec<(String, Vec<usize>)> {
        let (mut shapes, w) = (self.mapping.shapes(), self.w_width());
        let mut add = |name: String, shape: &[usize]| shapes.push((name, shape.to_vec()));
        add(AVERAGE.into(), &[w]);
        let mut inputs = self.channels[0];
        add("synthesis.b4.const".into(), &[inputs, 4, 4]);
        for (resolution, channels) in self.blocks() {
            let block = format!("synthesis.b{resolution}");
            if self.architecture == Architecture::Resnet && resolution > 4 {
                add(format!("{block}.skip.weight"), &[channels, inputs, 1, 1]);
                add(format!("{block}.skip.resample_filter"), &[4, 4]);
            }
            for convolution in convolutions(resolution) {
                let layer = format!("{block}.{convolution}");
                add(format!("{layer}.weight"), &[channels, inputs, 3, 3]);
                add(format!("{layer}.bias"), &[channels]);
                add(format!("{layer}.affine.weight"), &[inputs, w]);
                add(format!("{layer}.affine.bias"), &[inputs]);
                if self.noise {
                    add(format!("{layer}.noise_const"), &[resolution, resolution]);
                    add(format!("{layer}.noise_strength"), &[]);
                }
                if *convolution == "conv0" {
                    add(format!("{layer}.resample_filter"), &[4, 4]);
                }
                inputs = channels;
            }
            if !self.has_picture(resolution) {
                continue;
            }
            add(format!("{block}.torgb.weight"), &[self.picture, channels, 1, 1]);
            add(format!("{block}.torgb.bias"), &[self.picture]);
            add(format!("{block}.torgb.affine.weight"), &[channels, w]);
            add(format!("{block}.torgb.affine.bias"), &[channels]);
            if self.architecture == Architecture::Skip && resolution > 4 {
                add(format!("{block}.resample_filter"), &[4, 4]);
            }
        }
        shapes
    }

    /// Whether the block of that resolution has a `torgb`: every one, or only the last.
    fn has_picture(&self, resolution: usize) -> bool {
        self.architecture == Architecture::Skip || resolution == 2 << self.channels.len()
    }

    /// Names of the filters that checkpoints hold although nothing is resampled there.
    pub(super) fn unused(&self) -> Vec<String> {
        let of_pictures =
            self.blocks().filter(|(size, _)| *size == 4 || self.architecture != Architecture::Skip);
        let of_pictures = of_pictures.map(|(size, _)| format!("synthesis.b{size}.resample_filter"));
        let others = self.blocks().map(|(size, _)| format!("synthesis.b{size}.conv1.resample_filter"));
        of_pictures.chain(others).collect()
    }
}

/// The sizes of the synthesis network, in words.
impl fmt::Display for Layout {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.blocks().map(|(size, _)| size).last().unwrap_or(4);
        let (width, picture, channels) = (self.w_width(), self.picture, &self.channels);
        let noise = if self.noise { "with" } else { "without" };
        let architecture = self.architecture;
        let s = if picture == 1 { "" } else { "s" };
        write!(
            formatter,
            "of {size} px with {picture} channel{s}, styles of {width} numbers, blocks of {channels:?} channels, {noise} \
             noise, {architecture} architecture"
        )
    }
}

/// The convolutions of a block, in order.
pub(super) fn convolutions(resolution: usize) -> &'static [&'static str] {
    if resolution == 4 { &["conv1"] } else { &["conv0", "conv1"] }
}

/// The resolution of the block that a tensor belongs to.
pub(super) fn block(name: &str) -> Option<usize> {
    let resolution = name.strip_prefix("synthesis.b")?.split_once('.')?.0.parse::<usize>().ok()?;
    resolutions().find(|known| *known == resolution)
}

/// Sides of the blocks of any network.
pub(super) fn resolutions() -> impl Iterator<Item = usize> {
    (2..=10).map(|power| 1 << power)
}

/// The usual channels of a block.
pub(super) fn config_f_channels(resolution: usize) -> usize {
    512.min(32768 / resolution)
}

/// The tensors of a generator, complete and of consistent shapes.
pub(super) struct Parameters {
    pub(super) layout: Layout,
    pub(super) tensors: HashMap<String, Tensor>,
}

impl Parameters {
    /// # Errors
    ///
    /// Names the tensors that are missing, have another shape, or do not belong to it.
    pub(super) fn new(tensors: HashMap<String, Tensor>) -> Result<Self, ParameterError> {
        let layout = Layout::of(&tensors);
        let mut shapes = layout.shapes();
        if !tensors.contains_key(AVERAGE) {
            // The mapping makes its own.
            shapes.retain(|(name, _)| name != AVERAGE);
        }
        for (name, shape) in &mut shapes {
            if let Some(found) = tensors.get(name).map(Tensor::dims)
                && is_variant(name, found)
            {
                *shape = found.to_vec();
            }
        }
        let unused = layout.unused();
        let ignored = |name: &str| unused.iter().any(|filter| filter == name);
        let taken = parameters::take("a StyleGAN2 generator", tensors, &shapes, ignored)?;
        let tensors = shapes.into_iter().map(|(name, _)| name).zip(taken).collect();
        Ok(Self { layout, tensors })
    }

    /// The mapping network.
    pub(super) fn mapping(&self, options: &TensorOptions) -> candle_core::Result<Mapping> {
        Mapping::new(&self.layout.mapping, &self.tensors, self.layout.styles(), options)
    }

    /// The tensor of that name, if this network has one.
    pub(super) fn find(&self, name: &str) -> Option<&Tensor> {
        self.tensors.get(name)
    }

    /// The tensor of that name, which is in every network of this layout.
    pub(super) fn get(&self, name: &str) -> &Tensor {
        self.find(name).expect("all tensors of the layout were taken")
    }
}

/// Whether a tensor may have this shape instead of the layout's.
pub(super) fn is_variant(name: &str, shape: &[usize]) -> bool {
    // Networks that went through numpy have no scalars.
    name.ends_with(".noise_strength") && shape == [1]
        || name.ends_with(".resample_filter") && is_filter(shape)
}
