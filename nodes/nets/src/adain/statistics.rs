//! Mean and standard deviation of every channel, AdaIN's description of a style.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, DType, Layout, Result, Shape, Tensor, WithDType, bail};
use dreamwire_kernels::is_portable;
use rayon::prelude::*;

/// Added to the variance, as in pytorch-AdaIN.
const EPSILON: f64 = 1e-5;

/// Mean and standard deviation of every channel, `[B, C, 1, 1]` each:
/// `std = sqrt(sum (x - mean)^2 / (h w - 1) + 1e-5)`.
///
/// `features` are f32 or f64, and the sums are computed in f64; on a device in the type of `features`.
///
/// # Errors
///
/// If `features`, `[B, C, h, w]`, has fewer than two positions, which have no variance, or is of another
/// type.
pub fn channel_statistics(features: &Tensor) -> Result<(Tensor, Tensor)> {
    let (_, _, h, w) = features.dims4()?;
    if h * w < 2 {
        bail!("the statistics of a {h}x{w} feature map are undefined: they need at least 2 positions")
    }
    if is_portable(features.device()) {
        return composed(features);
    }
    let statistics = features.contiguous()?.apply_op1(Statistics)?;
    Ok((statistics.get(0)?, statistics.get(1)?))
}

/// The same, made of candle's operators, with derivatives of any order. Rows are summed first: short sums keep their
/// digits in f32.
pub(super) fn composed(features: &Tensor) -> Result<(Tensor, Tensor)> {
    let (_, _, h, w) = features.dims4()?;
    if ![DType::F32, DType::F64].contains(&features.dtype()) {
        bail!("statistics need f32 or f64, found {:?}", features.dtype())
    }
    let sum = |x: &Tensor| x.sum_keepdim(3)?.sum_keepdim(2);
    let mean = (sum(features)? / (h * w) as f64)?;
    let squares = sum(&features.broadcast_sub(&mean)?.sqr()?)?;
    let std = ((squares / (h * w - 1) as f64)? + EPSILON)?.sqrt()?;
    Ok((mean, std))
}

/// Means and deviations of all channels of `[B, C, h, w]`, contiguous: `[2, B, C, 1, 1]`. candle's own
/// operators would write the map several times.
struct Statistics;

impl CustomOp1 for Statistics {
    fn name(&self) -> &'static str {
        "channel-statistics"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (b, c, h, w) = layout.shape().dims4()?;
        let Some((start, end)) = layout.contiguous_offsets() else {
            bail!("statistics need a contiguous feature map")
        };
        let statistics = match storage {
            CpuStorage::F32(values) => CpuStorage::F32(statistics(&values[start..end], h * w)),
            CpuStorage::F64(values) => CpuStorage::F64(statistics(&values[start..end], h * w)),
            other => bail!("statistics need f32 or f64, found {:?}", other.dtype()),
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

/// Mean and deviation of one plane, of two numbers or more.
pub(super) fn plane_statistics<T: WithDType>(values: &[T]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = sum(values, |value| value) / count;
    let squares = sum(values, |value| (value - mean) * (value - mean));
    (mean, (squares / (count - 1.0) + EPSILON).sqrt())
}

/// In several partial sums, so that additions do not wait for each other.
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
    use candle_core::{Device, Var};

    use super::*;

    /// Values and gradients, up to the order of sums; in f32 those of thousands of numbers.
    #[test]
    fn the_device_agrees_with_the_host() {
        for (dtype, limit) in [(DType::F64, 1e-12), (DType::F32, 1e-5)] {
            let x = Tensor::rand(-1f64, 2.0, &[2, 3, 65, 80], &Device::Cpu).unwrap();
            let weights = Tensor::rand(-1f64, 1.0, &[2, 3, 1, 1], &Device::Cpu).unwrap();
            let (x, weights) = (x.to_dtype(dtype).unwrap(), weights.to_dtype(dtype).unwrap());
            let run = |statistics: fn(&Tensor) -> Result<(Tensor, Tensor)>| {
                let x = Var::from_tensor(&x).unwrap();
                let (mean, std) = statistics(&x).unwrap();
                let sum = ((&mean + &std).unwrap() * &weights).unwrap().sum_all().unwrap();
                let gradients = sum.backward().unwrap();
                [mean, std, gradients.get(&x).unwrap().clone()]
            };
            for (found, expected) in run(composed).into_iter().zip(run(channel_statistics)) {
                let largest = |x: Tensor| {
                    let most = x.abs().unwrap().flatten_all().unwrap().max(0).unwrap();
                    most.to_dtype(DType::F64).unwrap().to_scalar::<f64>().unwrap()
                };
                assert_eq!(found.dims(), expected.dims());
                let error = largest((&found - &expected).unwrap());
                assert!(error < limit * largest(expected), "{dtype:?}: {error:e}");
            }
        }
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
        let bytes = Tensor::zeros((1, 1, 1, 2), DType::U8, &Device::Cpu).unwrap();
        let error = channel_statistics(&bytes).unwrap_err().to_string();
        assert!(error.contains("f32 or f64, found U8"), "{error}");
    }
}
