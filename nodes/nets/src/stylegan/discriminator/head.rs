use std::f64::consts::SQRT_2;

use candle_core::{Result, Tensor};
use dreamwire_kernels::{Layer, Padding, Stack, TensorOptions, channels_first};

use super::block::{from_picture, seen};
use super::layout::Parameters;
use super::statistics::with_statistics;
use crate::stylegan::SLOPE;
use crate::stylegan::convolution::Convolution;
use crate::stylegan::layer::dense;
use crate::stylegan::mapping_layers::MappingLayers;

/// The layers of b4, from a map of 4x4 pixels to a number.
pub(super) struct Head {
    /// In the skip architecture.
    from_picture: Option<Convolution>,
    statistics: usize,
    convolution: Convolution,
    /// `fc`, as a convolution over the whole map, and `out`.
    dense: Stack,
    /// In a network with classes: `out` is compared with what this makes of the class.
    mapping: Option<MappingLayers>,
}

impl Head {
    pub(super) fn new(parameters: &Parameters, clamp: Option<f64>, options: &TensorOptions) -> Result<Self> {
        let get = |part: &str| parameters.get(&format!("b4.{part}"));
        let (outputs, _) = get("fc.weight").dims2()?;
        // The gain commutes with the leaky ReLU.
        let whole = match dense(get("fc.weight"), get("fc.bias"), [SQRT_2; 2])? {
            Layer::Conv { weight, bias, .. } => Layer::Conv {
                weight: weight.reshape((outputs, weight.dim(1)? / 16, 4, 4))?,
                bias,
                stride: 1,
                padding: Padding::zeros(0),
            },
            other => other,
        };
        let out = dense(get("out.weight"), get("out.bias"), [1.0; 2])?;
        let mapping = parameters.layout.mapping();
        Ok(Self {
            // NVIDIA's code does not clamp this one.
            from_picture: from_picture(parameters, 4, None, options)?,
            statistics: parameters.layout.statistics(),
            convolution: Convolution::rectified(get("conv.weight"), get("conv.bias"), clamp, options)?,
            dense: Stack::new(&[whole, Layer::LeakyRelu { slope: SLOPE }, out], options.clone())?,
            mapping: mapping
                .map(|sizes| MappingLayers::new(sizes, &parameters.tensors, options))
                .transpose()?,
        })
    }

    /// The number of classes, 0 for none.
    pub(super) fn classes(&self) -> usize {
        self.mapping.as_ref().map_or(0, MappingLayers::classes)
    }

    /// One number per picture, `[B]`, from the output of the last block, `[B, 4, 4, C]`, the picture of that size in the
    /// skip architecture, and classes; at most `group` pictures are compared with each other.
    pub(super) fn apply(
        &self,
        x: Tensor,
        picture: Option<&Tensor>,
        c: Option<&Tensor>,
        group: Option<usize>,
    ) -> Result<Tensor> {
        let x = seen(Some(x), self.from_picture.as_ref(), picture)?;
        let x = self.convolution.apply(&with_statistics(&x, self.statistics, group)?)?;
        let y = self.dense.apply(&channels_first(&x)?, &[2])?.swap_remove(0).flatten_from(1)?;
        match (&self.mapping, c) {
            (Some(mapping), c) => {
                let wanted = mapping.forward(None, c)?;
                if wanted.dims() != y.dims() {
                    candle_core::bail!("there are {} pictures and {} classes", y.dim(0)?, wanted.dim(0)?)
                }
                let width = y.dim(1)? as f64;
                (y * wanted)?.sum(1)? * (1.0 / width.sqrt())
            }
            (None, Some(_)) => candle_core::bail!("the network has no classes, but was given some"),
            (None, None) => y.squeeze(1),
        }
    }
}
