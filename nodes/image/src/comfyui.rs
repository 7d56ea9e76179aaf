//! Kinds with the names, inputs and defaults of ComfyUI's, so that its graphs run as they are.

mod empty_image;
mod image_blend;
mod image_blur;
mod image_sharpen;

pub(crate) use empty_image::EmptyImage;
pub(crate) use image_blend::ImageBlend;
pub(crate) use image_blur::ImageBlur;
pub(crate) use image_sharpen::ImageSharpen;
