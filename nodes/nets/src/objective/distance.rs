use candle_core::{Result, Tensor};

use super::terms::{check_count, difference, image_mean, image_sum, magnitude, weighted_sum};

/// How the differences at all channels and positions of a layer are reduced to one number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reduction {
    /// Their mean: a weight means the same for every layer and every size of picture.
    #[default]
    Mean,
    /// Their sum: a layer counts in proportion to its size.
    Sum,
}

impl Reduction {
    fn of(self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Mean => image_mean(x),
            Self::Sum => image_sum(x),
        }
    }
}

/// The perceptual loss of Chen & Koltun (arXiv:1707.09405):
/// `sum_l weights[l] * |layers[l] - targets[l]|_1`, `[B]`, with the mean or the sum over the channels
/// and positions of each layer `[B, C, h, w]`.
///
/// Targets, `[B or 1, C, h, w]`, are the same layers of the target picture. Where both are equal, the
/// derivative is 0.
///
/// # Errors
///
/// If there is no layer, not one weight and one target per layer, or a target has another shape.
pub fn l1_distance(
    layers: &[Tensor],
    targets: &[Tensor],
    weights: &[f64],
    reduction: Reduction,
) -> Result<Tensor> {
    distance(layers, targets, weights, |difference| reduction.of(&magnitude(difference)?))
}

/// The content loss `sum_l weights[l] * |layers[l] - targets[l]|_2^2`, `[B]`, with the mean or the sum
/// over the channels and positions of each layer `[B, C, h, w]`. Gatys et al. (arXiv:1508.06576,
/// equation 1) have half of the sum; Johnson et al. (arXiv:1603.08155, equation 2) and AdaIN have the
/// mean.
///
/// Targets, `[B or 1, C, h, w]`, are the same layers of the target picture.
///
/// # Errors
///
/// If there is no layer, not one weight and one target per layer, or a target has another shape.
pub fn l2_distance(
    layers: &[Tensor],
    targets: &[Tensor],
    weights: &[f64],
    reduction: Reduction,
) -> Result<Tensor> {
    distance(layers, targets, weights, |difference| reduction.of(&difference.sqr()?))
}

fn distance(
    layers: &[Tensor],
    targets: &[Tensor],
    weights: &[f64],
    measure: impl Fn(&Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    check_count(layers.len(), "targets", targets.len())?;
    check_count(layers.len(), "weights", weights.len())?;
    let terms = layers.iter().zip(targets).map(|(layer, target)| measure(&difference(layer, target)?));
    weighted_sum(terms, weights)
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device, Var};

    use super::*;

    fn features(values: &[f64], shape: [usize; 4]) -> Tensor {
        Tensor::new(values, &Device::Cpu).unwrap().reshape(&shape).unwrap()
    }

    #[test]
    fn values() {
        let layers = [features(&[1.0, 2.0, 3.0, -5.0], [2, 1, 1, 2]), features(&[1.0, -1.0], [2, 1, 1, 1])];
        let targets = [features(&[0.0, 4.0], [1, 1, 1, 2]), features(&[1.0, 2.0], [2, 1, 1, 1])];
        let check = |found: Result<Tensor>, expected: [f64; 2]| {
            assert_eq!(found.unwrap().to_vec1::<f64>().unwrap(), expected);
        };
        let l1 = |reduction| l1_distance(&layers, &targets, &[1.0, 0.5], reduction);
        let l2 = |reduction| l2_distance(&layers, &targets, &[1.0, 0.5], reduction);
        check(l1(Reduction::Mean), [1.5, 6.0 + 1.5]);
        check(l1(Reduction::Sum), [3.0, 12.0 + 1.5]);
        check(l2(Reduction::Mean), [2.5, 45.0 + 4.5]);
        check(l2(Reduction::Sum), [5.0, 90.0 + 4.5]);
    }

    #[test]
    fn nothing_pulls_where_both_agree() {
        let x = Var::from_tensor(&features(&[1.0, 2.0], [1, 1, 1, 2])).unwrap();
        let target = features(&[1.0, 0.0], [1, 1, 1, 2]);
        let loss = l1_distance(&[x.as_tensor().clone()], &[target], &[1.0], Reduction::Sum).unwrap();
        let gradients = loss.backward().unwrap();
        let gradient = gradients.get(&x).unwrap().flatten_all().unwrap();
        assert_eq!(gradient.to_vec1::<f64>().unwrap(), [0.0, 1.0]);
    }

    /// A million differences of a tenth: added up one by one in f32 they would be 1 % more.
    #[test]
    fn long_sums_keep_their_digits() {
        let x = Tensor::full(0.1f32, (1, 64, 128, 128), &Device::Cpu).unwrap();
        let target = Tensor::zeros((1, 64, 128, 128), DType::F32, &Device::Cpu).unwrap();
        let sum = l1_distance(&[x], &[target], &[1.0], Reduction::Sum).unwrap().to_vec1::<f32>().unwrap();
        assert!((sum[0] / 104_857.6 - 1.0).abs() < 1e-5, "{sum:?}");
    }

    #[test]
    fn mistakes() {
        let layer = features(&[0.0; 12], [2, 3, 1, 2]);
        let check = |targets: &[[usize; 4]], weights: &[f64], expected: &str| {
            let targets: Vec<Tensor> =
                targets.iter().map(|shape| Tensor::zeros(shape, DType::F64, &Device::Cpu).unwrap()).collect();
            let error = l2_distance(std::slice::from_ref(&layer), &targets, weights, Reduction::Mean);
            let error = error.unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(&[], &[1.0], "expected 1 targets, one per layer, found 0");
        check(&[[1, 3, 1, 2]], &[], "expected 1 weights, one per layer, found 0");
        check(
            &[[1, 3, 2, 2]],
            &[1.0],
            "a target must have shape [2, 3, 1, 2], or one image of it, found [1, 3, 2, 2]",
        );
        check(
            &[[3, 3, 1, 2]],
            &[1.0],
            "a target must have shape [2, 3, 1, 2], or one image of it, found [3, 3, 1, 2]",
        );
        let none = l1_distance(&[], &[], &[], Reduction::Mean).unwrap_err().to_string();
        assert!(none.contains("at least one layer is needed, found none"), "{none}");
    }
}
