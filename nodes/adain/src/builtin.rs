/// The name of the built-in decoder.
pub(crate) const NAME: &str = "builtin";

/// Dreamwire's own decoder for the built-in VGG16 at `relu3_1`: 5,573 steps of 4 pictures of 128 pixels.
pub(crate) static DECODER: &[u8] = include_bytes!("../weights/adain_decoder_vgg16_relu3_1_f16.safetensors");
