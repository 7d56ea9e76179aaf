use std::collections::HashMap;
use std::sync::Arc;

use candle_core::{DType, Result, Tensor, bail};
use candle_nn::VarBuilder;
use dreamwire_kernels::{Peak, TensorOptions, channels_first};

use super::{StyleGanError, trained};

mod block;
mod head;
mod layout;
mod statistics;

use block::Block;
use head::Head;
use layout::Parameters;

/// A network that judges how real pictures are, the opponent of a generator in training. Cloning shares the weights.
///
/// Blocks halve a picture from its size down to 4 pixels: `fromrgb` in the first one, or in every one (skip
/// architecture), `conv0` of the block's size, `conv1` to half of it, and in the resnet architecture `skip`, a 1x1
/// convolution around both. The last block, b4, compares the pictures of a batch with each other (`statistics`), and has
/// dense layers to one number, or to as many as the class is mapped to, of which that number is the scaled product.
#[derive(Clone)]
pub struct Discriminator {
    blocks: Arc<[Block]>,
    head: Arc<Head>,
    channels: usize,
    /// Pictures of a batch that are compared with each other, at most; none for all.
    group: Option<usize>,
    dtype: DType,
}

/// NVIDIA's default.
const GROUP: Option<usize> = Some(4);

/// A map inside a discriminator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscriminatorLayer {
    /// `b64.conv0` is the first convolution at 64 pixels, `b64` what that block gives to the next one.
    pub name: String,
    /// Channels of the map.
    pub channels: usize,
    /// Pixels of the picture per position.
    pub stride: usize,
}

/// How the names of its tensors begin in a checkpoint.
const PREFIX: &str = "D.";

impl Discriminator {
    /// The discriminator among tensors named as stylegan2-ada-pytorch names them: `b64.fromrgb.weight`, `b4.fc.bias` and
    /// so on. Of a whole checkpoint the tensors of `D.` are used, and the rest is ignored. Sizes, architecture and classes
    /// are read off the tensors. Those of StyleGAN3 are the same. It computes with `options`, in F32 or
    /// F64.
    ///
    /// Activations are clamped to +-`clamp`, which is 256 in NVIDIA's configurations for f16.
    ///
    /// # Errors
    ///
    /// If these are the weights of a generator alone, or tensors are missing, contradict each other or hold NaN or
    /// infinity (names them).
    pub fn new(
        tensors: HashMap<String, Tensor>,
        clamp: Option<f64>,
        options: impl Into<TensorOptions>,
    ) -> std::result::Result<Self, StyleGanError> {
        let parameters = parameters(tensors)?;
        check_finite(&parameters.tensors)?;
        Ok(Self::build(&parameters, clamp, &options.into())?)
    }

    /// The discriminator to train: as [`Discriminator::new`], but weights and biases are those of `weights`, under the same
    /// names, in its number type and on its device, and outputs are differentiable with respect to them, as often as you
    /// like. Of `tensors` their shapes are used, and the filters. A [`VarMap`](candle_nn::VarMap) gets those that it does
    /// not have yet, as NVIDIA's training draws them.
    ///
    /// The network is that of the present values: make another one after every step of an optimiser, which is cheap.
    ///
    /// # Errors
    ///
    /// As there, but for NaN and infinity, and if `weights` lacks a tensor or has another shape of it.
    pub fn trainable(
        tensors: HashMap<String, Tensor>,
        clamp: Option<f64>,
        weights: &VarBuilder,
    ) -> std::result::Result<Self, StyleGanError> {
        let Parameters { layout, tensors } = parameters(tensors)?;
        let parameters = Parameters { layout, tensors: trained::variables(&tensors, weights)? };
        Ok(Self::build(&parameters, clamp, &trained::options(weights))?)
    }

    fn build(parameters: &Parameters, clamp: Option<f64>, options: &TensorOptions) -> Result<Self> {
        let blocks = parameters.layout.blocks();
        let blocks = blocks.map(|(resolution, ..)| Block::new(parameters, resolution, clamp, options));
        Ok(Self {
            blocks: blocks.collect::<Result<Vec<_>>>()?.into(),
            head: Arc::new(Head::new(parameters, clamp, options)?),
            channels: parameters.layout.picture(),
            group: GROUP,
            dtype: options.dtype,
        })
    }

    /// The network that compares at most `group` pictures of a batch with each other, all of them without one. Networks are
    /// trained with one number, `mbstd_group_size` of their settings; it is 4 unless said otherwise. It shares the weights.
    #[must_use]
    pub fn grouped(&self, group: Option<usize>) -> Self {
        Self { group, ..self.clone() }
    }

    /// Height and width of the pictures in pixels, a power of 2 from 8 to 1024.
    pub fn resolution(&self) -> usize {
        self.blocks[0].resolution
    }

    /// Channels of the pictures: 1 grey, 3 red, green and blue, 4 with an alpha.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The number of classes that pictures may be of; 0 in a network without classes.
    pub fn classes(&self) -> usize {
        self.head.classes()
    }

    /// All maps, from the picture upwards.
    pub fn layers(&self) -> Vec<DiscriminatorLayer> {
        let largest = self.resolution();
        let of_block = |block: &Block| {
            let (size, stride) = (block.resolution, largest / block.resolution);
            let first =
                DiscriminatorLayer { name: format!("b{size}.conv0"), channels: block.channels(), stride };
            [
                first,
                DiscriminatorLayer { name: format!("b{size}"), channels: block.outputs, stride: 2 * stride },
            ]
        };
        self.blocks.iter().flat_map(of_block).collect()
    }

    /// How real pictures `[B, R, R, C]` in 0..1 are, one number each, `[B]`: the higher, the more so; 0 is undecided, and
    /// the logistic function of it a probability. Differentiable with respect to pictures and `c`.
    ///
    /// `c`, `[B, classes]`, are weights of the classes, 1 for the picture's own and 0 for the others; a network without
    /// classes takes none.
    ///
    /// A picture's number depends on the others of the batch: all alike are less real.
    ///
    /// # Errors
    ///
    /// If a tensor has another shape or type or is on another device, or `c` is missing or superfluous.
    pub fn forward(&self, pictures: &Tensor, c: Option<&Tensor>) -> Result<Tensor> {
        let (side, channels) = (self.resolution(), self.channels);
        match *pictures.dims() {
            [_, h, w, found] if [h, w, found] == [side, side, channels] => {}
            ref found => {
                bail!("the discriminator needs pictures [B, {side}, {side}, {channels}], found {found:?}")
            }
        }
        let (x, picture) = self.run(pictures, self.blocks.len(), |_, _| Ok(()))?;
        self.head.apply(x, picture.as_ref(), c, self.group)
    }

    /// The maps `layers`, by their index in [`Discriminator::layers`], of pictures `[B, H, W, C]` of any size in 0..1, as
    /// `[B, channels, h, w]`. The pictures of a batch do not depend on each other. Differentiable with respect to them.
    ///
    /// # Errors
    ///
    /// If there is no such layer, the pictures are smaller than [`Discriminator::minimum_size`], have other channels or
    /// another type, or are on another device.
    pub fn features(&self, pictures: &Tensor, layers: &[usize]) -> Result<Vec<Tensor>> {
        let deepest = layers.iter().max().copied().unwrap_or(0);
        if deepest >= 2 * self.blocks.len() {
            bail!("there is no layer {deepest}: the discriminator has {}", 2 * self.blocks.len())
        }
        let (_, h, w, channels) = pictures.dims4()?;
        let minimum = self.minimum_size(layers);
        if channels != self.channels || h.min(w) < minimum {
            let wanted = self.channels;
            bail!(
                "these layers need pictures [B, H, W, {wanted}] of at least {minimum}x{minimum}, found {:?}",
                pictures.dims()
            )
        }
        let mut maps = vec![None; layers.len()];
        self.run(pictures, deepest / 2 + 1, |index, map| {
            for (layer, place) in layers.iter().zip(&mut maps) {
                if *layer == index {
                    *place = Some(channels_first(map)?);
                }
            }
            Ok(())
        })?;
        Ok(maps.into_iter().flatten().collect())
    }

    /// The smallest height and width of a picture, in pixels, that reaches all of `layers`.
    pub fn minimum_size(&self, layers: &[usize]) -> usize {
        2 << (layers.iter().max().copied().unwrap_or(0) / 2)
    }

    /// The memory that a picture of `side` x `side` pixels needs up to the deepest of `layers`, or up to the end without
    /// any: a block has the map that it reads, its first convolution's, that map smoothed, and the same with channels
    /// first; for gradients all of them are kept, and on the way back their gradients come in addition.
    pub fn peak(&self, side: usize, layers: &[usize]) -> Peak {
        let element = self.dtype.size_in_bytes() as u64;
        let depth = layers.iter().max().map_or(self.blocks.len(), |deepest| deepest / 2 + 1);
        let (mut most, mut kept, mut filters, mut largest, mut outputs) = (0, 0, 0, 0, 0);
        for (index, block) in self.blocks.iter().take(depth).enumerate() {
            let (size, channels, next) = (side >> index, block.channels() as u64, block.outputs as u64);
            let pixels = (size * size) as u64 * element;
            let (map, halved) = (pixels * channels, pixels * next / 4);
            // From the picture, both convolutions, smoothed, turned; halved, turned, clamped twice, around, summed.
            let of_block = 4 * map + map / 4 + 6 * halved;
            (kept, most) = (kept + of_block, most.max(of_block));
            for layer in layers {
                outputs += if *layer == 2 * index { map } else { 0 };
                outputs += if *layer == 2 * index + 1 { halved } else { 0 };
            }
            let weights = [9 * channels * channels, 9 * channels * next].map(|count| count * element);
            filters += weights[0] + weights[1];
            largest = weights[0].max(weights[1]).max(largest);
        }
        let picture = (side * side * self.channels) as u64 * element;
        let (forward, gradient) = (most + 2 * picture + outputs, kept + most + 4 * picture + outputs);
        Peak { fixed: filters + 9 * largest, forward, gradient, outputs }
    }

    /// Runs the first `depth` blocks and passes each map to `each`, with its index in the list of layers. The answer is
    /// the last one and the picture for the next block, if that sees one.
    fn run(
        &self,
        pictures: &Tensor,
        depth: usize,
        mut each: impl FnMut(usize, &Tensor) -> Result<()>,
    ) -> Result<(Tensor, Option<Tensor>)> {
        // The network's pictures are in -1..1.
        let mut picture = Some(pictures.affine(2.0, -1.0)?);
        let mut x = None;
        for (index, block) in self.blocks.iter().take(depth).enumerate() {
            let [kept, halved] = block.apply(x, &mut picture)?;
            each(2 * index, &kept)?;
            each(2 * index + 1, &halved)?;
            x = Some(halved);
        }
        match x {
            Some(x) => Ok((x, picture)),
            None => bail!("no layers were requested"),
        }
    }
}

/// The checked tensors of a discriminator, which may be part of a checkpoint.
fn parameters(tensors: HashMap<String, Tensor>) -> std::result::Result<Parameters, StyleGanError> {
    let tensors = part(tensors);
    if tensors.keys().any(|name| name.contains("synthesis.")) {
        let (what, hint) = ("a generator without its discriminator", "use a checkpoint that holds `D`, too");
        return Err(StyleGanError::OtherNetwork { what, hint });
    }
    Ok(Parameters::new(tensors)?)
}

/// The discriminator's part of a checkpoint; everything if there are no parts.
fn part(tensors: HashMap<String, Tensor>) -> HashMap<String, Tensor> {
    if !tensors.keys().any(|name| name.starts_with(PREFIX)) {
        return tensors;
    }
    let rest = |(name, tensor): (String, Tensor)| Some((name.strip_prefix(PREFIX)?.to_owned(), tensor));
    tensors.into_iter().filter_map(rest).collect()
}

/// Refuses NaN and infinity, naming the first such tensor by name.
fn check_finite(tensors: &HashMap<String, Tensor>) -> std::result::Result<(), StyleGanError> {
    let mut names: Vec<&String> = tensors.keys().collect();
    names.sort();
    for name in names {
        let sum = tensors[name].abs()?.to_dtype(DType::F64)?.sum_all()?.to_scalar::<f64>()?;
        if !sum.is_finite() {
            return Err(StyleGanError::NotFinite { name: name.clone() });
        }
    }
    Ok(())
}
