use candle_core::{DType, Device, Result, Tensor};
use dreamwire_kernels::is_portable;

/// A Gaussian is truncated at this distance, in pixels.
const REACH: usize = 4;
const TAPS: usize = 2 * REACH + 1;
/// Widths of the three Gaussians, in sigmas.
const WIDTHS: [f64; 3] = [0.5, 1.0, 2.0];

/// One axis of a separable filter, normalised to a sum of 1.
type Kernel = [f32; TAPS];

/// The mean of three Gaussian blurs, which smooths a gradient but keeps some of its detail: `(G(sigma / 2) +
/// G(sigma) + G(2 sigma)) * g / 3`.
///
/// Each Gaussian is `exp(-d^2 / (2 s^2))` on a window of 9 x 9 pixels, divided by its sum; the padding is the
/// mirrored picture without its edge pixels (PyTorch's `reflect`; pictures smaller than 5 pixels are mirrored
/// repeatedly). Images and channels are blurred independently. This is `CascadeGaussianSmoothing` of
/// gordicaleksa's pytorch-deepdream; [`cascade_sigma`] is its width in each step there.
///
/// `gradient` is `[B, H, W, C]`; `sigma` is the standard deviation of the middle Gaussian in pixels; 0 does
/// not blur. Whatever it is, the window extends 4 pixels. The result is f32 and has no gradient of its own.
///
/// # Errors
///
/// If `gradient` has another rank, or `sigma` is negative or not finite.
pub fn cascade_blur(gradient: &Tensor, sigma: f64) -> Result<Tensor> {
    gradient.dims4()?;
    if !sigma.is_finite() || sigma < 0.0 {
        candle_core::bail!("the width of a blur must be a number of pixels, at least 0, found {sigma}")
    }
    let kernels = WIDTHS.map(|width| gaussian(width * sigma));
    if is_portable(gradient.device()) { on_device(gradient, &kernels) } else { on_host(gradient, &kernels) }
}

/// The same sums in the same order as on the host, each a shifted picture times its weight.
fn on_device(gradient: &Tensor, kernels: &[Kernel; 3]) -> Result<Tensor> {
    let image = padded(&gradient.detach().to_dtype(DType::F32)?, 2)?;
    let mut sum = None;
    for kernel in kernels {
        let rows = add_shifted(None, &image, 2, kernel)?;
        let kernel = kernel.map(|tap| tap / WIDTHS.len() as f32);
        sum = Some(add_shifted(sum, &padded(&rows, 1)?, 1, &kernel)?);
    }
    sum.map_or_else(|| gradient.zeros_like(), Ok)
}

/// `x`, mirrored at both ends of a dimension.
fn padded(x: &Tensor, dimension: usize) -> Result<Tensor> {
    let size = x.dim(dimension)?;
    let pixels: Vec<u32> = (0..size + 2 * REACH).map(|position| mirrored(position, size) as u32).collect();
    x.contiguous()?.index_select(&Tensor::new(pixels, x.device())?, dimension)
}

/// Adds a padded picture, filtered along a dimension, to `sum`.
fn add_shifted(sum: Option<Tensor>, x: &Tensor, dimension: usize, kernel: &Kernel) -> Result<Tensor> {
    let size = x.dim(dimension)? - 2 * REACH;
    let term = |tap: usize| x.narrow(dimension, tap, size)? * f64::from(kernel[tap]);
    let (first, sum) = match sum {
        Some(sum) => (0, sum),
        None => (1, term(0)?),
    };
    (first..TAPS).try_fold(sum, |sum, tap| sum + term(tap)?)
}

fn on_host(gradient: &Tensor, kernels: &[Kernel; 3]) -> Result<Tensor> {
    let (_, h, w, c) = gradient.dims4()?;
    let source = gradient.to_device(&Device::Cpu)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
    let mut out = vec![0.0; source.len()];
    let size = (h * w * c).max(1);
    for (image, out) in source.chunks_exact(size).zip(out.chunks_exact_mut(size)) {
        for kernel in kernels {
            let rows = blur_rows(image, w, c, kernel);
            add_columns(&rows, w * c, &kernel.map(|tap| tap / WIDTHS.len() as f32), out);
        }
    }
    Tensor::from_vec(out, gradient.shape(), gradient.device())
}

/// The `sigma` of [`cascade_blur`], in pixels, at `step` (from 0) of `steps` in an octave: `smoothing + 2
/// (step + 1) / steps`, so that it grows to `smoothing + 2` in the last step.
///
/// This is pytorch-deepdream's schedule; its `smoothing_coefficient` is 0.5 by default.
pub fn cascade_sigma(step: usize, steps: usize, smoothing: f64) -> f64 {
    smoothing + 2.0 * (step + 1) as f64 / steps.max(1) as f64
}

fn gaussian(sigma: f64) -> Kernel {
    let weights: [f64; TAPS] = std::array::from_fn(|tap| {
        let distance = tap.abs_diff(REACH) as f64;
        // Also right for a sigma of 0: all weight is in the middle.
        if distance == 0.0 { 1.0 } else { (-0.5 * (distance / sigma).powi(2)).exp() }
    });
    let sum: f64 = weights.iter().sum();
    weights.map(|weight| (weight / sum) as f32)
}

/// The pixel at `position - REACH` in a row of `size` pixels, mirrored at both ends.
fn mirrored(position: usize, size: usize) -> usize {
    let last = size as isize - 1;
    let position = (position as isize - REACH as isize).rem_euclid((2 * last).max(1));
    position.min(2 * last - position) as usize
}

/// Every row of `w` pixels of `c` channels blurred along itself.
fn blur_rows(image: &[f32], w: usize, c: usize, kernel: &Kernel) -> Vec<f32> {
    let mut out = vec![0.0; image.len()];
    let mut padded = Vec::with_capacity((w + 2 * REACH) * c);
    for (row, out) in image.chunks_exact(w * c).zip(out.chunks_exact_mut(w * c)) {
        padded.clear();
        for x in 0..w + 2 * REACH {
            padded.extend_from_slice(&row[mirrored(x, w) * c..][..c]);
        }
        for (tap, weight) in kernel.iter().enumerate() {
            add_scaled(out, *weight, &padded[tap * c..]);
        }
    }
    out
}

/// Adds the image, blurred across its rows of `width` values, to `out`.
fn add_columns(image: &[f32], width: usize, kernel: &Kernel, out: &mut [f32]) {
    let height = image.len() / width;
    for (y, out) in out.chunks_exact_mut(width).enumerate() {
        for (tap, weight) in kernel.iter().enumerate() {
            add_scaled(out, *weight, &image[mirrored(y + tap, height) * width..]);
        }
    }
}

/// `out += weight * x`, for the length of `out`.
fn add_scaled(out: &mut [f32], weight: f32, x: &[f32]) {
    for (out, x) in out.iter_mut().zip(x) {
        *out += weight * x;
    }
}

#[cfg(test)]
mod tests {
    use super::super::matrix::tests::pictures;
    use super::*;

    fn check(input: &[f32], shape: (usize, usize, usize, usize), sigma: f64, expected: &[f32]) {
        let x = Tensor::from_slice(input, shape, &Device::Cpu).unwrap();
        let found = cascade_blur(&x, sigma).unwrap();
        assert_eq!(found.dims(), x.dims());
        let found = found.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{found} instead of {expected}");
        }
    }

    /// `[1, 2, 4]` with a sigma of 1. These numbers and the next test's are NumPy's, in f64.
    const ROW: [f32; 3] = [1.75571, 2.19977, 2.84475];

    #[test]
    fn a_point_becomes_three_hills() {
        let mut point = [0.0; 25];
        point[12] = 1.0;
        let expected = [
            [0.02433, 0.02923, 0.03592, 0.02923, 0.02433],
            [0.02923, 0.04426, 0.08201, 0.04426, 0.02923],
            [0.03592, 0.08201, 0.28179, 0.08201, 0.03592],
            [0.02923, 0.04426, 0.08201, 0.04426, 0.02923],
            [0.02433, 0.02923, 0.03592, 0.02923, 0.02433],
        ];
        check(&point, (1, 5, 5, 1), 1.0, expected.as_flattened());
    }

    #[test]
    fn pictures_smaller_than_the_window_are_mirrored_again() {
        check(&[1.0, 2.0, 4.0], (1, 1, 3, 1), 1.0, &ROW);
        check(&[1.0, 2.0, 4.0], (1, 3, 1, 1), 1.0, &ROW);
        check(&[3.0, -1.0], (1, 1, 1, 2), 2.5, &[3.0, -1.0]);
    }

    #[test]
    fn images_and_channels_are_on_their_own() {
        let [a, b, c] = ROW;
        check(
            &[1.0, -7.0, 2.0, -7.0, 4.0, -7.0, 0.5, 4.0, 0.5, 2.0, 0.5, 1.0],
            (2, 1, 3, 2),
            1.0,
            &[a, -7.0, b, -7.0, c, -7.0, 0.5, c, 0.5, b, 0.5, a],
        );
    }

    /// Bit for bit: the same operations in the same order.
    #[test]
    fn the_device_agrees_with_the_host() {
        for shape in [[2, 11, 7, 3], [1, 2, 1, 1], [1, 3, 30, 2]] {
            let x = pictures(shape);
            for sigma in [0.0, 0.6, 2.5] {
                let kernels = WIDTHS.map(|width| gaussian(width * sigma));
                let values = |x: Tensor| x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
                let (device, host) = (on_device(&x, &kernels).unwrap(), on_host(&x, &kernels).unwrap());
                assert_eq!(values(device), values(host), "{shape:?}, {sigma}");
            }
        }
    }

    #[test]
    fn no_width_is_no_blur() {
        check(&[1.0, 2.0, 4.0], (1, 1, 3, 1), 0.0, &[1.0, 2.0, 4.0]);
    }

    #[test]
    fn widths_that_make_no_sense() {
        let x = Tensor::zeros((1, 5, 5, 3), DType::F32, &Device::Cpu).unwrap();
        for sigma in [-1.0, f64::NAN, f64::INFINITY] {
            let error = cascade_blur(&x, sigma).unwrap_err().to_string();
            assert!(error.contains("a number of pixels, at least 0, found"), "{error}");
        }
    }

    #[test]
    fn it_widens_with_the_steps() {
        let sigmas: Vec<f64> = (0..4).map(|step| cascade_sigma(step, 4, 0.5)).collect();
        assert_eq!(sigmas, [1.0, 1.5, 2.0, 2.5]);
    }
}
