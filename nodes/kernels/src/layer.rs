use candle_core::{Result, Tensor, bail};

/// One layer with fixed weights.
#[derive(Debug, Clone)]
pub enum Layer {
    /// Cross-correlation, as `torch.nn.Conv2d` without groups and dilation:
    /// `y[o, i, j] = bias[o] + sum_{c, u, v} weight[o, c, u, v] * x[c, s i + u - p, s j + v - p]`.
    Conv {
        /// `[O, I, kh, kw]`.
        weight: Tensor,
        /// `[O]`.
        bias: Option<Tensor>,
        /// Step between output pixels, at least 1.
        stride: usize,
        /// What lies outside of the picture.
        padding: Padding,
    },
    /// `max(x, 0)`, with derivative 0 at 0 as in PyTorch. Straight after a convolution it is fused.
    Relu,
    /// `x` where it is positive, `slope x` elsewhere, also at 0; the derivative at 0 is the slope, as in
    /// PyTorch.
    LeakyRelu {
        /// Above 0.
        slope: f64,
    },
    /// Largest value of each `kernel x kernel` window. Of equal values the first in row-major order
    /// gets the gradient, and NaN wins over numbers, as in PyTorch.
    MaxPool {
        /// Window size, 1 to 16.
        kernel: usize,
        /// Step between windows, at least 1.
        stride: usize,
        /// Keep the windows that hang over the bottom and right edges.
        ceil_mode: bool,
    },
    /// Every pixel becomes `factor x factor` pixels.
    UpsampleNearest {
        /// At least 1.
        factor: usize,
    },
}

/// How far a convolution reads beyond each edge, and what it finds there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Padding {
    /// Pixels on each of the four sides.
    pub amount: usize,
    /// Where their values come from.
    pub mode: PaddingMode,
}

/// The values outside of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PaddingMode {
    /// Zeros.
    Zeros,
    /// The picture mirrored about its edge pixels, which are not repeated: `c b | a b c | b a`.
    /// The amount must be smaller than the picture.
    Reflect,
}

impl Padding {
    /// `amount` pixels of zeros.
    pub const fn zeros(amount: usize) -> Self {
        Self { amount, mode: PaddingMode::Zeros }
    }

    /// `amount` mirrored pixels.
    pub const fn reflect(amount: usize) -> Self {
        Self { amount, mode: PaddingMode::Reflect }
    }
}

impl Layer {
    /// Shape of the output for an input of shape `[n, c, h, w]`.
    pub(crate) fn output_shape(&self, index: usize, input: [usize; 4]) -> Result<[usize; 4]> {
        let [n, c, h, w] = input;
        match self {
            Layer::Conv { weight, stride, padding, .. } => {
                let (outputs, inputs, kh, kw) = weight.dims4()?;
                let Padding { amount, mode } = *padding;
                if c != inputs {
                    bail!("layer {index}: convolution wants {inputs} channels, found {c}")
                }
                if mode == PaddingMode::Reflect && (amount >= h || amount >= w) {
                    bail!("layer {index}: cannot mirror {amount} pixels of a {h}x{w} map")
                }
                if h + 2 * amount < kh || w + 2 * amount < kw {
                    bail!("layer {index}: a {h}x{w} map is too small for a {kh}x{kw} convolution")
                }
                let size = |size, kernel| (size + 2 * amount - kernel) / stride + 1;
                Ok([n, outputs, size(h, kh), size(w, kw)])
            }
            Layer::Relu | Layer::LeakyRelu { .. } => Ok(input),
            Layer::MaxPool { kernel, stride, ceil_mode } => {
                let size = |size| pooled_size(size, *kernel, *stride, *ceil_mode);
                match (size(h), size(w)) {
                    (Some(h), Some(w)) => Ok([n, c, h, w]),
                    _ => bail!("layer {index}: a {h}x{w} map is too small for {kernel}x{kernel} pooling"),
                }
            }
            Layer::UpsampleNearest { factor } => Ok([n, c, h * factor, w * factor]),
        }
    }

    /// What can be told about a layer before there is an input.
    pub(crate) fn validate(&self, index: usize) -> Result<()> {
        match self {
            Layer::Conv { weight, bias, stride, .. } => {
                let (outputs, _, kh, kw) = weight.dims4()?;
                if *stride == 0 || kh == 0 || kw == 0 {
                    bail!("layer {index}: a convolution needs a stride and a kernel of at least 1")
                }
                match bias.as_ref().map(Tensor::dims) {
                    Some(dims) if dims != [outputs] => {
                        bail!("layer {index}: bias of shape [{outputs}] expected, found {dims:?}")
                    }
                    _ => Ok(()),
                }
            }
            // The place in the window is kept in one byte.
            Layer::MaxPool { kernel, stride, .. } if !(1..=16).contains(kernel) || *stride == 0 => {
                bail!("layer {index}: pooling takes windows of 1 to 16 and a stride of at least 1")
            }
            Layer::UpsampleNearest { factor: 0 } => bail!("layer {index}: upsampling by 0"),
            // What the backward pass keeps is the sign of the outputs.
            Layer::LeakyRelu { slope } if slope.is_nan() || *slope <= 0.0 => {
                bail!("layer {index}: a leaky relu of slope {slope}; it should be above 0")
            }
            _ => Ok(()),
        }
    }
}

/// Number of windows along one side; `None` when not even one fits.
fn pooled_size(size: usize, kernel: usize, stride: usize, ceil_mode: bool) -> Option<usize> {
    if !ceil_mode {
        return Some(size.checked_sub(kernel)? / stride + 1);
    }
    if size == 0 {
        return None;
    }
    let windows = size.saturating_sub(kernel).div_ceil(stride) + 1;
    // A window has to start inside of the map (torch drops those that would lie outside).
    Some(if (windows - 1) * stride >= size { windows - 1 } else { windows })
}
