use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor, bail};
use dreamwire_kernels::{ModulatedConv, Peak, TensorOptions, Upfirdn2d};

use super::block::{Block, convolve, to_picture};
use super::layout::{self, Parameters, block};
use crate::parameters::placed;
use crate::random::CounterRng;
use crate::stylegan::Tiles;

/// From styles to pictures. Cloning shares the weights.
#[derive(Clone)]
pub struct Synthesis {
    network: Arc<Network>,
    tiles: Tiles,
}

struct Network {
    /// The constant input, `[1, 4, 4, C]`, before it is repeated.
    constant: Tensor,
    blocks: Vec<Block>,
    to_picture: ModulatedConv,
    earlier: Option<Earlier>,
    /// Planes of noise, `[1, r, r]`, for a single tile: of the file, one for each layer; otherwise drawn, one for each
    /// block.
    planes: Vec<Tensor>,
    has_own_planes: bool,
    w_width: usize,
    options: TensorOptions,
}

/// The picture of the block before the last one, which is blended in.
struct Earlier {
    to_picture: ModulatedConv,
    enlarge: Upfirdn2d,
    /// Of the last block.
    share: f64,
}

impl Synthesis {
    pub(super) fn new(
        parameters: &Parameters,
        last: usize,
        blend: f64,
        options: &TensorOptions,
    ) -> Result<Self> {
        let blocks = (0..=last).map(|index| Block::new(parameters, index, options));
        let earlier = match last.checked_sub(1) {
            Some(before) if blend < 1.0 => Some(Earlier {
                to_picture: to_picture(parameters, before, options)?,
                enlarge: repeating()?,
                share: blend,
            }),
            _ => None,
        };
        let constant = placed(parameters.get(&format!("{}.conv1.input", block(0))), options)?;
        let has_own_planes = parameters.layout.planes;
        let of_file = |index| placed(&parameters.get(&layout::plane(index)).squeeze(0)?, options);
        let planes: Result<Vec<Tensor>> = match has_own_planes {
            true => (0..2 * (last + 1)).map(of_file).collect(),
            false => (0..=last).map(|index| plane(index, Tiles::ONE, options)).collect(),
        };
        let network = Network {
            constant: constant.permute((0, 2, 3, 1))?.contiguous()?,
            blocks: blocks.collect::<Result<_>>()?,
            to_picture: to_picture(parameters, last, options)?,
            earlier,
            planes: planes?,
            has_own_planes,
            w_width: parameters.layout.w_width(),
            options: options.clone(),
        };
        Ok(Self { network: Arc::new(network), tiles: Tiles::ONE })
    }

    /// The network that repeats its constant in that many tiles: pictures `[B, R rows, R columns, C]`. It shares the
    /// weights. A norm is that of the whole map.
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

    /// Height and width of a tile in pixels, a power of 2 from 4 to 1024.
    pub fn resolution(&self) -> usize {
        2 << self.network.blocks.len()
    }

    /// Channels of the pictures: 1 grey, 3 red, green and blue, 4 with an alpha.
    pub fn channels(&self) -> usize {
        self.network.to_picture.outputs()
    }

    /// Layers that take a style: `2 log2(resolution) - 2`.
    pub fn layers(&self) -> usize {
        2 * self.network.blocks.len()
    }

    /// Width of one style.
    pub fn w_width(&self) -> usize {
        self.network.w_width
    }

    /// Height and width of a tile of every noise plane, one per block: 4, 8, 16 and so on. A file with planes of its own
    /// has two of each, one per layer.
    pub fn noise_sizes(&self) -> Vec<usize> {
        let count = self.network.planes.len();
        (0..count).map(|index| 4 << (index / self.planes_per_block())).collect()
    }

    fn planes_per_block(&self) -> usize {
        if self.network.has_own_planes { 2 } else { 1 }
    }

    /// The plane `index`, `[B or 1, h, w]`: of those that are given, or the network's.
    fn plane(&self, noise: &[Tensor], index: usize) -> Result<Tensor> {
        let own = &self.network.planes[index];
        match noise.get(index) {
            Some(plane) => plane.squeeze(1),
            None if self.tiles == Tiles::ONE => Ok(own.clone()),
            None if self.network.has_own_planes => self.tiles.repeated(own, 1),
            None => plane(index, self.tiles, &self.network.options),
        }
    }

    /// The memory that one picture needs.
    ///
    /// A block has the map that it reads, and two of its own: the one that an operator reads, and its result. For
    /// gradients all of them are kept: after the convolutions, the blur and the norms. The way back of an operator has in
    /// addition the gradients of both of its maps, and of the one between.
    pub fn peak(&self) -> Peak {
        let element = self.network.options.dtype.size_in_bytes() as u64;
        let mut channels = self.network.constant.elem_count() / 16;
        let (mut read, mut kept, mut most) = (0, 0, [0, 0]);
        let (mut filters, mut largest) = (0, 0);
        for (index, block) in self.network.blocks.iter().enumerate() {
            let side = 4 << index;
            let made = (self.tiles.count() * side * side * block.outputs()) as u64 * element;
            let maps = if index == 0 { 4 } else { 5 };
            kept += (maps + u64::from(block.has_late_bias())) * made;
            most = [most[0].max(read + 2 * made), most[1].max(2 * read + 3 * made)];
            read = made;
            for inputs in [(index > 0).then_some(channels), Some(block.outputs())].into_iter().flatten() {
                let weights = (9 * inputs * block.outputs()) as u64 * element;
                filters += weights;
                largest = weights.max(largest);
            }
            channels = block.outputs();
        }
        let [height, width] = self.size();
        let picture = (height * width * self.channels()) as u64 * element;
        // The map of the block before waits, and its picture, small, enlarged and weighted, comes to the sum.
        let (waiting, pictures) = if self.network.earlier.is_some() { (read, 4) } else { (0, 1) };
        let forward = most[0] + waiting + pictures * picture;
        let gradient = kept + most[1] + 2 * pictures * picture;
        // Transposed, and the largest ones transformed: 81 points for 9 weights.
        Peak { fixed: filters + 9 * largest, forward, gradient, outputs: picture }
    }

    /// Pictures `[B, h, w, C]` of [`Synthesis::size`] of styles `w`, `[B, layers, w]`. They are about -1..1, with
    /// overshoots, and differentiable with respect to `w` and to the noise.
    ///
    /// `noise` holds one plane `[B or 1, 1, h, w]` of unit variance for each of [`Synthesis::noise_sizes`], as large as all
    /// tiles, or is empty. Then those of the file are used, repeated for tiles. A file without planes gets fixed ones: plane
    /// k has the normal numbers of the stream k of the [`CounterRng`] of the seed 0.
    ///
    /// # Errors
    ///
    /// If `w` or a plane has another shape or type, the number of planes differs, or a tensor is on another device.
    pub fn forward(&self, w: &Tensor, noise: &[Tensor]) -> Result<Tensor> {
        let batch = self.check(w, noise)?;
        let constant = self.tiles.repeated(&self.network.constant, 1)?;
        let (_, height, width, channels) = constant.dims4()?;
        let mut x = constant.broadcast_as((batch, height, width, channels))?.contiguous()?;
        let mut earlier = None;
        for (index, block) in self.network.blocks.iter().enumerate() {
            if index + 1 == self.network.blocks.len()
                && let Some(before) = &self.network.earlier
            {
                let picture = before.enlarge.apply(&convolve(&before.to_picture, &x)?)?;
                earlier = Some((picture * (1.0 - before.share))?);
            }
            let style = |layer: usize| w.narrow(1, 2 * index + layer, 1)?.squeeze(1);
            // The same one for both layers, or one for each.
            let per_block = self.planes_per_block();
            let first = self.plane(noise, index * per_block)?;
            let second = if per_block == 1 { first.clone() } else { self.plane(noise, 2 * index + 1)? };
            x = block.forward(x, [&style(0)?, &style(1)?], [&first, &second])?;
        }
        let picture = convolve(&self.network.to_picture, &x)?;
        match (earlier, &self.network.earlier) {
            (Some(earlier), Some(before)) => (picture * before.share)? + earlier,
            _ => Ok(picture),
        }
    }

    /// The number of pictures requested.
    fn check(&self, w: &Tensor, noise: &[Tensor]) -> Result<usize> {
        let (layers, width) = (self.layers(), self.network.w_width);
        let batch = match w.dims() {
            [batch, l, n] if (*l, *n) == (layers, width) => *batch,
            found => bail!("the synthesis needs w of shape [B, {layers}, {width}], found {found:?}"),
        };
        let sizes = self.noise_sizes();
        if !noise.is_empty() && noise.len() != sizes.len() {
            bail!("the synthesis needs {} noise planes or none, found {}", sizes.len(), noise.len())
        }
        for (index, (plane, size)) in noise.iter().zip(&sizes).enumerate() {
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

/// The plane of the block `index` where none is given, `[1, h, w]`.
fn plane(index: usize, tiles: Tiles, options: &TensorOptions) -> Result<Tensor> {
    let (rng, [height, width]) = (CounterRng::new(0).stream(index as u64), tiles.size(4 << index));
    let numbers: Vec<f64> = (0..(height * width) as u64).map(|position| rng.normal(position)).collect();
    placed(&Tensor::from_vec(numbers, (1, height, width), &Device::Cpu)?, options)
}

/// Makes every pixel four.
fn repeating() -> Result<Upfirdn2d> {
    let ones = Tensor::ones((2, 2), DType::F64, &Device::Cpu)?;
    Upfirdn2d::new(&ones, 2, 1, [1, 0, 1, 0], 1.0)
}
