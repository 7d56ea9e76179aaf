use candle_core::{Result, Tensor};

use super::resample::{Axis, resample};

/// Bilinear resampling with aligned corners: output pixel `i` reads the input at
/// `i (in - 1) / (out - 1)`, so that the corner pixels of both pictures coincide.
///
/// This is SciPy's `ndimage.zoom(order=1)`, with which Google's notebook makes octaves and upsamples details;
/// there is no low-pass filter for downsampling. `image` is `[B, H, W, C]`; the result is f32 and has no
/// gradient.
///
/// One difference from SciPy: where rounding puts the last position slightly outside the input, as in `90 *
/// (127 / 90)` from 128 pixels to 91, SciPy's last row or column is zero. Here it is the edge pixel.
///
/// # Errors
///
/// If `image` has another rank.
pub fn zoom(image: &Tensor, height: usize, width: usize) -> Result<Tensor> {
    let (_, h, w, _) = image.dims4()?;
    if (h, w) == (height, width) {
        return Ok(image.detach());
    }
    resample(image, &Axis::corners(h, height), &Axis::corners(w, width))
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    fn check(input: &[f32], h: usize, w: usize, size: (usize, usize), expected: &[f32]) {
        let x = Tensor::from_slice(input, (1, h, w, 1), &Device::Cpu).unwrap();
        let y = zoom(&x, size.0, size.1).unwrap();
        assert_eq!(y.dims(), [1, size.0, size.1, 1]);
        assert_eq!(y.flatten_all().unwrap().to_vec1::<f32>().unwrap(), expected);
    }

    #[test]
    fn corners_stay_in_place() {
        check(&[0.0, 2.0], 1, 2, (1, 5), &[0.0, 0.5, 1.0, 1.5, 2.0]);
        check(&[0.0, 1.0, 2.0, 3.0, 4.0], 1, 5, (1, 3), &[0.0, 2.0, 4.0]);
        check(&[0.0, 1.0, 2.0, 3.0], 2, 2, (3, 3), &[0.0, 0.5, 1.0, 1.0, 1.5, 2.0, 2.0, 2.5, 3.0]);
        check(&[5.0, 6.0], 1, 2, (2, 1), &[5.0, 5.0]);
    }

    #[test]
    fn the_last_column_is_never_lost() {
        let row: Vec<f32> = (0..128).map(|x| x as f32).collect();
        let x = Tensor::from_vec(row, (1, 1, 128, 1), &Device::Cpu).unwrap();
        let last = zoom(&x, 1, 91).unwrap().narrow(2, 90, 1).unwrap();
        assert_eq!(last.flatten_all().unwrap().to_vec1::<f32>().unwrap(), [127.0]);
    }
}
