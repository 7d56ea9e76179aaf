//! Convolution, its transpose and the gradient of its weights: each one's derivatives are the other two.
//!
//! On the CPU the kernels compute them, unless the environment asks for what other devices run: candle's `conv2d`, which
//! is fast there; its own gradients are not (cuDNN does not compute them, and those of the weights are computed even if
//! nobody reads them).

use candle_core::{Result, Tensor, bail};

use super::attach::{attach2, tracked};
use super::edges::resized;
use crate::layer::{Padding, PaddingMode};

mod kernels;
mod transposed;

use kernels::Convolution;
use transposed::transposed;

/// Cross-correlation of `x`, `[n, c, h, w]`, with `weight`, `[o, c, kh, kw]`, every `stride` pixels of the padded map:
/// `y[o, i, j] = sum_{c, v, u} weight[o, c, v, u] x[c, s i + v - top, s j + u - left]`.
///
/// # Errors
///
/// If the channels differ, the padded map is smaller than the kernel, or the padding is not of zeros.
pub(crate) fn conv2d(x: &Tensor, weight: &Tensor, stride: usize, padding: Padding) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    let (_, _, kh, kw) = weight.dims4()?;
    output_size([h, w], [kh, kw], stride, padding)?;
    attach2(
        "conv2d",
        [x, weight],
        |x, weight| {
            if kernels::compute(x, [kh, kw], stride) {
                return Convolution::Forward.of(x, weight, stride, padding);
            }
            correlate(x, weight, stride, 1, sides(padding))
        },
        move |[x, weight], gradient| {
            Ok([
                tracked(x, || conv2d_input(gradient, weight, stride, padding, [h, w]))?,
                tracked(weight, || conv2d_weight(x, gradient, stride, padding, [kh, kw]))?,
            ])
        },
    )
}

/// The gradient of the input of [`conv2d`], `[n, c, h, w]` with `size = [h, w]`, for that of its output,
/// `[n, o, h', w']`: the transposed convolution.
///
/// # Errors
///
/// As [`conv2d`], and if its output does not have the gradient's shape.
pub(crate) fn conv2d_input(
    gradient: &Tensor,
    weight: &Tensor,
    stride: usize,
    padding: Padding,
    size: [usize; 2],
) -> Result<Tensor> {
    let (_, outputs, h, w) = gradient.dims4()?;
    let (wanted, _, kh, kw) = weight.dims4()?;
    if outputs != wanted {
        bail!("a transposed convolution of {wanted} channels cannot take {outputs}")
    }
    check_output([h, w], output_size(size, [kh, kw], stride, padding)?)?;
    attach2(
        "conv2d-input",
        [gradient, weight],
        |gradient, weight| {
            if kernels::compute(gradient, [kh, kw], stride) {
                return Convolution::Input(size).of(gradient, weight, stride, padding);
            }
            transposed(gradient, weight, stride, padding, size)
        },
        move |[gradient, weight], second| {
            Ok([
                tracked(gradient, || conv2d(second, weight, stride, padding))?,
                tracked(weight, || conv2d_weight(second, gradient, stride, padding, [kh, kw]))?,
            ])
        },
    )
}

/// The gradient of the weights of [`conv2d`], `[o, c, kh, kw]` with `size = [kh, kw]`, for its input and the gradient of
/// its output.
///
/// # Errors
///
/// As [`conv2d_input`].
pub(crate) fn conv2d_weight(
    x: &Tensor,
    gradient: &Tensor,
    stride: usize,
    padding: Padding,
    size: [usize; 2],
) -> Result<Tensor> {
    let (n, _, h, w) = x.dims4()?;
    let (found, _, outer_h, outer_w) = gradient.dims4()?;
    if n != found {
        bail!("a convolution of {n} maps cannot have gradients of {found}")
    }
    check_output([outer_h, outer_w], output_size([h, w], size, stride, padding)?)?;
    attach2(
        "conv2d-weight",
        [x, gradient],
        |x, gradient| {
            if kernels::compute(x, size, stride) {
                return Convolution::Weight(size).of(x, gradient, stride, padding);
            }
            // Maps and channels exchanged: the gradient is the kernel, whose pixels are `stride` apart.
            let [x, gradient] = [x.transpose(0, 1)?, gradient.transpose(0, 1)?];
            let [[top, _], [left, _]] = sides(padding);
            let after = |size: usize, outer: usize, kernel: usize, before: isize| {
                ((outer - 1) * stride + kernel) as isize - size as isize - before
            };
            let rows = [top, after(h, outer_h, size[0], top)];
            let columns = [left, after(w, outer_w, size[1], left)];
            correlate(&x, &gradient, 1, stride, [rows, columns])?.transpose(0, 1)?.contiguous()
        },
        move |[x, gradient], second| {
            Ok([
                tracked(x, || conv2d_input(gradient, second, stride, padding, [h, w]))?,
                tracked(gradient, || conv2d(x, second, stride, padding))?,
            ])
        },
    )
}

/// The size of the output of [`conv2d`].
fn output_size(
    [h, w]: [usize; 2],
    [kh, kw]: [usize; 2],
    stride: usize,
    padding: Padding,
) -> Result<[usize; 2]> {
    if padding.mode == PaddingMode::Reflect && !padding.is_empty() {
        bail!("a convolution pads with zeros; mirror the map before it")
    }
    let [[top, bottom], [left, right]] = [[padding.top, padding.bottom], [padding.left, padding.right]];
    let (padded_h, padded_w) = (h + top + bottom, w + left + right);
    if stride == 0 || kh == 0 || kw == 0 || padded_h < kh || padded_w < kw {
        bail!("a {h}x{w} map is too small for a {kh}x{kw} convolution of stride {stride}")
    }
    Ok([(padded_h - kh) / stride + 1, (padded_w - kw) / stride + 1])
}

fn check_output(found: [usize; 2], expected: [usize; 2]) -> Result<()> {
    if found != expected {
        bail!("the gradient of a convolution must have the size {expected:?} of its output, found {found:?}")
    }
    Ok(())
}

/// Zeros before and after, by axis.
fn sides(padding: Padding) -> [[isize; 2]; 2] {
    [[padding.top, padding.bottom], [padding.left, padding.right]].map(|axis| axis.map(|side| side as isize))
}

/// Candle's convolution, which has one padding for all sides: what is more on some sides is added before it, and what
/// is less than none is cut off.
fn correlate(
    x: &Tensor,
    weight: &Tensor,
    stride: usize,
    dilation: usize,
    sides: [[isize; 2]; 2],
) -> Result<Tensor> {
    let common = sides.as_flattened().iter().copied().min().unwrap_or(0).max(0);
    let mut x = x.clone();
    for (axis, [before, after]) in sides.into_iter().enumerate() {
        x = resized(&x, 2 + axis, before - common, after - common)?;
    }
    x.contiguous()?.conv2d(&weight.contiguous()?, common.unsigned_abs(), stride, dilation, 1)
}
