use candle_core::{Result, Tensor};

use super::resample::{Axis, resample};

/// Bilinear resampling with aligned outer edges: output pixel `i` reads the input at
/// `(i + 1/2) in / out - 1/2`, or the edge pixel where that is outside.
///
/// This is OpenCV's `resize(INTER_LINEAR)`, which gordicaleksa's pytorch-deepdream uses between the levels of
/// its pyramid. There is no low-pass filter for downsampling. `image` is `[B, H, W, C]`; the result is f32
/// and has no gradient.
///
/// # Errors
///
/// If `image` has another rank.
pub fn resize_linear(image: &Tensor, height: usize, width: usize) -> Result<Tensor> {
    let (_, h, w, _) = image.dims4()?;
    if (h, w) == (height, width) {
        return Ok(image.detach());
    }
    resample(image, &Axis::edges(h, height), &Axis::edges(w, width))
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    fn check(input: &[f32], h: usize, w: usize, size: (usize, usize), expected: &[f32]) {
        let x = Tensor::from_slice(input, (1, h, w, 1), &Device::Cpu).unwrap();
        let y = resize_linear(&x, size.0, size.1).unwrap();
        assert_eq!(y.dims(), [1, size.0, size.1, 1]);
        assert_eq!(y.flatten_all().unwrap().to_vec1::<f32>().unwrap(), expected);
    }

    #[test]
    fn edges_stay_in_place() {
        check(&[0.0, 4.0], 1, 2, (1, 4), &[0.0, 1.0, 3.0, 4.0]);
        check(&[0.0, 1.0, 2.0, 3.0], 1, 4, (1, 2), &[0.5, 2.5]);
        check(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0], 1, 6, (1, 2), &[1.0, 4.0]);
        check(&[0.0, 2.0, 4.0, 6.0], 2, 2, (1, 1), &[3.0]);
        check(&[7.0], 1, 1, (2, 3), &[7.0; 6]);
    }

    #[test]
    fn images_and_channels_are_on_their_own() {
        let values: Vec<f32> = vec![0.0, 10.0, 4.0, 30.0, 1.0, 5.0, 1.0, 9.0];
        let x = Tensor::from_vec(values, (2, 1, 2, 2), &Device::Cpu).unwrap();
        let y = resize_linear(&x, 1, 1).unwrap();
        assert_eq!(y.flatten_all().unwrap().to_vec1::<f32>().unwrap(), [2.0, 20.0, 1.0, 7.0]);
    }
}
