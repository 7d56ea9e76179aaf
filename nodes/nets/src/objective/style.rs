use candle_core::{Result, Tensor};

use super::terms::{check_count, difference, image_mean, weighted_sum};
use crate::adain::channel_statistics;

/// The Gram matrix of channels, `G = F F^T / (C h w)`, `[B, C, C]`, where `F` is the layer `[B, C, h, w]` as
/// a matrix `[C, h w]`.
///
/// Divided as by Johnson et al. (arXiv:1603.08155, equation 3), so that pictures of any size can be
/// compared. Gatys et al. (arXiv:1508.06576) do not divide it.
///
/// # Errors
///
/// If `layer` has another rank.
pub fn gram(layer: &Tensor) -> Result<Tensor> {
    let (b, c, h, w) = layer.dims4()?;
    let features = layer.reshape((b, c, h * w))?;
    features.matmul(&features.t()?)? / (c * h * w) as f64
}

/// The style loss `sum_l weights[l] * mean (gram(layers[l]) - target_grams[l])^2`, `[B]`, with the mean over
/// the `C^2` elements of a [`gram`] matrix.
///
/// Target grams, `[B or 1, C, C]`, are those of the picture with the style; its size does not matter.
/// Per layer, this is Johnson et al.'s loss (arXiv:1603.08155, equation 4) divided by `C^2`, and, for
/// pictures of one size, Gatys et al.'s (arXiv:1508.06576, equation 4) times `4 / C^2`.
///
/// # Errors
///
/// If there is no layer, not one weight and one target per layer, or a target has another shape.
pub fn gram_distance(layers: &[Tensor], target_grams: &[Tensor], weights: &[f64]) -> Result<Tensor> {
    check_count(layers.len(), "target grams", target_grams.len())?;
    check_count(layers.len(), "weights", weights.len())?;
    let terms = layers
        .iter()
        .zip(target_grams)
        .map(|(layer, target)| image_mean(&difference(&gram(layer)?, target)?.sqr()?));
    weighted_sum(terms, weights)
}

/// AdaIN's style loss (Huang & Belongie, arXiv:1703.06868, equation 13, with mean squares as in
/// pytorch-AdaIN), `[B]`:
/// `sum_l weights[l] * (mean (mean_l - target mean)^2 + mean (std_l - target std)^2)`, with the mean
/// over the channels.
///
/// Targets are pairs of mean and standard deviation, `[B or 1, C, 1, 1]` each, as
/// [`channel_statistics`] gives them for the picture with the style; its size does not matter.
///
/// # Errors
///
/// If there is no layer, not one weight and one target per layer, a target has another shape, or a
/// layer has fewer than two positions.
pub fn statistics_distance(
    layers: &[Tensor],
    targets: &[(Tensor, Tensor)],
    weights: &[f64],
) -> Result<Tensor> {
    check_count(layers.len(), "targets", targets.len())?;
    check_count(layers.len(), "weights", weights.len())?;
    let terms = layers.iter().zip(targets).map(|(layer, (target_mean, target_std))| {
        let (mean, std) = channel_statistics(layer)?;
        let means = image_mean(&difference(&mean, target_mean)?.sqr()?)?;
        means + image_mean(&difference(&std, target_std)?.sqr()?)?
    });
    weighted_sum(terms, weights)
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    /// One image of two channels and two positions.
    fn layer() -> Tensor {
        Tensor::new(&[1.0f64, 3.0, -2.0, 2.0], &Device::Cpu).unwrap().reshape((1, 2, 1, 2)).unwrap()
    }

    fn zeros(shape: &[usize]) -> Tensor {
        Tensor::zeros(shape, DType::F64, &Device::Cpu).unwrap()
    }

    #[track_caller]
    fn check(found: &Tensor, expected: f64) {
        let found = found.to_vec1::<f64>().unwrap();
        assert!(found.len() == 1 && (found[0] - expected).abs() < 1e-12, "{found:?}");
    }

    #[test]
    fn grams() {
        let found = gram(&layer()).unwrap().to_vec3::<f64>().unwrap();
        assert_eq!(found, [[[2.5, 1.0], [1.0, 2.0]]]);
        let target = Tensor::new(&[[[2.5f64, 0.0], [0.0, 1.0]]], &Device::Cpu).unwrap();
        check(&gram_distance(&[layer()], &[target], &[2.0]).unwrap(), 2.0 * 3.0 / 4.0);
        // The same pattern twice is the same style.
        let twice = Tensor::cat(&[layer(), layer()], 2).unwrap();
        check(&gram_distance(&[twice], &[gram(&layer()).unwrap()], &[1.0]).unwrap(), 0.0);
    }

    #[test]
    fn statistics() {
        // Means 2 and 0, variances 2 and 8 (of 2 numbers, divided by 1), plus 1e-5.
        let (first, second) = (2.00001f64.sqrt(), 8.00001f64.sqrt());
        let target = (zeros(&[1, 2, 1, 1]), zeros(&[1, 2, 1, 1]));
        let expected = 0.5 * (2.0 + (first * first + second * second) / 2.0);
        check(&statistics_distance(&[layer()], &[target], &[0.5]).unwrap(), expected);
        let own = channel_statistics(&layer()).unwrap();
        check(&statistics_distance(&[layer()], &[own], &[0.5]).unwrap(), 0.0);
    }

    #[test]
    fn mistakes() {
        let check = |result: Result<Tensor>, expected: &str| {
            let error = result.unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(gram_distance(&[layer()], &[], &[1.0]), "expected 1 target grams, one per layer, found 0");
        check(
            gram_distance(&[layer()], &[zeros(&[1, 3, 3])], &[1.0]),
            "a target must have shape [1, 2, 2], or one image of it, found [1, 3, 3]",
        );
        let statistics = |channels| (zeros(&[1, 2, 1, 1]), zeros(&[1, channels, 1, 1]));
        check(
            statistics_distance(&[layer()], &[statistics(2)], &[1.0, 1.0]),
            "expected 1 weights, one per layer, found 2",
        );
        check(
            statistics_distance(&[layer()], &[statistics(3)], &[1.0]),
            "a target must have shape [1, 2, 1, 1], or one image of it, found [1, 3, 1, 1]",
        );
        let pixel = layer().narrow(3, 0, 1).unwrap();
        check(statistics_distance(&[pixel], &[statistics(2)], &[1.0]), "they need at least 2 positions");
    }
}
