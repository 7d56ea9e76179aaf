use candle_core::{DType, Device, Result, Tensor, bail};
use dreamwire_kernels::is_portable;

mod on_device;

/// Sides up to which planes are halved.
const SMALLEST: usize = 8;

/// How much structure noise planes `[B, 1, h, w]` have, one number per image, and its gradient, of their shape.
///
/// `sum_s mean(n_s(y, x) n_s(y, x - 1))^2 + mean(n_s(y, x) n_s(y - 1, x))^2`: neighbours of white noise are unrelated at
/// every size s. Planes wrap around; they are halved by the mean of 2 x 2 pixels until the shorter side has 8 (Karras et al.,
/// arXiv:1912.04958, appendix D). All is computed in f64, on a device in the type of `planes`.
///
/// # Errors
///
/// If `planes` has another shape.
pub fn noise_penalty(planes: &Tensor) -> Result<(Vec<f64>, Tensor)> {
    let (batch, channels, height, width) = planes.dims4()?;
    if channels != 1 {
        bail!("noise planes must be [B, 1, h, w], found {:?}", planes.dims())
    }
    if is_portable(planes.device()) {
        let planes = planes.detach().contiguous()?;
        let (penalties, gradients) = on_device::of_planes(&planes.reshape((batch, height, width, 1))?)?;
        let penalties = penalties.to_device(&Device::Cpu)?.to_dtype(DType::F64)?.to_vec1()?;
        return Ok((penalties, gradients.reshape(planes.shape())?));
    }
    let values = planes.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?;
    let (mut penalties, mut gradients) = (Vec::new(), Vec::with_capacity(values.len()));
    for plane in values.chunks_exact((height * width).max(1)) {
        let (penalty, gradient) = of_plane(plane, height, width);
        penalties.push(penalty);
        gradients.extend(gradient);
    }
    let gradients = Tensor::from_vec(gradients, planes.shape(), planes.device())?;
    Ok((penalties, gradients.to_dtype(planes.dtype())?))
}

/// The penalty of one plane, and its gradient.
fn of_plane(plane: &[f64], height: usize, width: usize) -> (f64, Vec<f64>) {
    let (across, across_gradient) = neighbours(plane, |index| index - index % width + (index + 1) % width);
    let (down, down_gradient) = neighbours(plane, |index| (index + width) % plane.len());
    let mut penalty = across + down;
    let mut gradient: Vec<f64> = across_gradient.iter().zip(&down_gradient).map(|(a, b)| a + b).collect();
    if height.min(width) > SMALLEST {
        let half = halved(plane, height, width);
        let (of_half, half_gradient) = of_plane(&half, height / 2, width / 2);
        penalty += of_half;
        for (y, row) in gradient.chunks_exact_mut(width).take(height / 2 * 2).enumerate() {
            for (x, value) in row.iter_mut().take(width / 2 * 2).enumerate() {
                *value += half_gradient[y / 2 * (width / 2) + x / 2] / 4.0;
            }
        }
    }
    (penalty, gradient)
}

/// The squared mean product of every pixel and the `next` one, and its gradient.
fn neighbours(plane: &[f64], next: impl Fn(usize) -> usize) -> (f64, Vec<f64>) {
    let count = plane.len() as f64;
    let mean = plane.iter().enumerate().map(|(index, value)| value * plane[next(index)]).sum::<f64>() / count;
    let mut gradient = vec![0.0; plane.len()];
    for (index, value) in plane.iter().enumerate() {
        // d mean^2 = 2 mean d mean; a pixel is part of two products.
        gradient[index] += 2.0 * mean / count * plane[next(index)];
        gradient[next(index)] += 2.0 * mean / count * value;
    }
    (mean * mean, gradient)
}

/// The means of 2 x 2 pixels; an odd last row or column is left out.
fn halved(plane: &[f64], height: usize, width: usize) -> Vec<f64> {
    let pixel = |y: usize, x: usize| plane[y * width + x];
    let mean =
        |y: usize, x: usize| (pixel(y, x) + pixel(y, x + 1) + pixel(y + 1, x) + pixel(y + 1, x + 1)) / 4.0;
    (0..height / 2).flat_map(|y| (0..width / 2).map(move |x| mean(2 * y, 2 * x))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::CounterRng;

    fn noise(seed: u64, height: usize, width: usize) -> Vec<f64> {
        (0..height * width).map(|position| CounterRng::mixed(seed).normal(position as u64)).collect()
    }

    /// Columns of 1 and -1: neighbours across are opposite, neighbours down are equal; nothing is left at half the size.
    #[test]
    fn stripes() {
        let stripes: Vec<f64> = (0..16 * 16).map(|index| if index % 2 == 0 { 1.0 } else { -1.0 }).collect();
        let (penalty, _) = of_plane(&stripes, 16, 16);
        assert_eq!(penalty, 1.0 + 1.0);
        // An even plane is even at 16 and at 8 pixels.
        assert_eq!(of_plane(&[0.5; 256], 16, 16).0, 4.0 * 0.0625);
        // And at 8 pixels there is one size, as at 4.
        assert_eq!(of_plane(&[0.5; 64], 8, 8).0, 2.0 * 0.0625);
        assert_eq!(of_plane(&[0.5; 16], 4, 4).0, 2.0 * 0.0625);
    }

    /// Central differences in f64: the penalty is of degree 4, so what they leave is of the square of the step.
    #[test]
    fn gradients_are_those_of_differences() {
        const STEP: f64 = 1e-5;
        for (height, width) in [(4, 4), (8, 8), (16, 16), (32, 32), (10, 19), (32, 16)] {
            let plane = noise(1, height, width);
            let (_, gradient) = of_plane(&plane, height, width);
            for direction in (2..5).map(|seed| noise(seed, height, width)) {
                let moved = |step: f64| {
                    let plane: Vec<f64> = plane.iter().zip(&direction).map(|(x, d)| x + step * d).collect();
                    of_plane(&plane, height, width).0
                };
                let expected = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
                let found: f64 = gradient.iter().zip(&direction).map(|(g, d)| g * d).sum();
                let length = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
                assert!((found - expected).abs() < 1e-7 * length, "{height}x{width}: {found}, {expected}");
            }
        }
    }

    #[test]
    fn planes_of_a_batch_are_independent() {
        let (first, second) = (noise(1, 16, 16), noise(2, 16, 16));
        let both = [first.clone(), second.clone()].concat();
        let both = Tensor::from_vec(both, (2, 1, 16, 16), &Device::Cpu).unwrap();
        let (penalties, gradients) = noise_penalty(&both).unwrap();
        let alone = [first, second].map(|plane| of_plane(&plane, 16, 16));
        assert_eq!(penalties, [alone[0].0, alone[1].0]);
        let gradients = gradients.flatten_from(1).unwrap().to_vec2::<f64>().unwrap();
        assert_eq!(gradients, [alone[0].1.clone(), alone[1].1.clone()]);
        assert!(noise_penalty(&both.flatten_from(1).unwrap()).is_err());
        assert!(noise_penalty(&both.reshape((1, 2, 16, 16)).unwrap()).is_err());
    }

    /// In f64 the same up to the order of sums; in f32 a mean product of about 0.1 has an error of about 1e-7.
    #[test]
    fn the_device_agrees_with_the_host() {
        for (height, width) in [(4, 4), (8, 8), (32, 32), (10, 19), (33, 17)] {
            let planes = [1, 2].map(|seed| noise(seed, height, width));
            let host = [0, 1].map(|index| of_plane(&planes[index], height, width));
            let both = Tensor::from_vec(planes.concat(), (2, height, width, 1), &Device::Cpu).unwrap();
            for (dtype, limit) in [(DType::F64, 1e-10), (DType::F32, 1e-4)] {
                let (penalties, gradients) = on_device::of_planes(&both.to_dtype(dtype).unwrap()).unwrap();
                let values =
                    |x: Tensor| x.to_dtype(DType::F64).unwrap().flatten_from(1).unwrap().to_vec2::<f64>();
                let found = values(penalties.unsqueeze(1).unwrap()).unwrap();
                let gradients = values(gradients).unwrap();
                for (index, (penalty, gradient)) in host.iter().enumerate() {
                    assert!((found[index][0] / penalty - 1.0).abs() < limit, "{height}x{width} {dtype:?}");
                    let largest = gradient.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
                    let pairs = gradients[index].iter().zip(gradient);
                    let error = pairs.fold(0.0, |most: f64, (a, b)| most.max((a - b).abs()));
                    assert!(error < limit * largest, "{height}x{width} {dtype:?}: {error:e} of {largest:e}");
                }
            }
        }
    }
}
