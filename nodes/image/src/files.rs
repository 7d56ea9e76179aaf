//! Pictures in files: `decode` reads, `encode` writes, and kinds connect them to a graph, one picture or many; `video` does the same by ffmpeg.
//!
//! Decoders never see a file that exceeds the limits or is truncated (`whole`).

pub(crate) mod decode;
#[cfg(test)]
mod document;
pub(crate) mod encode;
mod icc;
mod load_image;
mod load_image_mask;
pub(crate) mod load_images;
mod preview_image;
mod save_animation;
mod save_image;
mod signature;
mod video;
mod whole;

pub(crate) use load_image::LoadImage;
pub(crate) use load_image_mask::LoadImageMask;
pub(crate) use load_images::LoadImages;
pub(crate) use preview_image::PreviewImage;
pub(crate) use save_animation::SaveAnimation;
pub(crate) use save_image::SaveImage;
pub(crate) use video::{LoadVideo, SaveVideo};
