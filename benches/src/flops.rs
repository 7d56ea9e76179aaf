use dreamwire_nets::vgg::{Layer, layer_names};

/// One of VGG16's convolutions on a square picture.
pub(crate) struct Convolution {
    pub(crate) layer: Layer,
    /// Height and width of its maps.
    pub(crate) size: usize,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
}

impl Convolution {
    /// Multiplications and additions of the direct 3x3 convolution, in 1e9.
    pub(crate) fn gflop(&self) -> f64 {
        gflop(self.size * self.size, self.inputs, self.outputs, 9)
    }
}

/// VGG16's convolutions up to `last`, for pictures of `size` pixels.
pub(crate) fn convolutions(size: usize, last: Layer) -> Vec<Convolution> {
    let layers =
        layer_names().iter().filter_map(|name| Layer::named(name)).take_while(|layer| *layer <= last);
    let mut inputs = 3;
    let mut convolutions = Vec::new();
    for layer in layers.filter(|layer| layer.name().starts_with("conv")) {
        // A pool that halves the map stands behind every block.
        let block = layer.name().as_bytes()[4] - b'1';
        convolutions.push(Convolution { layer, size: size >> block, inputs, outputs: layer.channels() });
        inputs = layer.channels();
    }
    convolutions
}

/// All of VGG16 up to `last`, in 1e9.
pub(crate) fn vgg_gflop(size: usize, last: Layer) -> f64 {
    convolutions(size, last).iter().map(Convolution::gflop).sum()
}

/// Of a direct convolution with `taps` weights per pair of channels at `positions` pixels, in 1e9.
pub(crate) fn gflop(positions: usize, inputs: usize, outputs: usize, taps: usize) -> f64 {
    2.0 * positions as f64 * (inputs * outputs * taps) as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The 15.35 billion multiplications that papers give for VGG16's convolutions at 224 pixels.
    #[test]
    fn vgg16_at_224() {
        let last = Layer::named("relu5_3").unwrap();
        assert_eq!(convolutions(224, last).len(), 13);
        assert!((vgg_gflop(224, last) - 2.0 * 15.3466).abs() < 1e-3, "{}", vgg_gflop(224, last));
        let first = convolutions(100, Layer::named("conv2_1").unwrap());
        let sizes: Vec<_> = first.iter().map(|c| (c.size, c.inputs, c.outputs)).collect();
        assert_eq!(sizes, [(100, 3, 64), (100, 64, 64), (50, 64, 128)]);
    }
}
