use std::sync::Arc;

use candle_core::{Result, Tensor, bail};
use dreamwire_kernels::{Peak, TensorOptions, Upfirdn2d};

use super::RESIDUAL_GAIN;
use super::convolution::Shortcut;
use super::filter::enlarging;
use super::layer::Layer;
use super::layout::{Parameters, convolutions};
use super::tiles::Tiles;

/// From styles to pictures. Cloning shares the weights.
#[derive(Clone)]
pub struct Synthesis {
    /// The constant input, `[1, 4, 4, C]`, before it is repeated.
    constant: Tensor,
    tiles: Tiles,
    blocks: Arc<[Block]>,
    noise_sizes: Vec<usize>,
    channels: usize,
    layers: usize,
    w_width: usize,
}

/// The layers at one resolution.
struct Block {
    resolution: usize,
    convolutions: Vec<Layer>,
    /// Around the convolutions, in the resnet architecture.
    shortcut: Option<Shortcut>,
    /// Upsamples the picture of the block before, if there is one.
    enlarge: Option<Upfirdn2d>,
    /// Only in the last block, unless the architecture is skip.
    to_picture: Option<Layer>,
}

impl Synthesis {
    pub(super) fn new(parameters: &Parameters, clamp: Option<f64>, options: &TensorOptions) -> Result<Self> {
        let layout = &parameters.layout;
        let (mut blocks, mut noise_sizes) = (Vec::new(), Vec::new());
        for (resolution, _) in layout.blocks() {
            let block = format!("synthesis.b{resolution}");
            let tensor = |part: &str| parameters.find(&format!("{block}.{part}"));
            let shortcut = match (tensor("skip.weight"), tensor("skip.resample_filter")) {
                (Some(weight), Some(filter)) => {
                    Some(Shortcut::doubling([weight, filter], RESIDUAL_GAIN, options)?)
                }
                _ => None,
            };
            let mut layers = Vec::new();
            for convolution in convolutions(resolution) {
                let name = format!("{block}.{convolution}");
                let is_summed = shortcut.is_some() && *convolution == "conv1";
                let gain = if is_summed { RESIDUAL_GAIN } else { 1.0 };
                layers.push(Layer::convolution(parameters, &name, gain, clamp, options)?);
                if parameters.find(&format!("{name}.noise_const")).is_some() {
                    noise_sizes.push(resolution);
                }
            }
            let picture = format!("{block}.torgb");
            let to_picture =
                tensor("torgb.weight").map(|_| Layer::to_picture(parameters, &picture, clamp, options));
            blocks.push(Block {
                resolution,
                convolutions: layers,
                shortcut,
                enlarge: tensor("resample_filter").map(enlarging).transpose()?,
                to_picture: to_picture.transpose()?,
            });
        }
        let constant = options.place(parameters.get("synthesis.b4.const"))?;
        Ok(Self {
            constant: constant.unsqueeze(0)?.permute((0, 2, 3, 1))?.contiguous()?,
            tiles: Tiles::ONE,
            blocks: blocks.into(),
            noise_sizes,
            channels: layout.picture(),
            layers: layout.styles(),
            w_width: layout.w_width(),
        })
    }

    /// The network that repeats its constant, and its noise planes, in that many tiles: pictures
    /// `[B, R rows, R columns, C]`. It shares the weights.
    ///
    /// Layers pad their maps with zeros, so that the outer tiles have the borders of a single picture, and inner ones are
    /// alike where the noise is.
    #[must_use]
    pub fn tiled(&self, tiles: Tiles) -> Self {
        Self { tiles, ..self.clone() }
    }

    /// How often the constant is repeated.
    pub fn tiles(&self) -> Tiles {
        self.tiles
    }

    /// Height and width of the pictures in pixels.
    pub fn size(&self) -> [usize; 2] {
        self.tiles.size(self.resolution())
    }

    /// Height and width of a tile in pixels, a power of 2 from 8 to 1024.
    pub fn resolution(&self) -> usize {
        self.blocks[self.blocks.len() - 1].resolution
    }

    /// The memory that one picture needs.
    ///
    /// A layer has the map that it reads, its result, and if it upsamples the map before its filter. For gradients all
    /// results are kept, and the way back of a layer has in addition the gradients of both maps, and of the one between.
    pub fn peak(&self) -> Peak {
        let element = self.constant.dtype().size_in_bytes() as u64;
        let bytes = |resolution: usize, channels: usize| {
            (self.tiles.count() * resolution * resolution * channels) as u64 * element
        };
        let mut channels = self.constant.elem_count() / 16;
        let (mut read, mut kept) = (bytes(4, channels), 0);
        let (mut most, mut filters, mut largest) = ((0, 0), 0, 0);
        for block in self.blocks.iter() {
            let of_block = |channels: usize| bytes(block.resolution, channels);
            for convolution in &block.convolutions {
                let made = of_block(convolution.outputs());
                kept += made;
                // The way around the block waits for the rest of it.
                let held = if block.shortcut.is_some() { made } else { 0 };
                most = (most.0.max(held + read + 2 * made), most.1.max(held + 2 * read + 3 * made));
                read = made;
                let weights = (9 * channels * convolution.outputs()) as u64 * element;
                filters += weights;
                largest = weights.max(largest);
                channels = convolution.outputs();
            }
            if block.shortcut.is_some() {
                // The way around, before and after its filter, and the sum.
                kept += 2 * of_block(channels) + of_block(channels) / 4;
            }
            if block.to_picture.is_some() {
                // The part of the block, the picture before, and their sum.
                kept += 3 * of_block(self.channels);
            }
        }
        let picture = bytes(self.resolution(), self.channels);
        let (forward, gradient) = (most.0 + 3 * picture, kept + most.1 + 2 * picture);
        // Transposed, and the largest ones transformed: 81 points for 9 weights.
        Peak { fixed: filters + 9 * largest, forward, gradient, outputs: picture }
    }

    /// Channels of the pictures: 1 grey, 3 red, green and blue, 4 with an alpha.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Layers that take a style: `2 log2(resolution) - 2`.
    pub fn layers(&self) -> usize {
        self.layers
    }

    /// Width of one style.
    pub fn w_width(&self) -> usize {
        self.w_width
    }

    /// Height and width of a tile of every noise plane in the order of the layers: 4, 8, 8, 16, 16 and so on. Empty if
    /// the network was trained without noise.
    pub fn noise_sizes(&self) -> Vec<usize> {
        self.noise_sizes.clone()
    }

    /// Pictures `[B, h, w, C]` of [`Synthesis::size`] of styles `w`, `[B, layers, w]`. They are about -1..1, with
    /// overshoots, and differentiable with respect to `w` and to the noise.
    ///
    /// `noise` is empty for the planes stored with the network, or holds one plane `[B or 1, 1, h, w]` of
    /// unit variance for each of [`Synthesis::noise_sizes`], as large as all tiles.
    ///
    /// # Errors
    ///
    /// If `w` or a plane has another shape or type, the number of planes differs, or a tensor is on another
    /// device.
    pub fn forward(&self, w: &Tensor, noise: &[Tensor]) -> Result<Tensor> {
        self.forward_with(w, noise, |_, _, _| {})
    }

    /// As [`Synthesis::forward`], and passes the intermediate result of every block to `each`: resolution r,
    /// activations `[B, h, w, channels]`, and the picture so far, `[B, h, w, C]`, r in every tile. Of other architectures than skip only
    /// the last block has a picture.
    ///
    /// # Errors
    ///
    /// As [`Synthesis::forward`].
    pub fn forward_with(
        &self,
        w: &Tensor,
        noise: &[Tensor],
        mut each: impl FnMut(usize, &Tensor, Option<&Tensor>),
    ) -> Result<Tensor> {
        let batch = self.check(w, noise)?;
        let constant = self.tiles.repeated(&self.constant, 1)?;
        let (_, height, width, channels) = constant.dims4()?;
        let mut x = constant.broadcast_as((batch, height, width, channels))?.contiguous()?;
        let mut planes = noise.iter();
        let mut picture: Option<Tensor> = None;
        let mut layer = 0;
        let style = |layer| w.narrow(1, layer, 1)?.squeeze(1);
        for block in self.blocks.iter() {
            let around = block.shortcut.as_ref().map(|shortcut| shortcut.apply(&x)).transpose()?;
            for convolution in &block.convolutions {
                x = convolution.forward(&x, &style(layer)?, planes.next(), self.tiles)?;
                layer += 1;
            }
            if let Some(around) = around {
                x = (around + x)?;
            }
            if let Some(to_picture) = &block.to_picture {
                // The next block's first convolution uses this style too.
                let part = to_picture.forward(&x, &style(layer)?, None, self.tiles)?;
                picture = Some(match (&picture, &block.enlarge) {
                    (Some(before), Some(enlarge)) => (enlarge.apply(before)? + part)?,
                    _ => part,
                });
            }
            each(block.resolution, &x, picture.as_ref());
        }
        Ok(picture.expect("the last block has a picture"))
    }

    /// The number of pictures requested.
    fn check(&self, w: &Tensor, noise: &[Tensor]) -> Result<usize> {
        let (layers, width) = (self.layers, self.w_width);
        let batch = match w.dims() {
            [batch, l, n] if (*l, *n) == (layers, width) => *batch,
            found => bail!("the synthesis needs w of shape [B, {layers}, {width}], found {found:?}"),
        };
        let sizes = &self.noise_sizes;
        if !noise.is_empty() && noise.len() != sizes.len() {
            bail!("the synthesis needs {} noise planes or none, found {}", sizes.len(), noise.len())
        }
        for (index, (plane, size)) in noise.iter().zip(sizes).enumerate() {
            let [height, width] = self.tiles.size(*size);
            match plane.dims() {
                [planes, 1, h, w] if (*h, *w) == (height, width) && [1, batch].contains(planes) => {}
                found => {
                    bail!("noise plane {index} must be [{batch} or 1, 1, {height}, {width}], found {found:?}")
                }
            }
        }
        Ok(batch)
    }
}
