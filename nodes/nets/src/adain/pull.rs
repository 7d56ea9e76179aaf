use candle_core::{DType, Device, Result, Tensor, WithDType, bail};
use dreamwire_kernels::is_portable;
use rayon::prelude::*;

use super::statistics::{composed, plane_statistics};
use crate::parameters::{options_of, placed};

/// AdaIN's style loss of one layer, `factor * (mean_c (mean - m)^2 + mean_c (std - s)^2)`, summed over the
/// batch, and its gradient with respect to the layer: in two passes over memory, where candle's graph takes
/// dozens.
///
/// `layer` is `[B, C, h, w]`, f32 or f64; `mean` and `std`, `[B or 1, C, 1, 1]`, are the target statistics,
/// as [`channel_statistics`](super::channel_statistics) returns them; there is one factor per image. The
/// gradient has no graph.
///
/// # Errors
///
/// If a map has fewer than two positions, or a shape or type does not fit.
pub fn statistics_pull(layer: &Tensor, [mean, std]: [&Tensor; 2], factors: &[f64]) -> Result<(f64, Tensor)> {
    let (b, _, h, w) = layer.dims4()?;
    if h * w < 2 {
        bail!("the statistics of a {h}x{w} feature map are undefined: they need at least 2 positions")
    }
    if factors.len() != b {
        bail!("expected {b} factors, one per image, found {}", factors.len())
    }
    match layer.dtype() {
        DType::F32 | DType::F64 if is_portable(layer.device()) => on_device(layer, [mean, std], factors),
        DType::F32 => on_host::<f32>(layer, [mean, std], factors),
        DType::F64 => on_host::<f64>(layer, [mean, std], factors),
        other => bail!("statistics need f32 or f64, found {other:?}"),
    }
}

/// Only the loss leaves the device.
fn on_device(layer: &Tensor, [mean, std]: [&Tensor; 2], factors: &[f64]) -> Result<(f64, Tensor)> {
    let (b, c, h, w) = layer.dims4()?;
    let n = (h * w) as f64;
    let layer = layer.detach();
    let factors = factors.iter().map(|factor| factor / c as f64).collect::<Vec<f64>>();
    let factors = placed(&Tensor::from_vec(factors, (b, 1, 1, 1), &Device::Cpu)?, &options_of(&layer))?;
    let (own_mean, own_std) = composed(&layer)?;
    let (mean_off, std_off) = (own_mean.broadcast_sub(mean)?, own_std.broadcast_sub(std)?);
    let even = mean_off.broadcast_mul(&(&factors * (2.0 / n))?)?;
    let slope = (std_off.broadcast_mul(&(&factors * (2.0 / (n - 1.0)))?)? / own_std)?;
    let gradient = layer.broadcast_sub(&own_mean)?.broadcast_mul(&slope)?.broadcast_add(&even)?;
    let losses = (mean_off.sqr()? + std_off.sqr()?)?.broadcast_mul(&factors)?;
    let loss = losses.to_device(&Device::Cpu)?.to_dtype(DType::F64)?.sum_all()?.to_scalar::<f64>()?;
    Ok((loss, gradient))
}

fn on_host<T: WithDType>(
    layer: &Tensor,
    [mean, std]: [&Tensor; 2],
    factors: &[f64],
) -> Result<(f64, Tensor)> {
    let (b, c, h, w) = layer.dims4()?;
    let n = h * w;
    let wanted =
        |x: &Tensor| x.to_dtype(DType::F64)?.broadcast_as((b, c, 1, 1))?.flatten_all()?.to_vec1::<f64>();
    let (means, stds) = (wanted(mean)?, wanted(std)?);
    let values = layer.detach().to_device(&Device::Cpu)?.flatten_all()?.to_vec1::<T>()?;
    let mut gradient = vec![T::zero(); values.len()];
    let planes = gradient.par_chunks_mut(n).zip(values.par_chunks(n)).enumerate();
    let losses: Vec<f64> = planes
        .map(|(plane, (gradient, values))| {
            let factor = factors[plane / c] / c as f64;
            let (mean, std) = plane_statistics(values);
            let (mean_off, std_off) = (mean - means[plane], std - stds[plane]);
            // d mean / dx = 1 / n, d std / dx = (x - mean) / ((n - 1) std)
            let even = 2.0 * factor * mean_off / n as f64;
            let slope = 2.0 * factor * std_off / ((n - 1) as f64 * std);
            for (gradient, value) in gradient.iter_mut().zip(values) {
                *gradient = T::from_f64(even + slope * (value.to_f64() - mean));
            }
            factor * (mean_off * mean_off + std_off * std_off)
        })
        .collect();
    // Sequential: the sum must not depend on the threads.
    Ok((losses.iter().sum(), Tensor::from_vec(gradient, (b, c, h, w), layer.device())?))
}

#[cfg(test)]
mod tests {
    use candle_core::Var;

    use super::*;
    use crate::adain::channel_statistics;
    use crate::objective::statistics_distance;

    /// Compared with the same loss in candle's graph, whose gradient is checked by finite differences.
    #[test]
    fn the_gradient_is_that_of_the_loss() {
        let random = |shape: &[usize]| Tensor::rand(-1f64, 2.0, shape, &Device::Cpu).unwrap();
        for styles in [1, 2] {
            let (mean, std) = channel_statistics(&random(&[styles, 3, 4, 6])).unwrap();
            let layer = Var::from_tensor(&random(&[2, 3, 5, 4])).unwrap();
            let factors = [0.5, 3.0];
            let (value, gradient) = statistics_pull(&layer, [&mean, &std], &factors).unwrap();
            let (mean_of, std_of) = (mean.clone(), std.clone());
            let losses = statistics_distance(&[layer.as_tensor().clone()], &[(mean, std)], &[1.0]).unwrap();
            let loss = (losses * Tensor::new(&factors, &Device::Cpu).unwrap()).unwrap().sum_all().unwrap();
            assert!((value - loss.to_scalar::<f64>().unwrap()).abs() < 1e-12);
            let gradients = loss.backward().unwrap();
            let difference = (&gradient - gradients.get(&layer).unwrap()).unwrap().abs().unwrap();
            assert!(difference.max_all().unwrap().to_scalar::<f64>().unwrap() < 1e-12);
            let (on_device, there) = on_device(&layer, [&mean_of, &std_of], &factors).unwrap();
            assert!((on_device - value).abs() < 1e-12);
            let difference = (there - &gradient).unwrap().abs().unwrap();
            assert!(difference.max_all().unwrap().to_scalar::<f64>().unwrap() < 1e-12);
        }
    }

    #[test]
    fn mistakes() {
        let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
        let check = |layer: Tensor, factors: &[f64], expected: &str| {
            let targets = [&zeros(&[1, 2, 1, 1]), &zeros(&[1, 2, 1, 1])];
            let error = statistics_pull(&layer, targets, factors).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(zeros(&[1, 2, 1, 1]), &[1.0], "they need at least 2 positions");
        check(zeros(&[1, 2, 1, 2]), &[1.0, 1.0], "expected 1 factors, one per image, found 2");
        check(zeros(&[1, 2, 1, 2]).to_dtype(DType::U8).unwrap(), &[1.0], "found U8");
    }
}
