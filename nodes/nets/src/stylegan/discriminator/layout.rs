use std::collections::HashMap;

use candle_core::Tensor;

use crate::parameters::{self, ParameterError};
use crate::stylegan::architecture::Architecture;
use crate::stylegan::layout::{config_f_channels, is_variant, resolutions};
use crate::stylegan::mapping_layers::MappingSizes;

/// The sizes of a discriminator.
pub(super) struct Layout {
    architecture: Architecture,
    /// Channels of the maps at 4, 8, .. pixels.
    channels: Vec<usize>,
    /// Channels of the picture.
    picture: usize,
    /// Channels that compare the pictures of a batch.
    statistics: usize,
    /// From the class to what the last layer is compared with; none in a network without classes.
    mapping: Option<MappingSizes>,
}

impl Layout {
    /// The sizes that fit `tensors` best, those of config-f where they say nothing or contradict themselves.
    fn of(tensors: &HashMap<String, Tensor>) -> Self {
        let size = |name: String, dimension: usize| {
            tensors.get(&name)?.dims().get(dimension).copied().filter(|size| *size > 0)
        };
        let largest = tensors.keys().filter_map(|name| block(name)).max().unwrap_or(8).max(8);
        let channels = |resolution| {
            let layer = if resolution == 4 { "b4.conv".to_owned() } else { format!("b{resolution}.conv0") };
            size(format!("{layer}.bias"), 0)
                .or_else(|| size(format!("{layer}.weight"), 0))
                .unwrap_or_else(|| config_f_channels(resolution))
        };
        let channels: Vec<usize> = resolutions().take_while(|size| *size <= largest).map(channels).collect();
        let statistics = size("b4.conv.weight".into(), 1).and_then(|inputs| inputs.checked_sub(channels[0]));
        let has_classes = tensors.keys().any(|name| name.starts_with("mapping."));
        Self {
            architecture: Architecture::of_discriminator(tensors, largest),
            picture: size(format!("b{largest}.fromrgb.weight"), 1)
                .filter(|size| [1, 3, 4].contains(size))
                .unwrap_or(3),
            // The channels are divided among them.
            statistics: statistics
                .filter(|count| *count == 0 || channels[0].is_multiple_of(*count))
                .unwrap_or(1),
            mapping: has_classes.then(|| MappingSizes::of(tensors)),
            channels,
        }
    }

    /// Resolution, channels, and channels of the next block, from the picture on; without b4.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        let pairs = resolutions().skip(1).zip(self.channels.windows(2));
        let pairs: Vec<_> = pairs.map(|(size, pair)| (size, pair[1], pair[0])).collect();
        pairs.into_iter().rev()
    }

    /// Channels of the picture: 1, 3 or 4.
    pub(super) fn picture(&self) -> usize {
        self.picture
    }

    /// Channels that compare the pictures of a batch.
    pub(super) fn statistics(&self) -> usize {
        self.statistics
    }

    /// The sizes of the mapping network of the class.
    pub(super) fn mapping(&self) -> Option<&MappingSizes> {
        self.mapping.as_ref()
    }

    /// Names and shapes of all tensors that are used.
    fn shapes(&self) -> Vec<(String, Vec<usize>)> {
        let mut shapes = self.mapping.as_ref().map(MappingSizes::shapes).unwrap_or_default();
        let mut add = |name: String, shape: &[usize]| shapes.push((name, shape.to_vec()));
        let largest = 2 << self.channels.len();
        for (resolution, channels, next) in self.blocks() {
            let block = format!("b{resolution}");
            if resolution == largest || self.architecture == Architecture::Skip {
                add(format!("{block}.fromrgb.weight"), &[channels, self.picture, 1, 1]);
                add(format!("{block}.fromrgb.bias"), &[channels]);
            }
            if self.architecture == Architecture::Skip {
                add(format!("{block}.resample_filter"), &[4, 4]);
            }
            add(format!("{block}.conv0.weight"), &[channels, channels, 3, 3]);
            add(format!("{block}.conv0.bias"), &[channels]);
            add(format!("{block}.conv1.weight"), &[next, channels, 3, 3]);
            add(format!("{block}.conv1.bias"), &[next]);
            add(format!("{block}.conv1.resample_filter"), &[4, 4]);
            if self.architecture == Architecture::Resnet {
                add(format!("{block}.skip.weight"), &[next, channels, 1, 1]);
                add(format!("{block}.skip.resample_filter"), &[4, 4]);
            }
        }
        let channels = self.channels[0];
        if self.architecture == Architecture::Skip {
            add("b4.fromrgb.weight".into(), &[channels, self.picture, 1, 1]);
            add("b4.fromrgb.bias".into(), &[channels]);
        }
        add("b4.conv.weight".into(), &[channels, channels + self.statistics, 3, 3]);
        add("b4.conv.bias".into(), &[channels]);
        add("b4.fc.weight".into(), &[channels, 16 * channels]);
        add("b4.fc.bias".into(), &[channels]);
        let outputs = self.mapping.as_ref().map_or(1, MappingSizes::outputs);
        add("b4.out.weight".into(), &[outputs, channels]);
        add("b4.out.bias".into(), &[outputs]);
        shapes
    }
}

/// The resolution of the block that a tensor belongs to.
fn block(name: &str) -> Option<usize> {
    let resolution = name.strip_prefix('b')?.split_once('.')?.0.parse::<usize>().ok()?;
    resolutions().find(|known| *known == resolution)
}

/// The tensors of a discriminator, complete and of consistent shapes.
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
        // Every layer of a checkpoint has a filter, whether it resamples or not.
        let ignored = |name: &str| name.ends_with(".resample_filter") && block(name).is_some();
        let taken = parameters::take("a StyleGAN2 discriminator", tensors, &shapes, ignored)?;
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
