/// The name of the default decoder.
pub(crate) const NAME: &str = "builtin";
/// The name of the decoder of a deeper layer.
pub(crate) const DEEP_NAME: &str = "relu4_1";

/// Dreamwire's own decoder for the built-in VGG16 at `relu3_1`: 5,573 steps of 4 pictures of 128 pixels.
pub(crate) static DECODER: &[u8] = include_bytes!("../weights/adain_decoder_vgg16_relu3_1_f16.safetensors");

/// Dreamwire's own decoder for the built-in VGG16 at `relu4_1`; `weights/README.md` has its recipe.
pub(crate) static DEEP_DECODER: &[u8] =
    include_bytes!("../weights/adain_decoder_vgg16_relu4_1_f16.safetensors");
