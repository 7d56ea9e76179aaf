//! The image plugin: reading, writing and basic processing of pictures.
//!
//! An IMAGE on a wire is float32 `[B,H,W,C]`, display-referred sRGB in 0..1; a MASK is float32 `[B,H,W]` in 0..1.
//! Whatever else a file may have (other profiles, linear light, premultiplied alpha, rotated cameras) is
//! converted on entry and exit: `decode` reads, `encode` writes, and the nodes between do not have to know.
//!
//! Decoders never see a file that exceeds `limits` or is truncated (`whole`).

mod batch;
mod blend;
mod colour;
mod colour_text;
mod comfyui;
mod decode;
mod encode;
mod filters;
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
use colour::adjust::Adjust;
use colour::colour_match::ColorMatch;
use colour::gradient::Gradient;
use colour::solid_color::SolidColor;
use comfyui::{EmptyImage, ImageBlend, ImageBlur, ImageSharpen};
use filters::blur::Blur;
use filters::sharpen::Sharpen;
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
    SolidColor,
    Gradient,
    ColorMatch,
    Adjust,
    Blur,
    Sharpen,
    EmptyImage,
    ImageBlend,
    ImageBlur,
    ImageSharpen,
);
