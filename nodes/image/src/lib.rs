//! The image plugin: pictures in, pictures out, and the plain arithmetic between.
//!
//! An IMAGE on a wire is float32 `[B,H,W,C]`, display-referred sRGB in 0..1; a MASK is float32 `[B,H,W]` in 0..1.
//! Everything that is otherwise in a file (other profiles, linear light, premultiplied alpha, rotated cameras) is
//! converted at the door: `decode` reads, `encode` writes, and no node between has to know.
//!
//! Decoders never see a file that is larger than `limits` allows or that ends too early (`whole`).

mod blend;
mod decode;
mod encode;
mod icc;
mod limits;
mod load_image;
mod load_image_mask;
mod noise_image;
mod perlin;
mod prefix;
mod preview_image;
mod resample;
mod resize;
mod save_image;
mod signature;
mod transfer;
mod whole;

use blend::Blend;
use load_image::LoadImage;
use load_image_mask::LoadImageMask;
use noise_image::NoiseImage;
use preview_image::PreviewImage;
use resize::Resize;
use save_image::SaveImage;

dreamwire_sdk::plugin!(
    "org.dreamwire.image",
    LoadImage,
    LoadImageMask,
    SaveImage,
    PreviewImage,
    NoiseImage,
    Resize,
    Blend,
);
