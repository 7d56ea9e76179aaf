use candle_core::{DType, Device, Result, Tensor};
use dreamwire_kernels::is_portable;

use super::matrix::{Matrix, apply_matrices};
use super::resize_linear;

/// A picture of another size whose pixels are the means of the areas that they cover, so that nothing is skipped when
/// it gets smaller; a side that does not is resampled by [`resize_linear`].
///
/// For a whole factor this is the mean of blocks, PyTorch's `interpolate(mode="area")`; otherwise pixels at the edge of
/// an area count in part. `image` is `[B, H, W, C]`; the result is f32 and has no gradient.
///
/// # Errors
///
/// If `image` has another rank.
pub fn resize_area(image: &Tensor, height: usize, width: usize) -> Result<Tensor> {
    let (_, old_height, old_width, _) = image.dims4()?;
    let (height_between, width_between) = (height.min(old_height), width.min(old_width));
    let averaged = if is_portable(image.device()) { on_device } else { on_host };
    let image = averaged(&image.detach(), height_between, width_between)?;
    resize_linear(&image, height, width)
}

/// The means of areas on a device, for sizes of at most the old ones.
fn on_device(image: &Tensor, height: usize, width: usize) -> Result<Tensor> {
    let (_, old_height, old_width, _) = image.dims4()?;
    let matrix = |old: usize, size: usize| {
        let length = old as f64 / size as f64;
        let taps = (0..size).flat_map(|index| (0..old).map(move |entry| (index, entry)));
        let share = |(index, entry): (usize, usize)| (index, entry, covered(index, entry, length) / length);
        (old != size).then(|| Matrix::new(old, size, taps.map(share)))
    };
    apply_matrices(image, [matrix(old_height, height), matrix(old_width, width)])
}

/// How much of an old `entry` is in the area `index` of that `length`.
fn covered(index: usize, entry: usize, length: f64) -> f64 {
    let (start, end) = (index as f64 * length, (index + 1) as f64 * length);
    (end.min((entry + 1) as f64) - start.max(entry as f64)).max(0.0)
}

/// For sizes of at most the old ones.
fn on_host(image: &Tensor, height: usize, width: usize) -> Result<Tensor> {
    let (batch, old_height, old_width, channels) = image.dims4()?;
    let source = image.to_device(&Device::Cpu)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
    // Along rows first, then along columns.
    let rows = along(&source, [batch, old_height, old_width * channels], height);
    let pixels = along(&rows, [batch * height, old_width, channels], width);
    Tensor::from_vec(pixels, (batch, height, width, channels), image.device())
}

/// The middle axis of `shape`, averaged to `size` entries.
fn along(source: &[f32], [outer, old, inner]: [usize; 3], size: usize) -> Vec<f32> {
    if old == size {
        return source.to_vec();
    }
    let length = old as f64 / size as f64;
    let mut made = Vec::with_capacity(outer * size * inner);
    for block in source.chunks_exact((old * inner).max(1)) {
        for index in 0..size {
            let end = (index + 1) as f64 * length;
            let mut sums = vec![0.0; inner];
            for (entry, values) in block.chunks_exact(inner).enumerate().take(end.ceil() as usize) {
                let covered = covered(index, entry, length);
                sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += covered * f64::from(*value));
            }
            made.extend(sums.into_iter().map(|sum| (sum / length) as f32));
        }
    }
    made
}

#[cfg(test)]
mod tests {
    use super::super::matrix::tests::{assert_close, pictures};
    use super::*;

    #[track_caller]
    fn check(input: &[f32], (h, w): (usize, usize), size: (usize, usize), expected: &[f32]) {
        let x = Tensor::from_slice(input, (1, h, w, 1), &Device::Cpu).unwrap();
        let y = resize_area(&x, size.0, size.1).unwrap();
        assert_eq!(y.dims(), [1, size.0, size.1, 1]);
        let found = y.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?}");
    }

    #[test]
    fn pixels_are_the_means_of_areas() {
        check(&[0.0, 4.0, 2.0, 6.0], (2, 2), (1, 1), &[3.0]);
        check(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], (1, 6), (1, 2), &[2.0, 5.0]);
        check(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], (6, 1), (3, 1), &[1.5, 3.5, 5.5]);
        // An area is one and a half pixels.
        check(&[3.0, 6.0, 12.0], (1, 3), (1, 2), &[4.0, 10.0]);
    }

    #[test]
    fn a_side_that_grows_is_interpolated() {
        check(&[0.0, 4.0], (1, 2), (1, 4), &[0.0, 1.0, 3.0, 4.0]);
        check(&[0.0, 2.0, 4.0, 6.0], (2, 2), (1, 4), &[2.0, 2.5, 3.5, 4.0]);
        check(&[7.0], (1, 1), (1, 1), &[7.0]);
    }

    /// Weights and sums are rounded to f32 once per axis.
    #[test]
    fn the_device_agrees_with_the_host() {
        let image = pictures([2, 12, 9, 3]);
        for (height, width) in [(12, 9), (6, 3), (5, 9), (12, 4), (1, 1), (11, 8)] {
            let found = on_device(&image, height, width).unwrap();
            assert_close(&found, &on_host(&image, height, width).unwrap(), 1e-6);
        }
    }

    #[test]
    fn images_and_channels_are_on_their_own() {
        let values: Vec<f32> = vec![0.0, 10.0, 4.0, 30.0, 1.0, 5.0, 1.0, 9.0];
        let x = Tensor::from_vec(values, (2, 1, 2, 2), &Device::Cpu).unwrap();
        let y = resize_area(&x, 1, 1).unwrap();
        assert_eq!(y.flatten_all().unwrap().to_vec1::<f32>().unwrap(), [2.0, 20.0, 1.0, 7.0]);
    }
}
