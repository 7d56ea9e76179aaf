//! Adaptive instance normalisation (Huang & Belongie, "Arbitrary Style Transfer in Real-time with
//! Adaptive Instance Normalization", arXiv:1703.06868), with the details of pytorch-AdaIN.

use candle_core::{Result, Tensor, bail};

mod decoder;

pub use decoder::Decoder;

/// Added to the variance, as in pytorch-AdaIN.
const EPSILON: f64 = 1e-5;

/// Mean and standard deviation of every channel, `[B, C, 1, 1]` each:
/// `std = sqrt(sum (x - mean)^2 / (h w - 1) + 1e-5)`.
///
/// # Errors
///
/// If `features`, `[B, C, h, w]`, has fewer than two positions: they have no variance.
pub fn channel_statistics(features: &Tensor) -> Result<(Tensor, Tensor)> {
    let (b, c, h, w) = features.dims4()?;
    if h * w < 2 {
        bail!("the statistics of a {h}x{w} feature map are not defined; it takes 2 positions")
    }
    let flat = features.reshape((b, c, h * w))?;
    let mean = flat.mean_keepdim(2)?;
    let variance = (flat.broadcast_sub(&mean)?.sqr()?.sum_keepdim(2)? / (h * w - 1) as f64)?;
    let std = (variance + EPSILON)?.sqrt()?;
    Ok((mean.reshape((b, c, 1, 1))?, std.reshape((b, c, 1, 1))?))
}

/// The content's features with the channel statistics of the style:
/// `std(style) (content - mean(content)) / std(content) + mean(style)`.
///
/// `content` is `[B, C, h, w]`; `style` is `[B or 1, C, h2, w2]` of any size.
///
/// # Errors
///
/// If batches or channels do not agree, or a map has fewer than two positions.
pub fn adain(content: &Tensor, style: &Tensor) -> Result<Tensor> {
    let (b, c, _, _) = content.dims4()?;
    let (style_b, style_c, _, _) = style.dims4()?;
    if style_c != c || (style_b != b && style_b != 1) {
        bail!("style features [{style_b}, {style_c}, ..] do not fit content features [{b}, {c}, ..]")
    }
    let (content_mean, content_std) = channel_statistics(content)?;
    let (style_mean, style_std) = channel_statistics(style)?;
    let normalised = content.broadcast_sub(&content_mean)?.broadcast_div(&content_std)?;
    normalised.broadcast_mul(&style_std)?.broadcast_add(&style_mean)
}
