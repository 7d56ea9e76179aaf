//! Kinds with the names, inputs and defaults of ComfyUI's, so that its graphs run as they are, where ours of
//! that purpose is another.

mod crop_mask;
mod empty_image;
mod image_batch;
mod image_blend;
mod image_blur;
mod image_crop;
mod image_flip;
mod image_from_batch;
mod image_invert;
mod image_pad_for_outpaint;
mod image_rotate;
mod image_scale;
mod image_scale_by;
mod image_sharpen;
mod mask_composite;
mod repeat_image_batch;
mod upscale;
mod vhs_load_images_path;

pub(crate) use crop_mask::CropMask;
pub(crate) use empty_image::EmptyImage;
pub(crate) use image_batch::ImageBatch;
pub(crate) use image_blend::ImageBlend;
pub(crate) use image_blur::ImageBlur;
pub(crate) use image_crop::ImageCrop;
pub(crate) use image_flip::ImageFlip;
pub(crate) use image_from_batch::ImageFromBatch;
pub(crate) use image_invert::ImageInvert;
pub(crate) use image_pad_for_outpaint::ImagePadForOutpaint;
pub(crate) use image_rotate::ImageRotate;
pub(crate) use image_scale::ImageScale;
pub(crate) use image_scale_by::ImageScaleBy;
pub(crate) use image_sharpen::ImageSharpen;
pub(crate) use mask_composite::MaskComposite;
pub(crate) use repeat_image_batch::RepeatImageBatch;
pub(crate) use vhs_load_images_path::VhsLoadImagesPath;
