//! Kinds with the names, inputs and defaults of ComfyUI's, so that its graphs run as they are.

mod crop_mask;
mod image_crop;
mod image_flip;
mod image_pad_for_outpaint;
mod image_rotate;
mod image_scale;
mod image_scale_by;
mod upscale;

pub(crate) use crop_mask::CropMask;
pub(crate) use image_crop::ImageCrop;
pub(crate) use image_flip::ImageFlip;
pub(crate) use image_pad_for_outpaint::ImagePadForOutpaint;
pub(crate) use image_rotate::ImageRotate;
pub(crate) use image_scale::ImageScale;
pub(crate) use image_scale_by::ImageScaleBy;
//! Kinds with ComfyUI's names and inputs, so that its graphs run unmodified, where ours of that purpose is another.

mod mask_composite;

pub(crate) use mask_composite::MaskComposite;
mod empty_image;
mod image_blend;
mod image_blur;
mod image_sharpen;

pub(crate) use empty_image::EmptyImage;
pub(crate) use image_blend::ImageBlend;
pub(crate) use image_blur::ImageBlur;
pub(crate) use image_sharpen::ImageSharpen;
mod image_batch;
mod image_from_batch;
mod image_invert;
mod repeat_image_batch;

pub(crate) use image_batch::ImageBatch;
pub(crate) use image_from_batch::ImageFromBatch;
pub(crate) use image_invert::ImageInvert;
pub(crate) use repeat_image_batch::RepeatImageBatch;
