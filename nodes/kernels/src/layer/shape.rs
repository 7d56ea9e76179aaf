use candle_core::{Result, Tensor, bail};

use super::{Layer, Padding, PaddingMode};
use crate::windows::Windows;

impl Layer {
    /// Shape of the output for inputs of shapes `[n, c, h, w]`: one, or several for a concat.
    pub(crate) fn output_shape(&self, index: usize, inputs: &[[usize; 4]]) -> Result<[usize; 4]> {
        let input @ [n, c, h, w] = inputs[0];
        match self {
            Layer::Conv { weight, stride, padding, .. } => {
                let (outputs, wanted, kh, kw) = weight.dims4()?;
                let Padding { top, bottom, left, right, mode } = *padding;
                if c != wanted {
                    bail!("layer {index}: the convolution needs {wanted} channels, found {c}")
                }
                if mode == PaddingMode::Reflect && (top.max(bottom) >= h || left.max(right) >= w) {
                    let amount = top.max(bottom).max(left).max(right);
                    bail!("layer {index}: cannot mirror {amount} pixels of a {h}x{w} map")
                }
                let (padded_h, padded_w) = (h + top + bottom, w + left + right);
                if padded_h < kh || padded_w < kw {
                    bail!("layer {index}: a {h}x{w} map is too small for a {kh}x{kw} convolution")
                }
                Ok([n, outputs, (padded_h - kh) / stride + 1, (padded_w - kw) / stride + 1])
            }
            Layer::Relu | Layer::LeakyRelu { .. } | Layer::LocalResponseNorm { .. } => Ok(input),
            Layer::MaxPool { kernel, stride, padding, ceil_mode }
            | Layer::AveragePool { kernel, stride, padding, ceil_mode, .. } => {
                let windows = Windows { kernel: *kernel, stride: *stride, padding: *padding };
                match (windows.count(h, *ceil_mode), windows.count(w, *ceil_mode)) {
                    (Some(h), Some(w)) => Ok([n, c, h, w]),
                    _ => bail!("layer {index}: a {h}x{w} map is too small for {kernel}x{kernel} pooling"),
                }
            }
            Layer::UpsampleNearest { factor } => Ok([n, c, h * factor, w * factor]),
            Layer::Concat => {
                let mut channels = 0;
                for [_, c, other_h, other_w] in inputs {
                    if (*other_h, *other_w) != (h, w) {
                        bail!("layer {index}: cannot join a {h}x{w} map and a {other_h}x{other_w} map")
                    }
                    channels += c;
                }
                Ok([n, channels, h, w])
            }
        }
    }

    /// Checks a layer as far as possible without an input.
    pub(crate) fn validate(&self, index: usize) -> Result<()> {
        match self {
            Layer::Conv { weight, bias, stride, .. } => {
                let (outputs, _, kh, kw) = weight.dims4()?;
                if *stride == 0 || kh == 0 || kw == 0 {
                    bail!("layer {index}: a convolution needs a stride and a kernel of at least 1")
                }
                match bias.as_ref().map(Tensor::dims) {
                    Some(dims) if dims != [outputs] => {
                        bail!("layer {index}: the bias must have shape [{outputs}], found {dims:?}")
                    }
                    _ => Ok(()),
                }
            }
            // The position in the window is stored in one byte.
            Layer::MaxPool { kernel, stride, .. } if !(1..=16).contains(kernel) || *stride == 0 => {
                bail!("layer {index}: pooling needs windows of 1 to 16 and a stride of at least 1")
            }
            Layer::AveragePool { kernel, stride, .. } if *kernel == 0 || *stride == 0 => {
                bail!("layer {index}: average pooling needs windows and a stride of at least 1")
            }
            // So that every window contains a pixel.
            Layer::MaxPool { kernel, padding, .. } | Layer::AveragePool { kernel, padding, .. }
                if *padding > kernel / 2 =>
            {
                let most = kernel / 2;
                bail!(
                    "layer {index}: the padding of {kernel}x{kernel} pooling must be at most {most}, found {padding}"
                )
            }
            Layer::LocalResponseNorm { size: 0, .. } => {
                bail!("layer {index}: the size of a local response norm must be at least 1, found 0")
            }
            // So that the divisor is positive.
            Layer::LocalResponseNorm { alpha, beta, k, .. }
                if !(alpha.is_finite() && *alpha >= 0.0 && beta.is_finite() && k.is_finite() && *k > 0.0) =>
            {
                bail!(
                    "layer {index}: a local response norm of alpha {alpha}, beta {beta} and k {k}; alpha must be at \
                     least 0 and k above 0"
                )
            }
            Layer::UpsampleNearest { factor: 0 } => {
                bail!("layer {index}: the upsampling factor must be at least 1, found 0")
            }
            // The backward pass keeps only the sign of the outputs.
            Layer::LeakyRelu { slope } if slope.is_nan() || *slope <= 0.0 => {
                bail!("layer {index}: the slope of a leaky relu must be above 0, found {slope}")
            }
            _ => Ok(()),
        }
    }
}
