//! Pictures in files: `decode` reads, `encode` writes, and four kinds connect them to a graph.
//!
//! Decoders never see a file that exceeds the limits or is truncated (`whole`).

pub(crate) mod decode;
#[cfg(test)]
mod document;
pub(crate) mod encode;
mod icc;
mod load_image;
mod load_image_mask;
mod preview_image;
mod save_image;
mod signature;
mod whole;

pub(crate) use load_image::LoadImage;
pub(crate) use load_image_mask::LoadImageMask;
pub(crate) use preview_image::PreviewImage;
pub(crate) use save_image::SaveImage;
