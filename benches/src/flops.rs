use dreamwire_nets::vgg::{Variant, layer_names, parameter_shapes};

/// One of VGG16's convolutions on a square picture.
pub(crate) struct Convolution {
    pub(crate) layer: String,
    /// Height and width of its maps.
    pub(crate) size: usize,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
}

impl Convolution {
    /// FLOP of the direct 3x3 convolution, in 1e9.
    pub(crate) fn gflop(&self) -> f64 {
        gflop(self.size * self.size, self.inputs, self.outputs, 9)
    }
}

/// VGG16's convolutions up to the layer `last`, for pictures of `size` pixels.
pub(crate) fn convolutions(size: usize, last: &str) -> Vec<Convolution> {
    let mut shapes = parameter_shapes(Variant::Vgg16).into_iter().filter(|(_, shape)| shape.len() == 4);
    let mut size = size;
    let mut convolutions = Vec::new();
    for layer in layer_names(Variant::Vgg16) {
        let is_last = layer == last;
        if layer.starts_with("pool") {
            size /= 2;
        } else if layer.starts_with("conv")
            && let Some((_, shape)) = shapes.next()
        {
            convolutions.push(Convolution { layer, size, inputs: shape[1], outputs: shape[0] });
        }
        if is_last {
            break;
        }
    }
    convolutions
}

/// All of VGG16 up to the layer `last`, in 1e9.
pub(crate) fn vgg_gflop(size: usize, last: &str) -> f64 {
    convolutions(size, last).iter().map(Convolution::gflop).sum()
}

/// FLOP of a direct convolution with `taps` weights per pair of channels at `positions` pixels, in 1e9.
pub(crate) fn gflop(positions: usize, inputs: usize, outputs: usize, taps: usize) -> f64 {
    2.0 * positions as f64 * (inputs * outputs * taps) as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The 15.35 billion multiplications that papers state for VGG16's convolutions at 224 pixels.
    #[test]
    fn vgg16_at_224() {
        assert_eq!(convolutions(224, "relu5_3").len(), 13);
        let found = vgg_gflop(224, "relu5_3");
        assert!((found - 2.0 * 15.3466).abs() < 1e-3, "{found}");
        let first = convolutions(100, "conv2_1");
        let sizes: Vec<_> = first.iter().map(|c| (c.layer.as_str(), c.size, c.inputs, c.outputs)).collect();
        assert_eq!(sizes, [("conv1_1", 100, 3, 64), ("conv1_2", 100, 64, 64), ("conv2_1", 50, 64, 128)]);
    }
}
