//! Masks: made, changed, combined, and turned into pictures and back.
//!
//! In every mask 1 is what is selected. Where a mask comes from an alpha channel, or becomes one, it is `1 - alpha`, as
//! in ComfyUI: what is transparent is selected.

mod channels;
mod feather;
mod feather_mask;
#[cfg(test)]
pub(crate) mod fixtures;
mod grow_mask;
mod image_color_to_mask;
mod image_composite_masked;
mod image_to_mask;
mod invert;
mod invert_mask;
mod join_image_with_alpha;
mod mask_combine;
mod mask_to_image;
mod morphology;
mod operation;
mod placement;
mod preview_mask;
mod solid_mask;
mod split_image_with_alpha;
mod threshold_mask;

pub(crate) use channels::with_channels;
pub(crate) use feather::Feather;
pub(crate) use feather_mask::FeatherMask;
pub(crate) use grow_mask::GrowMask;
pub(crate) use image_color_to_mask::ImageColorToMask;
pub(crate) use image_composite_masked::ImageCompositeMasked;
pub(crate) use image_to_mask::ImageToMask;
pub(crate) use invert::Invert;
pub(crate) use invert_mask::InvertMask;
pub(crate) use join_image_with_alpha::JoinImageWithAlpha;
pub(crate) use mask_combine::MaskCombine;
pub(crate) use mask_to_image::MaskToImage;
pub(crate) use operation::Operation;
pub(crate) use placement::Placement;
pub(crate) use preview_mask::PreviewMask;
pub(crate) use solid_mask::SolidMask;
pub(crate) use split_image_with_alpha::SplitImageWithAlpha;
pub(crate) use threshold_mask::ThresholdMask;
