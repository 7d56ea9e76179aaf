/// Channels of the five blocks.
const CHANNELS: [usize; 5] = [64, 128, 256, 512, 512];

/// The supported networks of this family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// Configuration D: 13 convolutions.
    Vgg16,
    /// Configuration E: 16 convolutions.
    Vgg19,
    /// [`Variant::Vgg16`] with a batch normalisation after every convolution.
    Vgg16Bn,
    /// [`Variant::Vgg19`] with a batch normalisation after every convolution.
    Vgg19Bn,
    /// pytorch-AdaIN's encoder up to `relu4_1`, the part that is used.
    AdainEncoder,
    /// pytorch-AdaIN's encoder up to `relu5_4`, as in `vgg_normalised.pth`.
    AdainEncoderFull,
}

/// One layer of a variant.
pub(super) struct Step {
    pub(super) name: String,
    pub(super) work: Work,
}

/// What a layer does.
#[derive(Clone, Copy)]
pub(super) enum Work {
    /// A 3x3 convolution, with its number in the file.
    Conv {
        module: usize,
        inputs: usize,
        outputs: usize,
    },
    Relu,
    Pool,
}

impl Variant {
    /// A file that fits several equally well is the first of these.
    pub(super) const ALL: [Self; 6] =
        [Self::Vgg16, Self::Vgg19, Self::Vgg16Bn, Self::Vgg19Bn, Self::AdainEncoder, Self::AdainEncoderFull];

    /// The variant of this name; of the two of AdaIN's encoder the shorter one. What different variants see of a
    /// picture has nothing in common but the names of their layers.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|variant| variant.name() == name)
    }

    /// The extractor's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vgg16 => "vgg16",
            Self::Vgg19 => "vgg19",
            Self::Vgg16Bn => "vgg16_bn",
            Self::Vgg19Bn => "vgg19_bn",
            Self::AdainEncoder | Self::AdainEncoderFull => "vgg_normalised",
        }
    }

    /// Its name in a sentence.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Vgg16 => "VGG16",
            Self::Vgg19 => "VGG19",
            Self::Vgg16Bn => "VGG16 with batch normalisation",
            Self::Vgg19Bn => "VGG19 with batch normalisation",
            Self::AdainEncoder | Self::AdainEncoderFull => "pytorch-AdaIN's encoder",
        }
    }

    pub(super) fn has_batch_norms(self) -> bool {
        matches!(self, Self::Vgg16Bn | Self::Vgg19Bn)
    }

    pub(super) fn is_adain(self) -> bool {
        matches!(self, Self::AdainEncoder | Self::AdainEncoderFull)
    }

    /// Whether pools keep what hangs over an edge, so that maps cover pictures of any size: those of AdaIN's encoder.
    pub fn covers_edges(self) -> bool {
        self.is_adain()
    }

    /// Its layers from the picture upwards. AdaIN's encoder has one more before them.
    pub(super) fn steps(self) -> Vec<Step> {
        let convolutions: &[usize] = match self {
            Self::Vgg16 | Self::Vgg16Bn => &[2, 2, 3, 3, 3],
            Self::Vgg19 | Self::Vgg19Bn | Self::AdainEncoderFull => &[2, 2, 4, 4, 4],
            Self::AdainEncoder => &[2, 2, 4, 1],
        };
        // Files number all modules: AdaIN's first one and its paddings, norms, rectifiers and pools as well.
        let before = usize::from(self.is_adain());
        let behind = 1 + usize::from(self.has_batch_norms());
        let mut module = before;
        let mut inputs = 3;
        let mut steps = Vec::new();
        for (index, (count, outputs)) in convolutions.iter().zip(CHANNELS).enumerate() {
            let block = index + 1;
            for number in 1..=*count {
                module += before;
                let conv = Work::Conv { module, inputs, outputs };
                steps.push(Step { name: format!("conv{block}_{number}"), work: conv });
                steps.push(Step { name: format!("relu{block}_{number}"), work: Work::Relu });
                module += 1 + behind;
                inputs = outputs;
            }
            // AdaIN's encoders end with a rectifier.
            if !self.is_adain() || block < convolutions.len() {
                steps.push(Step { name: format!("pool{block}"), work: Work::Pool });
                module += 1;
            }
        }
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_are_found_by_name() {
        for (name, variant) in [
            ("vgg16", Variant::Vgg16),
            ("vgg19", Variant::Vgg19),
            ("vgg16_bn", Variant::Vgg16Bn),
            ("vgg19_bn", Variant::Vgg19Bn),
            ("vgg_normalised", Variant::AdainEncoder),
        ] {
            assert_eq!(Variant::named(name), Some(variant));
            assert_eq!(variant.covers_edges(), name == "vgg_normalised");
        }
        assert_eq!(Variant::named("googlenet"), None);
    }
}
