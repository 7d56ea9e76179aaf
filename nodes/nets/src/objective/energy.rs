use candle_core::{Device, Result, Tensor, bail};

use super::terms::{check_count, image_mean, magnitude, weighted_sum};

/// How the values of a feature map are reduced to one number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Norm {
    /// `mean(a^2)`: strong activations count most. Google's DeepDream ascends its gradient, `a`, up to a
    /// factor.
    #[default]
    L2,
    /// `mean|a|`: all activations count alike.
    L1,
    /// `mean(a)`: negative activations count against positive ones, as in lucid's channel objective.
    Mean,
}

impl Norm {
    /// The terms of the mean, in the shape of `x`.
    fn of(self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::L2 => x.sqr(),
            Self::L1 => magnitude(x),
            Self::Mean => Ok(x.clone()),
        }
    }
}

/// `sum_l weights[l] * norm(layers[l])`, `[B]`: the norm is a mean over all channels and positions of a
/// layer `[B, C, h, w]`.
///
/// # Errors
///
/// If there is no layer, or not one weight per layer.
pub fn energy(layers: &[Tensor], weights: &[f64], norm: Norm) -> Result<Tensor> {
    check_count(layers.len(), "weights", weights.len())?;
    weighted_sum(layers.iter().map(|layer| image_mean(&norm.of(layer)?)), weights)
}

/// `sum_c weight_c * norm(channel c)`, `[B]`, for pairs `(c, weight_c)` of channels of one layer
/// `[B, C, h, w]`: the norm is a mean over the positions.
///
/// # Errors
///
/// If there is no pair, or the layer has no such channel.
pub fn channel_energy(layer: &Tensor, channels: &[(usize, f64)], norm: Norm) -> Result<Tensor> {
    let (_, count, h, w) = layer.dims4()?;
    if channels.is_empty() {
        bail!("at least one channel is needed, found none")
    }
    if let Some((channel, _)) = channels.iter().find(|(channel, _)| *channel >= count) {
        bail!("there is no channel {channel}; the layer has {count}, counted from 0")
    }
    let device = layer.device();
    let indices: Vec<u32> = channels.iter().map(|(channel, _)| *channel as u32).collect();
    let weights: Vec<f64> = channels.iter().map(|(_, weight)| *weight).collect();
    // Converted on the CPU: Metal has no f64.
    let weights = Tensor::new(weights, &Device::Cpu)?.to_dtype(layer.dtype())?.to_device(device)?;
    // Selected before squaring: other channels cost nothing.
    let chosen = layer.contiguous()?.index_select(&Tensor::new(indices, device)?, 1)?; // [B,K,h,w]
    let means = (norm.of(&chosen)?.sum(3)?.sum(2)? / (h * w) as f64)?; // [B,K]
    means.broadcast_mul(&weights)?.sum(1)
}

#[cfg(test)]
mod tests {
    use candle_core::DType;

    use super::*;

    /// Two images of two channels and two positions.
    fn layer() -> Tensor {
        let values = [1.0f64, -2.0, 3.0, -4.0, 0.0, 0.5, -1.0, 0.0];
        Tensor::new(&values, &Device::Cpu).unwrap().reshape((2, 2, 1, 2)).unwrap()
    }

    #[track_caller]
    fn check(found: &Tensor, expected: [f64; 2]) {
        assert_eq!(found.to_vec1::<f64>().unwrap(), expected);
    }

    #[test]
    fn layers() {
        let small = layer().narrow(3, 0, 1).unwrap();
        let value = |norm| energy(&[layer(), small.clone()], &[1.0, -2.0], norm).unwrap();
        check(&value(Norm::L2), [7.5 - 10.0, 0.3125 - 1.0]);
        check(&value(Norm::L1), [2.5 - 4.0, 0.375 - 1.0]);
        check(&value(Norm::Mean), [-0.5 - 4.0, -0.125 + 1.0]);
    }

    #[test]
    fn channels() {
        let value = |channels: &[(usize, f64)], norm| channel_energy(&layer(), channels, norm).unwrap();
        check(&value(&[(1, 1.0)], Norm::L2), [12.5, 0.5]);
        check(&value(&[(0, 2.0), (1, -1.0)], Norm::L1), [3.0 - 3.5, 0.0]);
        check(&value(&[(1, 1.0), (0, 1.0), (1, 1.0)], Norm::Mean), [-1.0 - 0.5, -1.0 + 0.25]);
        let single = layer().to_dtype(DType::F32).unwrap();
        let found = channel_energy(&single, &[(1, 2.0)], Norm::L2).unwrap();
        assert_eq!(found.to_vec1::<f32>().unwrap(), [25.0, 1.0]);
    }

    #[test]
    fn mistakes() {
        let check = |result: Result<Tensor>, expected: &str| {
            let error = result.unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(energy(&[], &[], Norm::L2), "at least one layer is needed, found none");
        check(energy(&[layer()], &[1.0, 2.0], Norm::L2), "expected 1 weights, one per layer, found 2");
        check(channel_energy(&layer(), &[], Norm::L2), "at least one channel is needed, found none");
        check(
            channel_energy(&layer(), &[(1, 1.0), (2, 1.0)], Norm::L2),
            "there is no channel 2; the layer has 2, counted from 0",
        );
    }
}
