use candle_core::{Result, Tensor};

use super::terms::{difference, image_mean, image_sum};

/// Squared total variation of pictures, `[B]`: the mean over pixels and channels of `dx^2 + dy^2`, the
/// differences of a pixel from its right and its lower neighbour (0 at the edge). Pictures are `[B, H, W,
/// C]`.
///
/// After Mahendran & Vedaldi, arXiv:1412.0035, with beta 2, and the regulariser of Johnson et al.,
/// arXiv:1603.08155. It is a mean, so that a weight means the same for every size.
///
/// # Errors
///
/// If `image` has another rank.
pub fn total_variation(image: &Tensor) -> Result<Tensor> {
    let (_, h, w, c) = image.dims4()?;
    let sum = (squared_steps(image, 1, h)? + squared_steps(image, 2, w)?)?;
    sum / (h * w * c) as f64
}

/// The sum of squared differences of neighbours along a dimension of `size`, `[B]`.
fn squared_steps(image: &Tensor, dimension: usize, size: usize) -> Result<Tensor> {
    if size < 2 {
        return Tensor::zeros(image.dim(0)?, image.dtype(), image.device());
    }
    let (near, far) = (image.narrow(dimension, 0, size - 1)?, image.narrow(dimension, 1, size - 1)?);
    image_sum(&(far - near)?.sqr()?)
}

/// Mean squared distance of pictures `[B, H, W, C]` from `target`, `[B or 1, H, W, C]`, over pixels and
/// channels, `[B]`. Keeps a dream near its initial photograph.
///
/// # Errors
///
/// If `image` has another rank, or the target another shape.
pub fn anchor_distance(image: &Tensor, target: &Tensor) -> Result<Tensor> {
    image.dims4()?;
    image_mean(&difference(image, target)?.sqr()?)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn picture(values: &[f64], height: usize, width: usize) -> Tensor {
        Tensor::new(values, &Device::Cpu).unwrap().reshape((1, height, width, 1)).unwrap()
    }

    #[track_caller]
    fn check(found: &Tensor, expected: f64) {
        assert_eq!(found.to_vec1::<f64>().unwrap(), [expected]);
    }

    #[test]
    fn neighbours() {
        let square = picture(&[1.0, 3.0, 0.0, 5.0], 2, 2);
        check(&total_variation(&square).unwrap(), (4.0 + 25.0 + 1.0 + 4.0) / 4.0);
        check(&total_variation(&picture(&[1.0, 3.0, 2.0, 2.0], 1, 4)).unwrap(), (4.0 + 1.0) / 4.0);
        check(&total_variation(&picture(&[1.0, 3.0], 2, 1)).unwrap(), 4.0 / 2.0);
        check(&total_variation(&picture(&[7.0], 1, 1)).unwrap(), 0.0);
    }

    #[test]
    fn anchors() {
        let (image, target) = (picture(&[1.0, 3.0], 1, 2), picture(&[0.0, 5.0], 1, 2));
        check(&anchor_distance(&image, &target).unwrap(), 2.5);
        let error = anchor_distance(&image, &picture(&[1.0], 1, 1)).unwrap_err().to_string();
        assert!(
            error.contains("a target must have shape [1, 1, 2, 1], or one image of it, found [1, 1, 1, 1]"),
            "{error}"
        );
    }
}
