//! VGG16's feature extractor (Simonyan & Zisserman, "Very Deep Convolutional Networks for
//! Large-Scale Image Recognition", arXiv:1409.1556, configuration D), as torchvision numbers it.
//!
//! Thirteen 3x3 convolutions with ReLU in five blocks; each block ends in a 2x2 max-pool:
//!
//! | block | layers | channels | size of an `H x W` picture |
//! |---|---|---|---|
//! | 1 | conv1_1 relu1_1 conv1_2 relu1_2 pool1 | 64 | H x W |
//! | 2 | conv2_1 relu2_1 conv2_2 relu2_2 pool2 | 128 | H/2 x W/2 |
//! | 3 | conv3_1 .. relu3_3 pool3 | 256 | H/4 x W/4 |
//! | 4 | conv4_1 .. relu4_3 pool4 | 512 | H/8 x W/8 |
//! | 5 | conv5_1 .. relu5_3 pool5 | 512 | H/16 x W/16 |
//!
//! `convB_N` is the value before the ReLU, `reluB_N` the one after it.

use std::collections::HashMap;

use candle_core::{DType, Device, Result, Tensor};
use dreamwire_kernels::{self as kernels, Padding, PaddingMode, Stack};

use crate::parameters::{self, ParameterError};

mod layer;

use layer::{CHANNELS, LAYERS};
pub use layer::{Layer, LayerListError, layer_names, parse_layers};

/// Means of ImageNet's red, green and blue in 0..1, as torchvision has them.
pub const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// Standard deviations of ImageNet's red, green and blue in 0..1, as torchvision has them.
pub const STD: [f32; 3] = [0.229, 0.224, 0.225];

/// VGG16 up to `pool5`, frozen. Cloning shares the weights.
#[derive(Clone)]
pub struct Vgg {
    stack: Stack,
}

impl Vgg {
    /// Builds the network from torchvision's `features.N.weight` `[O, I, 3, 3]` and
    /// `features.N.bias` `[O]`, f32. The classifier's tensors may be there and are not used.
    ///
    /// `padding` is what convolutions see outside of the picture: zeros, as the network was
    /// trained, or the mirrored picture, as AdaIN's encoders have it.
    ///
    /// # Errors
    ///
    /// Names the tensors that are missing, have another shape, or do not belong here.
    pub fn new(
        tensors: HashMap<String, Tensor>,
        padding: PaddingMode,
    ) -> std::result::Result<Self, ParameterError> {
        let names = parameter_shapes();
        let mut tensors =
            parameters::take("VGG16", tensors, &names, |name| name.starts_with("classifier."))?.into_iter();
        let layers: Vec<_> = LAYERS
            .iter()
            .map(|name| match &name[..4] {
                "relu" => kernels::Layer::Relu,
                "pool" => kernels::Layer::MaxPool { kernel: 2, stride: 2, padding: 0, ceil_mode: false },
                _ => kernels::Layer::Conv {
                    weight: tensors.next().expect("one weight per convolution was taken"),
                    bias: tensors.next(),
                    stride: 1,
                    padding: Padding { mode: padding, ..Padding::zeros(1) },
                },
            })
            .collect();
        let stack = Stack::new(&layers, DType::F32)
            .map_err(|error| ParameterError { network: "VGG16", problems: vec![error.to_string()] })?;
        Ok(Self { stack })
    }

    /// The outputs of `layers` for `x`, `[B, 3, H, W]` as [`normalise`] makes it. All come from one
    /// pass, which ends at the deepest of them, and know their gradient with respect to `x`.
    ///
    /// # Errors
    ///
    /// If `x` is smaller than [`Vgg::minimum_size`], or not f32 on the CPU.
    pub fn features(&self, x: &Tensor, layers: &[Layer]) -> Result<Vec<Tensor>> {
        let taps: Vec<usize> = layers.iter().map(|layer| layer.index()).collect();
        self.stack.apply(x, &taps)
    }

    /// The smallest height and width in pixels of pictures that reach all of `layers`.
    pub fn minimum_size(&self, layers: &[Layer]) -> usize {
        let depth = layers.iter().map(|layer| layer.index() + 1).max().unwrap_or(0);
        // 32 pixels reach pool5; mirrored padding asks for a few more.
        (1..).find(|size| self.stack.shapes([1, 3, *size, *size], depth).is_ok()).unwrap_or(1)
    }
}

/// Names and shapes of the tensors that [`Vgg::new`] wants, in the network's order.
pub fn parameter_shapes() -> Vec<(String, Vec<usize>)> {
    let mut inputs = 3;
    let mut shapes = Vec::new();
    for (index, name) in LAYERS.iter().enumerate().filter(|(_, name)| name.starts_with("conv")) {
        let block = usize::from(name.as_bytes()[4] - b'1');
        let outputs = CHANNELS[block];
        shapes.push((format!("features.{index}.weight"), vec![outputs, inputs, 3, 3]));
        shapes.push((format!("features.{index}.bias"), vec![outputs]));
        inputs = outputs;
    }
    shapes
}

/// From a picture `[B, H, W, 3]` in 0..1 to what the network was trained on:
/// `(x - MEAN) / STD`, `[B, 3, H, W]`.
///
/// # Errors
///
/// If `image` does not have three channels in its last dimension.
pub fn normalise(image: &Tensor) -> Result<Tensor> {
    let (_, _, _, channels) = image.dims4()?;
    if channels != 3 {
        candle_core::bail!("VGG16 takes pictures of 3 channels, found {channels}")
    }
    let constant = |values: &[f32; 3]| {
        Tensor::from_slice(values, (1, 3, 1, 1), &Device::Cpu)?
            .to_device(image.device())?
            .to_dtype(image.dtype())
    };
    let planes = image.permute((0, 3, 1, 2))?.contiguous()?;
    planes.broadcast_sub(&constant(&MEAN)?)?.broadcast_div(&constant(&STD)?)
}
