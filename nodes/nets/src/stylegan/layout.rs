use std::collections::HashMap;
use std::fmt;

use candle_core::Tensor;

use crate::parameters::{self, ParameterError};

/// The sizes that determine the shapes of all tensors.
pub(super) struct Layout {
    /// Width of z, then of every layer's output; the last is that of w.
    pub(super) mapping: Vec<usize>,
    /// Channels of the blocks b4, b8, ..
    channels: Vec<usize>,
    /// Channels of the picture.
    picture: usize,
    noise: bool,
}

/// The largest plausible number of mapping layers; a file with more is not one of ours.
const MOST_LAYERS: usize = 64;

impl Layout {
    /// "config-f" of the paper, the large network of 30 million parameters.
    pub(super) fn config_f(resolution: usize) -> Self {
        let channels = resolutions().take_while(|size| *size <= resolution).map(config_f_channels).collect();
        Self { mapping: vec![512; 9], channels, picture: 3, noise: true }
    }

    /// The sizes that fit `tensors` best, config-f's where they say nothing or contradict themselves.
    fn of(tensors: &HashMap<String, Tensor>) -> Self {
        let size = |name: String, dimension| size(tensors, &name, dimension);
        let largest = tensors.keys().filter_map(|name| block(name)).max().unwrap_or(8).max(8);
        let channels = |resolution| {
            let layer = format!("synthesis.b{resolution}.conv1");
            size(format!("{layer}.bias"), 0)
                .or_else(|| size(format!("{layer}.weight"), 0))
                .unwrap_or_else(|| config_f_channels(resolution))
        };
        let picture = size("synthesis.b4.torgb.weight".into(), 0).filter(|size| [1, 3, 4].contains(size));
        let is_noise = |name: &String| name.ends_with(".noise_const") || name.ends_with(".noise_strength");
        Self {
            mapping: mapping_widths(tensors),
            channels: resolutions().take_while(|size| *size <= largest).map(channels).collect(),
            picture: picture.unwrap_or(3),
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
        self.mapping[self.mapping.len() - 1]
    }

    /// Layers of w: every convolution has its own, and the last `torgb`.
    pub(super) fn styles(&self) -> usize {
        2 * self.channels.len()
    }

    /// Whether the synthesis networks of both have the same sizes; their mappings may differ.
    pub(super) fn has_synthesis_of(&self, other: &Self) -> bool {
        let sizes = |it: &Self| (it.w_width(), it.picture, it.noise);
        sizes(self) == sizes(other) && self.channels == other.channels
    }

    /// Names and shapes of all tensors that are used.
    pub(super) fn shapes(&self) -> Vec<(String, Vec<usize>)> {
        let (mut shapes, w) = (mapping_shapes(&self.mapping), self.w_width());
        let mut add = |name: String, shape: &[usize]| shapes.push((name, shape.to_vec()));
        let mut inputs = self.channels[0];
        add("synthesis.b4.const".into(), &[inputs, 4, 4]);
        for (resolution, channels) in self.blocks() {
            let block = format!("synthesis.b{resolution}");
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
            add(format!("{block}.torgb.weight"), &[self.picture, channels, 1, 1]);
            add(format!("{block}.torgb.bias"), &[self.picture]);
            add(format!("{block}.torgb.affine.weight"), &[channels, w]);
            add(format!("{block}.torgb.affine.bias"), &[channels]);
            if resolution > 4 {
                add(format!("{block}.resample_filter"), &[4, 4]);
            }
        }
        shapes
    }

    /// Names of the filters that checkpoints hold although nothing is resampled there.
    pub(super) fn unused(&self) -> Vec<String> {
        let first = "synthesis.b4.resample_filter".to_owned();
        let others = self.blocks().map(|(size, _)| format!("synthesis.b{size}.conv1.resample_filter"));
        std::iter::once(first).chain(others).collect()
    }
}

/// The sizes of the synthesis network, in words.
impl fmt::Display for Layout {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.blocks().map(|(size, _)| size).last().unwrap_or(4);
        let (width, picture, channels) = (self.w_width(), self.picture, &self.channels);
        let noise = if self.noise { "with" } else { "without" };
        write!(
            formatter,
            "of {size} px with {picture} channels, styles of {width} numbers, blocks of {channels:?} channels, {noise} \
             noise"
        )
    }
}

/// A size of a tensor, if there is one.
fn size(tensors: &HashMap<String, Tensor>, name: &str, dimension: usize) -> Option<usize> {
    tensors.get(name)?.dims().get(dimension).copied().filter(|size| *size > 0)
}

/// Width of z and of the output of every layer of the mapping, those of 8 layers of 512 where `tensors` say nothing.
pub(crate) fn mapping_widths(tensors: &HashMap<String, Tensor>) -> Vec<usize> {
    let layer = |name: &String| name.strip_prefix("mapping.fc")?.split_once('.')?.0.parse::<usize>().ok();
    let layers = tensors.keys().filter_map(layer).filter(|index| *index < MOST_LAYERS).max();
    let mut widths = vec![size(tensors, "mapping.fc0.weight", 1).unwrap_or(512)];
    for index in 0..=layers.unwrap_or(7) {
        let name = format!("mapping.fc{index}");
        let width =
            size(tensors, &format!("{name}.bias"), 0).or_else(|| size(tensors, &format!("{name}.weight"), 0));
        widths.push(width.unwrap_or(512));
    }
    widths
}

/// Names and shapes of the tensors of a mapping of these widths.
pub(crate) fn mapping_shapes(widths: &[usize]) -> Vec<(String, Vec<usize>)> {
    let mut shapes = Vec::new();
    for (index, pair) in widths.windows(2).enumerate() {
        shapes.push((format!("mapping.fc{index}.weight"), vec![pair[1], pair[0]]));
        shapes.push((format!("mapping.fc{index}.bias"), vec![pair[1]]));
    }
    shapes.push(("mapping.w_avg".to_owned(), vec![widths[widths.len() - 1]]));
    shapes
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

fn resolutions() -> impl Iterator<Item = usize> {
    (2..=10).map(|power| 1 << power)
}

fn config_f_channels(resolution: usize) -> usize {
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
fn is_variant(name: &str, shape: &[usize]) -> bool {
    match shape {
        // Networks that went through numpy have no scalars.
        [1] => name.ends_with(".noise_strength"),
        [h, w] => h == w && (2..=8).contains(h) && name.ends_with(".resample_filter"),
        _ => false,
    }
}
