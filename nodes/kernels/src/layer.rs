use candle_core::Tensor;

mod shape;

/// One layer with fixed weights.
#[derive(Debug, Clone)]
pub enum Layer {
    /// Cross-correlation, as `torch.nn.Conv2d` without groups and dilation:
    /// `y[o, i, j] = bias[o] + sum_{c, v, u} weight[o, c, v, u] * x[c, s i + v - top, s j + u - left]`.
    Conv {
        /// `[O, I, kh, kw]`.
        weight: Tensor,
        /// `[O]`.
        bias: Option<Tensor>,
        /// Step between output pixels, at least 1.
        stride: usize,
        /// How far it reads beyond the edges, and what it reads there.
        padding: Padding,
    },
    /// `max(x, 0)`, with derivative 0 at 0 as in PyTorch. It is fused with a convolution that only it reads.
    Relu,
    /// `x` where it is positive, `slope x` elsewhere; the derivative at 0 is the slope, as in PyTorch.
    LeakyRelu {
        /// Positive.
        slope: f64,
    },
    /// Largest value of each `kernel x kernel` window. Of equal values the first in row-major order gets the
    /// gradient, and NaN wins over numbers, as in PyTorch. Values that differ by the rounding of the
    /// convolution before them count as equal.
    MaxPool {
        /// Window size, 1 to 16.
        kernel: usize,
        /// Step between windows, at least 1.
        stride: usize,
        /// Pixels of minus infinity on each side, at most half of the window.
        padding: usize,
        /// Keep windows that extend beyond the bottom and right edges, if they start in the picture or before
        /// it.
        ceil_mode: bool,
    },
    /// Mean of each `kernel x kernel` window, as `torch.nn.AvgPool2d`.
    AveragePool {
        /// Window size, at least 1.
        kernel: usize,
        /// Step between windows, at least 1.
        stride: usize,
        /// Pixels of zeros on each side, at most half of the window.
        padding: usize,
        /// Keep windows that extend beyond the bottom and right edges, if they start in the picture or before
        /// it.
        ceil_mode: bool,
        /// Whether the padding counts as pixels (PyTorch's `count_include_pad`). What lies beyond the padding
        /// never does.
        count_padding: bool,
    },
    /// Divides by the energy of neighbouring channels, as `torch.nn.LocalResponseNorm` (Krizhevsky et al., "ImageNet
    /// Classification with Deep Convolutional Neural Networks", section 3.3):
    /// `y[c] = x[c] / (k + alpha / size * sum_j x[j]^2)^beta`, j from `c - size / 2` to `c + (size - 1) / 2`.
    ///
    /// TensorFlow's `lrn` is the same with `size = 2 depth_radius + 1` and `alpha` times `size`.
    LocalResponseNorm {
        /// Channels in a sum, at least 1.
        size: usize,
        /// At least 0.
        alpha: f64,
        /// 0.5 and 0.75 are fast.
        beta: f64,
        /// Positive.
        k: f64,
    },
    /// Every pixel becomes `factor x factor` pixels.
    UpsampleNearest {
        /// At least 1.
        factor: usize,
    },
    /// Concatenates the channels of its inputs. All have the same height and width.
    Concat,
}

/// Where a layer's input comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// The input of the network.
    Input,
    /// The output of an earlier layer, by its index.
    Layer(usize),
}

/// A layer and what it reads: one input, or several for [`Layer::Concat`].
pub(crate) type Node = (Layer, Vec<Source>);

impl Source {
    /// Its index in the list of the input and all outputs.
    pub(crate) fn value(self) -> usize {
        match self {
            Source::Input => 0,
            Source::Layer(index) => index + 1,
        }
    }
}

/// How far a convolution reads beyond each edge, in pixels, and what it finds there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Padding {
    /// Rows above the picture.
    pub top: usize,
    /// Rows below the picture.
    pub bottom: usize,
    /// Columns left of the picture.
    pub left: usize,
    /// Columns right of the picture.
    pub right: usize,
    /// Where their values come from.
    pub mode: PaddingMode,
}

/// The values outside of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PaddingMode {
    /// Zeros.
    Zeros,
    /// The picture mirrored about its edge pixels, which are not repeated: `c b | a b c | b a`.
    /// The amounts must be smaller than the picture.
    Reflect,
}

impl Padding {
    /// `amount` pixels of zeros on each side.
    pub const fn zeros(amount: usize) -> Self {
        Self::sides(amount, amount, amount, amount)
    }

    /// `rows` of zeros above and below, `columns` of zeros left and right: what keeps the size for a kernel
    /// that is not square.
    pub const fn oblong(rows: usize, columns: usize) -> Self {
        Self::sides(rows, rows, columns, columns)
    }

    /// Zeros, as many on each side as given: TensorFlow's "same" padding has fewer above and left than below
    /// and right.
    pub const fn sides(top: usize, bottom: usize, left: usize, right: usize) -> Self {
        Self { top, bottom, left, right, mode: PaddingMode::Zeros }
    }

    /// `amount` mirrored pixels on each side.
    pub const fn reflect(amount: usize) -> Self {
        Self { mode: PaddingMode::Reflect, ..Self::zeros(amount) }
    }
}
