/// The name of the built-in network.
pub(crate) const NAME: &str = "avatars64";

/// Side of its pictures, in pixels.
pub(crate) const SIDE: usize = 64;

/// Dreamwire's own StyleGAN2 of cartoon faces, 64 px, z and w of 128 numbers, without noise: trained on avatars in the
/// style "Lorelei" by Lisa Wischofsky (CC0 1.0). A safetensors file in float16; `weights/README.md` has its recipe.
pub(crate) static NETWORK: &[u8] = include_bytes!("../weights/avatars64_f16.safetensors");
