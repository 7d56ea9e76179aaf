use candle_core::{Result, Tensor, bail};
use dreamwire_kernels::is_portable;

use super::terms::image_sum;

/// Dot products that are stored at once: 16 MiB of f32.
const PRODUCTS: usize = 1 << 22;

/// Google's guided dream, `[B]`: every position of `layer`, `[B, C, h, w]`, chooses the position of `guide`,
/// `[B or 1, C, h2, w2]`, whose features have the largest dot product with its own (the first of several).
/// The value is the sum of these dot products.
///
/// The choice is held fixed, so the derivative with respect to a position's features is the chosen features,
/// as in Google's notebook. The guide gets no gradient.
///
/// # Errors
///
/// If channels differ, or the guide has neither one image nor as many as the layer.
pub fn guide(layer: &Tensor, guide: &Tensor) -> Result<Tensor> {
    let (images, channels, _, _) = layer.dims4()?;
    let (guides, guide_channels, _, _) = guide.dims4()?;
    if guide_channels != channels || (guides != 1 && guides != images) {
        bail!(
            "a guide of {:?} does not match features of {:?}; it must be [1 or {images}, {channels}, ..]",
            guide.dims(),
            layer.dims()
        )
    }
    let features = layer.flatten_from(2)?; // [B,C,n]
    let (seen, guide) = (features.detach(), guide.detach().flatten_from(2)?);
    let chosen = (0..images)
        .map(|image| choose(&seen.get(image)?, &guide.get(image.min(guides - 1))?))
        .collect::<Result<Vec<_>>>()?;
    image_sum(&(features * Tensor::stack(&chosen, 0)?)?)
}

/// For every column of `features`, `[C, n]`, the column of `guide`, `[C, m]`, with the largest dot
/// product: `[C, n]`.
fn choose(features: &Tensor, guide: &Tensor) -> Result<Tensor> {
    let (positions, guide_positions) = (features.dim(1)?, guide.dim(1)?);
    let at_once = (PRODUCTS / guide_positions.max(1)).max(1);
    let mut chosen = Vec::new();
    for start in (0..positions).step_by(at_once) {
        let some = features.narrow(1, start, at_once.min(positions - start))?;
        // CUDA multiplies whole matrices only, transposed or not.
        let some = if is_portable(some.device()) { some.contiguous()? } else { some };
        let products = some.t()?.matmul(guide)?; // [some,m]
        chosen.push(guide.index_select(&products.argmax(1)?, 1)?);
    }
    Tensor::cat(&chosen, 1)
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device, Var};

    use super::*;

    /// Three positions of two channels; guides of two and one.
    #[test]
    fn the_best_place_of_the_guide() {
        let positions = |values: &[f64], count| {
            Tensor::new(values, &Device::Cpu).unwrap().reshape((1, 2, 1, count)).unwrap()
        };
        let x = Var::from_tensor(&positions(&[1.0, 0.0, -1.0, /**/ 0.0, 1.0, -2.0], 3)).unwrap();
        let target = positions(&[2.0, -1.0, /**/ 0.5, 1.0], 2);
        let value = guide(&x, &target).unwrap();
        // (1, 0) chooses (2, 0.5); (0, 1) and (-1, -2) choose (-1, 1).
        assert_eq!(value.to_vec1::<f64>().unwrap(), [2.0 + 1.0 - 1.0]);
        let gradients = value.backward().unwrap();
        let gradient = gradients.get(&x).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
        assert_eq!(gradient, [2.0, -1.0, -1.0, 0.5, 1.0, 1.0]);
        let single = target.narrow(3, 1, 1).unwrap();
        assert_eq!(guide(&x, &single).unwrap().to_vec1::<f64>().unwrap(), [-1.0 + 1.0 - 1.0]);
    }

    /// 4096 x 4096 dot products are more than are stored at once.
    #[test]
    fn large_pictures_are_done_in_parts() {
        let turn = Tensor::arange(0f64, 4096.0, &Device::Cpu).unwrap();
        let turn = (turn * (std::f64::consts::TAU / 4096.0)).unwrap();
        // Unit vectors all around a circle: each is its own best match.
        let circle = Tensor::stack(&[turn.cos().unwrap(), turn.sin().unwrap()], 0).unwrap();
        let chosen = choose(&circle, &circle).unwrap();
        assert_eq!(chosen.to_vec2::<f64>().unwrap(), circle.to_vec2::<f64>().unwrap());
    }

    #[test]
    fn guides_that_do_not_fit() {
        let layer = Tensor::zeros((3, 4, 2, 2), DType::F64, &Device::Cpu).unwrap();
        for shape in [[1, 5, 2, 2], [2, 4, 2, 2]] {
            let other = Tensor::zeros(&shape, DType::F64, &Device::Cpu).unwrap();
            let error = guide(&layer, &other).unwrap_err().to_string();
            let expected = format!(
                "a guide of {shape:?} does not match features of [3, 4, 2, 2]; it must be [1 or 3, 4, ..]"
            );
            assert!(error.contains(&expected), "{error}");
        }
    }
}
