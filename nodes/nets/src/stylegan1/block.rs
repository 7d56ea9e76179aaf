use std::f64::consts::SQRT_2;

use candle_core::{DType, Device, Result, Tensor};
use dreamwire_kernels::{AdaptiveNorm, ModulatedConv, Rectifier, Stack, TensorOptions, Upfirdn2d};

use super::layout::{First, Parameters, block, colours, late_bias};
use crate::parameters::placed;
use crate::stylegan::{SLOPE, dense};

/// The layers at one resolution.
pub(super) struct Block {
    /// Upsamples and blurs the map of the block before; the first block has none.
    enlarge: Option<(ModulatedConv, Upfirdn2d)>,
    /// Added to the blurred map or the constant, `[C]`, where the convolution has no bias.
    bias: Option<Tensor>,
    first: Finish,
    convolution: ModulatedConv,
    second: Finish,
}

/// What follows a convolution.
struct Finish {
    /// From w to scales and shifts.
    affine: Stack,
    norm: AdaptiveNorm,
}

impl Block {
    pub(super) fn new(parameters: &Parameters, index: usize, options: &TensorOptions) -> Result<Self> {
        let name = block(index);
        let tensor = |part: &str| parameters.get(&format!("{name}.{part}"));
        let first = parameters.layout.blocks[index].first;
        let enlarge = match first {
            First::Constant => None,
            _ => {
                let [weight, bias, blur] = first.names();
                let convolution = enlarging(tensor(weight), first, options)?;
                let convolution = match parameters.layout.late_bias {
                    true => convolution,
                    false => biased(convolution, tensor(bias))?,
                };
                Some((convolution, blurring(tensor(blur))?))
            }
        };
        let bias = parameters.layout.late_bias.then(|| placed(parameters.get(&late_bias(index)), options));
        let weight = balanced(tensor("conv2.conv.weight_orig"), 1)?;
        Ok(Self {
            enlarge,
            bias: bias.transpose()?,
            first: Finish::new(parameters, &name, 1, options)?,
            convolution: biased(
                ModulatedConv::new(&weight, false, options.clone())?,
                tensor("conv2.conv.bias"),
            )?,
            second: Finish::new(parameters, &name, 2, options)?,
        })
    }

    /// Channels of its map.
    pub(super) fn outputs(&self) -> usize {
        self.convolution.outputs()
    }

    /// Whether its first layer keeps one more map, for the bias behind the blur.
    pub(super) fn has_late_bias(&self) -> bool {
        self.bias.is_some()
    }

    /// The map `[B, r, r, C]` of the block before's, or the constant. `styles` are `[B, w]`, the planes of `noise` are
    /// `[B or 1, r, r]`.
    pub(super) fn forward(&self, x: Tensor, styles: [&Tensor; 2], noise: [&Tensor; 2]) -> Result<Tensor> {
        let x = match &self.enlarge {
            Some((convolution, blur)) => blur.apply(&convolve(convolution, &x)?)?,
            None => x,
        };
        let x = match &self.bias {
            Some(bias) => x.broadcast_add(bias)?,
            None => x,
        };
        let x = self.first.forward(&x, styles[0], noise[0])?;
        self.second.forward(&convolve(&self.convolution, &x)?, styles[1], noise[1])
    }
}

impl Finish {
    fn new(parameters: &Parameters, block: &str, layer: usize, options: &TensorOptions) -> Result<Self> {
        let style = |part| parameters.get(&format!("{block}.adain{layer}.style.linear.{part}"));
        let affine = dense(style("weight_orig"), style("bias"), [SQRT_2, 1.0])?;
        let strengths = balanced(parameters.get(&format!("{block}.noise{layer}.weight_orig")), 1)?;
        Ok(Self {
            affine: Stack::new(&[affine], options.clone())?,
            norm: AdaptiveNorm::new(&strengths.flatten_all()?, SLOPE, parameters.epsilon)?,
        })
    }

    fn forward(&self, x: &Tensor, w: &Tensor, noise: &Tensor) -> Result<Tensor> {
        let (batch, width) = w.dims2()?;
        let styles = self.affine.apply(&w.reshape((batch, width, 1, 1))?, &[0])?[0].flatten_from(1)?;
        self.norm.apply(x, noise, &styles)
    }
}

/// The picture of the block `index`: a convolution of 1x1.
pub(super) fn to_picture(
    parameters: &Parameters,
    index: usize,
    options: &TensorOptions,
) -> Result<ModulatedConv> {
    let tensor = |part| parameters.get(&format!("{}.{part}", colours(index)));
    let weight = balanced(tensor("weight_orig"), 1)?;
    biased(ModulatedConv::new(&weight, false, options.clone())?, tensor("bias"))
}

/// A convolution of `x`, `[B, h, w, I]`: here no style scales its inputs.
pub(super) fn convolve(convolution: &ModulatedConv, x: &Tensor) -> Result<Tensor> {
    let (batch, _, _, channels) = x.dims4()?;
    convolution.apply(x, &Tensor::ones((batch, channels), x.dtype(), x.device())?, None)
}

/// The stored weights times `sqrt(2 / inputs)`, in f64 ("equalized learning rate", Karras et al., arXiv:1710.10196,
/// section 4.1). One output has as many inputs as there are numbers, but for the dimension of the outputs; `inputs` is
/// the dimension of the map's channels.
fn balanced(weight: &Tensor, inputs: usize) -> Result<Tensor> {
    let dims = weight.dims();
    let count: usize = dims[inputs] * dims[2..].iter().product::<usize>();
    weight.to_dtype(DType::F64)? * (2.0 / count as f64).sqrt()
}

/// Adds a bias and nothing else.
fn biased(convolution: ModulatedConv, bias: &Tensor) -> Result<ModulatedConv> {
    convolution.rectified(bias, Rectifier { slope: 1.0, gain: 1.0, clamp: None })
}

/// Upsamples by 2 and convolves.
///
/// Repeating pixels is to put zeros between them and to add up 2x2 of the result, which can as well be done after the
/// convolution: then it has a quarter of the work, as a transposed one, whose kernel is flipped. A fused layer is such a
/// transposed convolution, with the mean of 2x2 instead of their sum.
fn enlarging(weight: &Tensor, first: First, options: &TensorOptions) -> Result<ModulatedConv> {
    let weight = match first {
        First::Fused => (balanced(weight, 0)?.transpose(0, 1)?.contiguous()? * 0.25)?,
        _ => balanced(weight, 1)?.flip(&[2, 3])?,
    };
    // Times 4, which smoothing does.
    let ones = Tensor::full(0.25, (2, 2), &Device::Cpu)?;
    ModulatedConv::upsampling(&weight.contiguous()?, false, options.clone())?.smoothed(&ones)
}

/// The blur of every channel, with zeros around the map; `kernels` are `[C, 1, 3, 3]`, all the same.
fn blurring(kernels: &Tensor) -> Result<Upfirdn2d> {
    // It is a cross-correlation; the operator flips its filter.
    let kernel = kernels.to_dtype(DType::F64)?.get(0)?.get(0)?.flip(&[0, 1])?;
    Upfirdn2d::new(&kernel.contiguous()?, 1, 1, [1; 4], 1.0)
}
