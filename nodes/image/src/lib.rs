//! The image plugin: reading, writing and basic processing of pictures.
//!
//! An IMAGE on a wire is float32 `[B,H,W,C]`, display-referred sRGB in 0..1; a MASK is float32 `[B,H,W]` in 0..1.
//! Whatever else a file may have (other profiles, linear light, premultiplied alpha, rotated cameras) is
//! converted on entry and exit, in `files`, and the nodes between do not have to know.

mod batch;
mod batches;
mod blend;
mod colour;
mod colour_text;
mod comfyui;
mod compare;
mod files;
mod filters;
mod geometry;
mod limits;
mod masks;
mod noise_image;
mod perlin;
mod progress;
mod resample;
mod resize;
mod sizes;
mod transfer;
mod values;

use batches::{BatchJoin, BatchSelect};
use blend::Blend;
use colour::adjust::Adjust;
use colour::colour_match::ColorMatch;
use colour::gradient::Gradient;
use colour::solid_color::SolidColor;
use comfyui::{
    CropMask, EmptyImage, ImageBatch, ImageBlend, ImageBlur, ImageCrop, ImageFlip, ImageFromBatch,
    ImageInvert, ImagePadForOutpaint, ImageRotate, ImageScale, ImageScaleBy, ImageSharpen, MaskComposite,
    RepeatImageBatch, VhsLoadImagesPath,
};
use compare::Compare;
use files::{
    LoadImage, LoadImageMask, LoadImages, LoadVideo, PreviewImage, SaveAnimation, SaveImage, SaveVideo,
};
use filters::blur::Blur;
use filters::sharpen::Sharpen;
use geometry::{Crop, Flip, Grid, Pad, Rotate, Transform};
use masks::{
    Feather, FeatherMask, GrowMask, ImageColorToMask, ImageCompositeMasked, ImageToMask, Invert, InvertMask,
    JoinImageWithAlpha, MaskCombine, MaskToImage, PreviewMask, SolidMask, SplitImageWithAlpha, ThresholdMask,
};
use noise_image::NoiseImage;
use resize::Resize;
use values::{PrimitiveBoolean, PrimitiveFloat, PrimitiveInt, PrimitiveString, PrimitiveStringMultiline};

dreamwire_sdk::plugin!(
    "org.dreamwire.image",
    LoadImage,
    LoadImageMask,
    LoadImages,
    LoadVideo,
    SaveImage,
    SaveAnimation,
    SaveVideo,
    PreviewImage,
    NoiseImage,
    Resize,
    Blend,
    Crop,
    Pad,
    Flip,
    Rotate,
    Transform,
    Grid,
    Compare,
    BatchSelect,
    BatchJoin,
    ImageScale,
    ImageScaleBy,
    ImageCrop,
    ImagePadForOutpaint,
    CropMask,
    ImageFlip,
    ImageRotate,
    Feather,
    FeatherMask,
    GrowMask,
    ImageColorToMask,
    ImageCompositeMasked,
    ImageToMask,
    Invert,
    InvertMask,
    JoinImageWithAlpha,
    MaskCombine,
    MaskComposite,
    MaskToImage,
    PreviewMask,
    SolidMask,
    SplitImageWithAlpha,
    ThresholdMask,
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
    ImageBatch,
    ImageFromBatch,
    ImageInvert,
    RepeatImageBatch,
    VhsLoadImagesPath,
    PrimitiveBoolean,
    PrimitiveFloat,
    PrimitiveInt,
    PrimitiveString,
    PrimitiveStringMultiline,
);
