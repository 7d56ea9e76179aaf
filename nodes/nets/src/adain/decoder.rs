use std::collections::HashMap;

use candle_core::{DType, Result, Tensor};
use dreamwire_kernels::{Layer, Padding, Stack};

use crate::parameters::{self, ParameterError};

/// From VGG16's `relu3_1` features back to a picture.
///
/// Five 3x3 convolutions that see the mirrored picture outside of its edges, named `0` to `4`:
/// 256-128 ReLU, nearest x2, 128-128 ReLU, 128-64 ReLU, nearest x2, 64-64 ReLU, 64-3.
/// Cloning shares the weights.
#[derive(Clone)]
pub struct Decoder {
    stack: Stack,
    depth: usize,
}

/// Inputs and outputs of the convolutions `0` to `4`.
const CHANNELS: [(usize, usize); 5] = [(256, 128), (128, 128), (128, 64), (64, 64), (64, 3)];
/// The convolutions that an upsampling follows.
const UPSAMPLED: [usize; 2] = [0, 2];

impl Decoder {
    /// The encoder's layer that it decodes, by VGG's names.
    pub const LAYER: &'static str = "relu3_1";
    /// Channels of that layer.
    pub const CHANNELS: usize = CHANNELS[0].0;
    /// Pixels of the picture per feature, in both directions.
    pub const SCALE: usize = 4;

    /// Builds the decoder from `N.weight` `[O, I, 3, 3]` and `N.bias` `[O]`, N = 0 to 4.
    ///
    /// # Errors
    ///
    /// Names the tensors that are missing, have another shape, or do not belong here.
    pub fn new(tensors: HashMap<String, Tensor>) -> std::result::Result<Self, ParameterError> {
        const NAME: &str = "the AdaIN decoder of relu3_1";
        let mut names = Vec::new();
        for (index, (inputs, outputs)) in CHANNELS.into_iter().enumerate() {
            names.push((format!("{index}.weight"), vec![outputs, inputs, 3, 3]));
            names.push((format!("{index}.bias"), vec![outputs]));
        }
        let tensors = parameters::take(NAME, tensors, &names, |_| false)?;
        let mut layers = Vec::new();
        for (index, pair) in tensors.chunks_exact(2).enumerate() {
            let [weight, bias] = pair else { unreachable!("chunks of two") };
            layers.push(Layer::Conv {
                weight: weight.clone(),
                bias: Some(bias.clone()),
                stride: 1,
                padding: Padding::reflect(1),
            });
            if index + 1 < CHANNELS.len() {
                layers.push(Layer::Relu);
            }
            if UPSAMPLED.contains(&index) {
                layers.push(Layer::UpsampleNearest { factor: 2 });
            }
        }
        let stack = Stack::new(&layers, DType::F32)
            .map_err(|error| ParameterError { network: NAME, problems: vec![error.to_string()] })?;
        Ok(Self { stack, depth: layers.len() })
    }

    /// The picture `[B, 4 h, 4 w, 3]` of `features` `[B, 256, h, w]`: about 0..1, not clamped.
    ///
    /// # Errors
    ///
    /// If `features` has other channels, or fewer than 2 rows or columns.
    pub fn decode(&self, features: &Tensor) -> Result<Tensor> {
        let outputs = self.stack.apply(features, &[self.depth - 1])?;
        outputs[0].permute((0, 2, 3, 1))?.contiguous()
    }
}
