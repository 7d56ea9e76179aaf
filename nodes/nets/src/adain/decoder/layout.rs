/// The structure of a decoder, and its encoder.
#[derive(Debug)]
pub(super) struct Layout {
    /// For errors.
    pub(super) network: &'static str,
    /// The encoder's layer, by VGG's names.
    pub(super) layer: &'static str,
    /// The extractor's name.
    pub(super) encoder: &'static str,
    pub(super) convolutions: &'static [Convolution],
}

/// One 3x3 convolution.
#[derive(Debug)]
pub(super) struct Convolution {
    /// Its number in the names of its tensors.
    pub(super) index: usize,
    inputs: usize,
    outputs: usize,
    /// Whether its input is upsampled by 2.
    pub(super) enlarged: bool,
}

pub(super) static LAYOUTS: [Layout; 3] = [
    Layout {
        network: "the AdaIN decoder of relu3_1",
        layer: "relu3_1",
        encoder: "vgg16",
        convolutions: &[
            same(0, 256, 128),
            enlarged(1, 128, 128),
            same(2, 128, 64),
            enlarged(3, 64, 64),
            same(4, 64, 3),
        ],
    },
    Layout {
        network: "the AdaIN decoder of VGG16's relu4_1",
        layer: "relu4_1",
        encoder: "vgg16",
        convolutions: &[
            same(0, 512, 256),
            enlarged(1, 256, 256),
            same(2, 256, 256),
            same(3, 256, 256),
            same(4, 256, 128),
            enlarged(5, 128, 128),
            same(6, 128, 64),
            enlarged(7, 64, 64),
            same(8, 64, 3),
        ],
    },
    // pytorch-AdaIN: positions in a chain that counts paddings, ReLUs and upsampling too.
    Layout {
        network: "the AdaIN decoder of relu4_1",
        layer: "relu4_1",
        encoder: "vgg_normalised",
        convolutions: &[
            same(1, 512, 256),
            enlarged(5, 256, 256),
            same(8, 256, 256),
            same(11, 256, 256),
            same(14, 256, 128),
            enlarged(18, 128, 128),
            same(21, 128, 64),
            enlarged(25, 64, 64),
            same(28, 64, 3),
        ],
    },
];

const fn same(index: usize, inputs: usize, outputs: usize) -> Convolution {
    Convolution { index, inputs, outputs, enlarged: false }
}

const fn enlarged(index: usize, inputs: usize, outputs: usize) -> Convolution {
    Convolution { index, inputs, outputs, enlarged: true }
}

impl Layout {
    /// Names and shapes of its tensors: a weight and a bias for each convolution in turn.
    pub(super) fn parameter_shapes(&self) -> Vec<(String, Vec<usize>)> {
        let pair = |Convolution { index, inputs, outputs, .. }: &Convolution| {
            let weight = (format!("{index}.weight"), vec![*outputs, *inputs, 3, 3]);
            [weight, (format!("{index}.bias"), vec![*outputs])]
        };
        self.convolutions.iter().flat_map(pair).collect()
    }

    /// Channels of the layer.
    pub(super) fn channels(&self) -> usize {
        self.convolutions.first().map_or(0, |first| first.inputs)
    }

    /// Pixels per feature.
    pub(super) fn scale(&self) -> usize {
        1 << self.convolutions.iter().filter(|convolution| convolution.enlarged).count()
    }
}
