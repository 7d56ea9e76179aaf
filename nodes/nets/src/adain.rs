//! Adaptive instance normalisation (Huang & Belongie, "Arbitrary Style Transfer in Real-time with
//! Adaptive Instance Normalization", arXiv:1703.06868), with the details of pytorch-AdaIN.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, WithDType, bail};
use rayon::prelude::*;

mod coral;
mod decoder;
mod pull;

pub use coral::coral;
pub use decoder::Decoder;
pub use pull::statistics_pull;

/// Added to the variance, as in pytorch-AdaIN.
const EPSILON: f64 = 1e-5;

/// Mean and standard deviation of every channel, `[B, C, 1, 1]` each:
/// `std = sqrt(sum (x - mean)^2 / (h w - 1) + 1e-5)`.
///
/// `features` are f32 or f64, and the sums are computed in f64.
///
/// # Errors
///
/// If `features`, `[B, C, h, w]`, has fewer than two positions: they have no variance. If it is of another type, or not
/// on the CPU.
pub fn channel_statistics(features: &Tensor) -> Result<(Tensor, Tensor)> {
    let (_, _, h, w) = features.dims4()?;
    if h * w < 2 {
        bail!("the statistics of a {h}x{w} feature map are not defined; it takes 2 positions")
    }
    let statistics = features.contiguous()?.apply_op1(Statistics)?;
    Ok((statistics.get(0)?, statistics.get(1)?))
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
    mix(content, std::iter::once((style, 1.0)), 0.0)
}

/// The features that style transfer aims at, of the shape of `content`:
/// `alpha * sum_k w_k adain(content, style_k) + (1 - alpha) * content`.
///
/// `styles` are features with weights, as for [`adain`]; the `w_k` are the weights divided by their sum, as in
/// pytorch-AdaIN. At `alpha` 0 only the content counts, at 1 only the styles.
///
/// # Errors
///
/// If the sum of the weights is not above 0, or the features do not agree.
pub fn transfer(content: &Tensor, styles: &[(Tensor, f64)], alpha: f64) -> Result<Tensor> {
    let total = styles.iter().fold(0.0, |total, (_, weight)| total + weight);
    let usable = total > 0.0 && total.is_finite();
    if !usable {
        bail!("the weights of the styles should have a sum above 0, found {total}")
    }
    let shares = styles.iter().map(|(style, weight)| (style, alpha * weight / total));
    mix(content, shares, 1.0 - alpha)
}

/// `sum_k share_k adain(content, style_k) + own * content`. That is one factor and one addend per channel, so the map
/// itself is read by one product and one sum, however many styles there are.
fn mix<'a>(content: &Tensor, styles: impl Iterator<Item = (&'a Tensor, f64)>, own: f64) -> Result<Tensor> {
    let (b, c, _, _) = content.dims4()?;
    let (mean, std) = channel_statistics(content)?;
    let mut factor = (std.zeros_like()? + own)?;
    let mut addend = mean.zeros_like()?;
    for (style, share) in styles {
        let (style_b, style_c, _, _) = style.dims4()?;
        if style_c != c || (style_b != b && style_b != 1) {
            bail!("style features [{style_b}, {style_c}, ..] do not fit content features [{b}, {c}, ..]")
        }
        let (style_mean, style_std) = channel_statistics(style)?;
        let ratio = style_std.broadcast_div(&std)?;
        let offset = style_mean.broadcast_sub(&(&ratio * &mean)?)?;
        factor = (factor + (ratio * share)?)?;
        addend = (addend + (offset * share)?)?;
    }
    content.broadcast_mul(&factor)?.broadcast_add(&addend)
}

/// Means and deviations of all channels of `[B, C, h, w]`, contiguous: `[2, B, C, 1, 1]`. Candle's own operators would
/// write the map several times.
struct Statistics;

impl CustomOp1 for Statistics {
    fn name(&self) -> &'static str {
        "channel-statistics"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (b, c, h, w) = layout.shape().dims4()?;
        let Some((start, end)) = layout.contiguous_offsets() else {
            bail!("the statistics of a strided feature map were asked for")
        };
        let statistics = match storage {
            CpuStorage::F32(values) => CpuStorage::F32(statistics(&values[start..end], h * w)),
            CpuStorage::F64(values) => CpuStorage::F64(statistics(&values[start..end], h * w)),
            other => bail!("statistics are taken of f32 or f64, not {:?}", other.dtype()),
        };
        Ok((statistics, Shape::from((2, b, c, 1, 1))))
    }

    /// `d mean / dx = 1 / n`, `d std / dx = (x - mean) / ((n - 1) std)`.
    fn bwd(&self, features: &Tensor, statistics: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let (_, _, h, w) = features.dims4()?;
        let n = (h * w) as f64;
        let (features, statistics) = (features.detach(), statistics.detach());
        let (mean, std) = (statistics.get(0)?, statistics.get(1)?);
        let slope = (gradient.get(1)? / (std * (n - 1.0))?)?;
        let even = ((gradient.get(0)? / n)? - (&slope * mean)?)?;
        features.broadcast_mul(&slope)?.broadcast_add(&even).map(Some)
    }
}

/// The means of all planes of `n` numbers, then their deviations.
fn statistics<T: WithDType>(values: &[T], n: usize) -> Vec<T> {
    let planes: Vec<(f64, f64)> = values.par_chunks_exact(n).map(plane_statistics).collect();
    let means = planes.iter().map(|(mean, _)| T::from_f64(*mean));
    means.chain(planes.iter().map(|(_, std)| T::from_f64(*std))).collect()
}

/// Mean and deviation of one plane.
fn plane_statistics<T: WithDType>(values: &[T]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = sum(values, |value| value) / count;
    let squares = sum(values, |value| (value - mean) * (value - mean));
    (mean, (squares / (count - 1.0) + EPSILON).sqrt())
}

/// In several sums, so that additions need not wait for each other.
fn sum<T: WithDType>(values: &[T], of: impl Fn(f64) -> f64) -> f64 {
    let mut sums = [0.0; 8];
    let (chunks, rest) = values.as_chunks::<8>();
    for chunk in chunks {
        for (sum, value) in sums.iter_mut().zip(chunk) {
            *sum += of(value.to_f64());
        }
    }
    sums.iter().sum::<f64>() + rest.iter().map(|value| of(value.to_f64())).sum::<f64>()
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
    fn statistics_of_odd_sizes() {
        for size in [2i32, 7, 8, 21] {
            let values: Vec<f64> = (0..2 * size).map(|index| f64::from(index * index)).collect();
            let map = Tensor::from_slice(&values, (1, 2, 1, size as usize), &Device::Cpu).unwrap();
            let (mean, std) = channel_statistics(&map).unwrap();
            assert_eq!((mean.dims(), std.dims()), (&[1, 2, 1, 1][..], &[1, 2, 1, 1][..]));
            let list = |x: Tensor| x.flatten_all().unwrap().to_vec1::<f64>().unwrap();
            let found = list(mean).into_iter().zip(list(std));
            for ((mean, std), plane) in found.zip(values.chunks(size as usize)) {
                let n = f64::from(size);
                let wanted = plane.iter().sum::<f64>() / n;
                let variance = plane.iter().map(|value| (value - wanted).powi(2)).sum::<f64>() / (n - 1.0);
                let close = |found: f64, wanted: f64| (found - wanted).abs() < 1e-12 * wanted;
                assert!(
                    close(mean, wanted) && close(std, (variance + EPSILON).sqrt()),
                    "{size}: {mean}, {std}"
                );
            }
        }
        let bytes = Tensor::zeros((1, 1, 1, 2), candle_core::DType::U8, &Device::Cpu).unwrap();
        let error = channel_statistics(&bytes).unwrap_err().to_string();
        assert!(error.contains("f32 or f64, not U8"), "{error}");
    }

    #[test]
    fn weights_without_a_share_are_refused() {
        let content = features(-1.0, 1.0);
        let check = |styles: &[(Tensor, f64)], expected: &str| {
            let error = transfer(&content, styles, 1.0).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        let start = "the weights of the styles should have a sum above 0, found";
        check(&[], &format!("{start} 0"));
        check(&[(content.clone(), 1.0), (content.clone(), -1.0)], &format!("{start} 0"));
        check(&[(content.clone(), f64::NAN)], &format!("{start} NaN"));
    }
}
