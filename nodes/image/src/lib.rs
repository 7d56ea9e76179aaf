//! The image plugin: pictures in, pictures out, and the plain arithmetic between.
//!
//! An IMAGE on a wire is float32 `[B,H,W,C]`, display-referred sRGB in 0..1; a MASK is float32 `[B,H,W]` in 0..1.
//! Everything that is otherwise in a file (other profiles, linear light, premultiplied alpha, rotated cameras) is
//! converted at the door: `decode` reads, `encode` writes, and no node between has to know.
//!
//! Decoders never see a file that is larger than `limits` allows or that ends too early (`whole`).

mod decode;
mod encode;
mod foreign;
mod icc;
mod limits;
mod load_image;
mod noise_image;
mod perlin;
mod preview_image;
mod random;
mod resize;
mod save_image;
mod transfer;
mod whole;

use load_image::LoadImage;
use noise_image::NoiseImage;
use preview_image::PreviewImage;
use resize::Resize;
use save_image::SaveImage;

dreamwire_sdk::plugin!("org.dreamwire.image", LoadImage, SaveImage, PreviewImage, NoiseImage, Resize);
