use candle_core::{Result, Tensor, bail};

use super::terms::{check_count, difference, image_mean, weighted_sum};

/// Added to the squared length of a position's features, so that positions without any have a gradient, of 0.
const EPSILON: f64 = 1e-20;

/// Features `[B, C, ..]` with those of each position scaled to length 1; where all of them are 0 they stay so.
///
/// # Errors
///
/// If `layer` has no channels.
pub fn unit_length(layer: &Tensor) -> Result<Tensor> {
    let length = (layer.sqr()?.sum_keepdim(1)? + EPSILON)?.sqrt()?;
    layer.broadcast_div(&length)
}

/// `sum_l weights[l] * mean |unit(layers[l]) - targets[l]|^2`, `[B]`: the squared distance of the features of a position
/// after [`unit_length`], the mean over the positions of each layer `[B, C, h, w]`.
///
/// Targets, `[B or 1, C, h, w]`, are already scaled: [`unit_length`] of the layers of the target picture.
///
/// LPIPS (Zhang et al., arXiv:1801.03924, equation 1) has in addition a learned weight for each channel; without them it
/// is the paper's baseline.
///
/// # Errors
///
/// If there is no layer, not one weight and one target per layer, or a target has another shape.
pub fn unit_distance(layers: &[Tensor], targets: &[Tensor], weights: &[f64]) -> Result<Tensor> {
    check_count(layers.len(), "targets", targets.len())?;
    check_count(layers.len(), "weights", weights.len())?;
    let terms = layers.iter().zip(targets).map(|(layer, target)| {
        if layer.rank() < 2 {
            bail!("a layer must be [B, C, ..], found {:?}", layer.dims())
        }
        let squares = difference(&unit_length(layer)?, target)?.sqr()?;
        // The sum over channels, the mean over positions.
        image_mean(&squares)? * layer.dim(1)? as f64
    });
    weighted_sum(terms, weights)
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device, Var};

    use super::*;

    fn features(values: &[f64], shape: [usize; 4]) -> Tensor {
        Tensor::new(values, &Device::Cpu).unwrap().reshape(&shape).unwrap()
    }

    /// Two channels at two positions: (3, 4) and (0, 2) against (1, 0) and (0, 1).
    #[test]
    fn positions_have_length_one() {
        let layer = features(&[3.0, 0.0, 4.0, 2.0], [1, 2, 1, 2]);
        let target = unit_length(&features(&[5.0, 0.0, 0.0, 7.0], [1, 2, 1, 2])).unwrap();
        let unit = unit_length(&layer).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
        let expected = [0.6, 0.0, 0.8, 1.0];
        assert!(
            unit.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-12),
            "{unit:?}"
        );
        // (0.16 + 0.64) / 2 positions, twice.
        let two = [layer.clone(), layer];
        let found = unit_distance(&two, &[target.clone(), target], &[1.0, 0.5]).unwrap();
        assert!((found.to_vec1::<f64>().unwrap()[0] - 0.6).abs() < 1e-12);
    }

    /// Positions without features are as far from any target as possible, and have no gradient.
    #[test]
    fn nothing_stays_nothing() {
        let layer = features(&[0.0, 1.0, 0.0, 0.0], [1, 2, 1, 2]).to_dtype(DType::F32).unwrap();
        let layer = Var::from_tensor(&layer).unwrap();
        let target = features(&[1.0, 0.0, 0.0, 1.0], [1, 2, 1, 2]).to_dtype(DType::F32).unwrap();
        let distance = unit_distance(&[layer.as_tensor().clone()], &[target], &[1.0]).unwrap();
        assert_eq!(distance.to_vec1::<f32>().unwrap(), [(1.0 + 2.0) / 2.0]);
        let gradients = distance.sum_all().unwrap().backward().unwrap();
        let gradient = gradients.get(&layer).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert!(gradient.iter().all(|value| value.is_finite()), "{gradient:?}");
        // (1, 0) is turned towards (0, 1): only across.
        assert!(gradient[1].abs() < 1e-6 && gradient[3] < -0.5, "{gradient:?}");
    }
}
