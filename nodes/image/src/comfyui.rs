//! Kinds with the names, inputs and defaults of ComfyUI's, so that its graphs run as they are.

mod image_batch;
mod image_from_batch;
mod image_invert;
mod repeat_image_batch;

pub(crate) use image_batch::ImageBatch;
pub(crate) use image_from_batch::ImageFromBatch;
pub(crate) use image_invert::ImageInvert;
pub(crate) use repeat_image_batch::RepeatImageBatch;
