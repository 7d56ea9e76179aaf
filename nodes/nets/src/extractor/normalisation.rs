use candle_core::{Device, Result, Tensor, bail};
use dreamwire_kernels::channels_first;

/// The input normalisation of a network: `(x - mean) / std` of red, green and blue in 0..1, as RGB or BGR.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Normalisation {
    /// Subtracted from red, green and blue.
    pub mean: [f32; 3],
    /// Divisors of red, green and blue, after the subtraction.
    pub std: [f32; 3],
    /// Whether the network takes BGR.
    pub bgr: bool,
}

impl Normalisation {
    /// ImageNet's means and standard deviations, as in torchvision.
    pub const IMAGENET: Self = Self { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], bgr: false };

    /// To -1..1, for torchvision's pretrained GoogLeNet: its `transform_input` turns ImageNet's normalisation
    /// into this one.
    pub const HALF: Self = Self { mean: [0.5; 3], std: [0.5; 3], bgr: false };

    /// BGR minus the mean that Google's DeepDream notebook uses for Caffe, (104, 116, 122) of 255, in units
    /// of 58 of 255: about ImageNet's standard deviation, where Caffe's own networks have 1 of 255.
    pub const CAFFE: Self =
        Self { mean: [122.0 / 255.0, 116.0 / 255.0, 104.0 / 255.0], std: [58.0 / 255.0; 3], bgr: true };

    /// RGB in 0..1, unchanged.
    pub const NONE: Self = Self { mean: [0.0; 3], std: [1.0; 3], bgr: false };

    /// `[B, H, W, 3]` in 0..1 to `[B, 3, H, W]` for `network`.
    pub(super) fn apply(&self, image: &Tensor, network: &str) -> Result<Tensor> {
        let (_, _, _, channels) = image.dims4()?;
        if channels != 3 {
            bail!("{network} needs pictures with 3 channels, found {channels}")
        }
        let constant = |values: &[f32; 3]| {
            Tensor::from_slice(values, (1, 3, 1, 1), &Device::Cpu)?
                .to_device(image.device())?
                .to_dtype(image.dtype())
        };
        let planes = channels_first(image)?;
        let planes = planes.broadcast_sub(&constant(&self.mean)?)?.broadcast_div(&constant(&self.std)?)?;
        if self.bgr {
            let reversed = Tensor::new(&[2u32, 1, 0], image.device())?;
            planes.index_select(&reversed, 1)
        } else {
            Ok(planes)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(normalisation: Normalisation, expected: [f32; 3]) {
        let image = Tensor::new(&[[[[0.0f32, 0.5, 1.0]]]], &Device::Cpu).unwrap();
        let found = normalisation.apply(&image, "net").unwrap();
        assert_eq!(found.dims(), [1, 3, 1, 1]);
        let found = found.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{normalisation:?}: {found} for {expected}");
        }
    }

    #[test]
    fn known_inputs() {
        check(Normalisation::IMAGENET, [-0.485 / 0.229, 0.044 / 0.224, 0.594 / 0.225]);
        check(Normalisation::HALF, [-1.0, 0.0, 1.0]);
        check(Normalisation::CAFFE, [(255.0 - 104.0) / 58.0, (127.5 - 116.0) / 58.0, -122.0 / 58.0]);
        check(Normalisation::NONE, [0.0, 0.5, 1.0]);
    }

    #[test]
    fn other_channels_are_refused() {
        let grey = Tensor::new(&[[[[0.5f32]]]], &Device::Cpu).unwrap();
        let error = Normalisation::NONE.apply(&grey, "net").unwrap_err().to_string();
        assert!(error.contains("net needs pictures with 3 channels, found 1"), "{error}");
    }
}
