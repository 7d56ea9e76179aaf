//! Adaptive instance normalisation (Huang & Belongie, "Arbitrary Style Transfer in Real-time with
//! Adaptive Instance Normalization", arXiv:1703.06868), with the details of pytorch-AdaIN.

use candle_core::{Result, Tensor, bail};

mod coral;
mod decoder;
mod pull;
mod statistics;

pub use coral::coral;
pub use decoder::Decoder;
pub use pull::statistics_pull;
pub use statistics::channel_statistics;

/// The content's features with the channel statistics of the style:
/// `std(style) (content - mean(content)) / std(content) + mean(style)`.
///
/// `content` is `[B, C, h, w]`; `style` is `[B or 1, C, h2, w2]` of any size.
///
/// # Errors
///
/// If batches or channels differ, or a map has fewer than two positions.
pub fn adain(content: &Tensor, style: &Tensor) -> Result<Tensor> {
    mix(content, std::iter::once((style, 1.0)), 0.0)
}

/// The target features of style transfer, of the shape of `content`: `alpha * sum_k w_k adain(content,
/// style_k) + (1 - alpha) * content`.
///
/// `styles` are features with weights, as for [`adain`]; the `w_k` are the weights divided by their sum, as
/// in pytorch-AdaIN. `alpha` 0 gives the content, 1 the styles.
///
/// # Errors
///
/// If the sum of the weights is not positive, or the features do not fit.
pub fn transfer(content: &Tensor, styles: &[(Tensor, f64)], alpha: f64) -> Result<Tensor> {
    let total = styles.iter().fold(0.0, |total, (_, weight)| total + weight);
    let usable = total > 0.0 && total.is_finite();
    if !usable {
        bail!("the weights of the styles must have a sum above 0, found {total}")
    }
    let shares = styles.iter().map(|(style, weight)| (style, alpha * weight / total));
    mix(content, shares, 1.0 - alpha)
}

/// `sum_k share_k adain(content, style_k) + own * content`: one scale and one shift per channel, so the map
/// itself is read only twice, however many styles there are.
fn mix<'a>(content: &Tensor, styles: impl Iterator<Item = (&'a Tensor, f64)>, own: f64) -> Result<Tensor> {
    let (b, c, _, _) = content.dims4()?;
    let (mean, std) = channel_statistics(content)?;
    let mut factor = (std.zeros_like()? + own)?;
    let mut addend = mean.zeros_like()?;
    for (style, share) in styles {
        let (style_b, style_c, _, _) = style.dims4()?;
        if style_c != c || (style_b != b && style_b != 1) {
            bail!("style features [{style_b}, {style_c}, ..] do not match content features [{b}, {c}, ..]")
        }
        let (style_mean, style_std) = channel_statistics(style)?;
        let ratio = style_std.broadcast_div(&std)?;
        let offset = style_mean.broadcast_sub(&(&ratio * &mean)?)?;
        factor = (factor + (ratio * share)?)?;
        addend = (addend + (offset * share)?)?;
    }
    content.broadcast_mul(&factor)?.broadcast_add(&addend)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    /// One image of one channel and two positions, with the mean `(a + b) / 2`.
    fn features(a: f64, b: f64) -> Tensor {
        Tensor::new(&[a, b], &Device::Cpu).unwrap().reshape((1, 1, 1, 2)).unwrap()
    }

    #[test]
    fn styles_are_mixed_by_their_share() {
        let content = features(-1.0, 1.0);
        // Without a deviation of their own, styles are nothing but means.
        let styles = |weights: [f64; 2]| [(features(4.0, 4.0), weights[0]), (features(8.0, 8.0), weights[1])];
        let check = |weights, alpha, expected: [f64; 2]| {
            let found = transfer(&content, &styles(weights), alpha).unwrap();
            let found = found.flatten_all().unwrap().to_vec1::<f64>().unwrap();
            // The deviation of a flat style is not 0 but sqrt(1e-5).
            let close = found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 3e-3);
            assert!(close, "{found:?} instead of {expected:?}");
        };
        check([1.0, 1.0], 1.0, [6.0, 6.0]);
        check([3.0, 1.0], 1.0, [5.0, 5.0]);
        check([3.0, 1.0], 0.5, [2.0, 3.0]);
        check([0.0, 2.0], 1.0, [8.0, 8.0]);
        check([1.0, 1.0], 0.0, [-1.0, 1.0]);
    }

    #[test]
    fn weights_without_a_share_are_refused() {
        let content = features(-1.0, 1.0);
        let check = |styles: &[(Tensor, f64)], expected: &str| {
            let error = transfer(&content, styles, 1.0).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        let start = "the weights of the styles must have a sum above 0, found";
        check(&[], &format!("{start} 0"));
        check(&[(content.clone(), 1.0), (content.clone(), -1.0)], &format!("{start} 0"));
        check(&[(content.clone(), f64::NAN)], &format!("{start} NaN"));
    }
}
