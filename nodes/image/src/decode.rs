//! Bytes of a picture file to display-referred sRGB planes, for an IMAGE and a MASK.
//!
//! Before any pixel is decoded, the format, the completeness of the file and the size in its header are
//! checked. After decoding come orientation, alpha, linear light or ICC profile, and the clamp to 0..1.

use crate::{icc, limits, signature, transfer, whole};
use dreamwire_sdk::prelude::*;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use std::io::Cursor;

/// One decoded picture.
#[derive(Debug)]
pub(crate) struct Picture {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// `height * width * 3` samples, display-referred sRGB, 0..1.
    pub(crate) rgb: Vec<f32>,
    /// `height * width` samples of `1 - alpha`; zeros if the file has no alpha.
    pub(crate) mask: Vec<f32>,
    /// Messages at level info.
    pub(crate) notes: Vec<String>,
    /// Messages at level warn.
    pub(crate) warnings: Vec<String>,
}

impl Picture {
    /// The picture file named by the param `image` of the running node. Messages go to the log.
    ///
    /// # Errors
    /// If the host cannot read it, or as [`decode`].
    pub(crate) fn load(call: &Call, name: &str) -> Result<Self> {
        let bytes = call.read(name)?;
        let picture = decode(name, &bytes).map_err(|error| error.at("image"))?;
        picture.notes.iter().for_each(|note| call.info(note));
        picture.warnings.iter().for_each(|warning| call.warn(warning));
        Ok(picture)
    }
}

/// Decodes the first frame of `bytes`, the content of the file `name`. The format is recognised by the
/// content, not the name.
///
/// # Errors
/// `input` for a file that is empty, truncated, broken or of an unsupported format; `limit` for one that is
/// too large.
pub(crate) fn decode(name: &str, bytes: &[u8]) -> Result<Picture> {
    let format = recognise(name, bytes)?;
    if !whole::is_whole(format, bytes) {
        let format = title(format);
        return Err(Error::content(format!(
            "`{name}` is a truncated {format}: the file ends after {} bytes",
            bytes.len()
        ))
        .hint("copy or download it again"));
    }
    let mut notes = Vec::new();
    let mut warnings = Vec::new();
    if let Ok(promised) = ImageFormat::from_path(name)
        && promised != format
    {
        notes.push(format!("`{name}` is a {}, despite its name", title(format)));
    }

    let refuse = |error| refuse(name, format, error);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut allowed = Limits::no_limits();
    allowed.max_alloc = Some(match format {
        // Here it limits metadata, such as a compressed profile that is a decompression bomb.
        ImageFormat::Png => limits::MAX_PNG_EXTRA_BYTES,
        _ => limits::MAX_DECODED_BYTES,
    });
    reader.limits(allowed);
    let mut decoder = reader.into_decoder().map_err(refuse)?;
    let (width, height) = decoder.dimensions();
    limits::check(&format!("`{name}`"), 1, width.into(), height.into())?;
    if width == 0 || height == 0 {
        return Err(Error::content(format!("`{name}` is a {} of {width}x{height} pixels", title(format))));
    }
    if decoder.total_bytes() > limits::MAX_DECODED_BYTES {
        return Err(too_much_memory(name, format));
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let profile = decoder.icc_profile().unwrap_or_default();
    let mut picture = DynamicImage::from_decoder(decoder).map_err(refuse)?;
    picture.apply_orientation(orientation);

    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let is_float = matches!(picture, DynamicImage::ImageRgb32F(_) | DynamicImage::ImageRgba32F(_));
    let Planes { mut rgb, mut mask } = planes(&picture).ok_or_else(|| {
        Error::content(format!("`{name}` has an unsupported pixel format: {:?}", picture.color()))
    })?;
    drop(picture);

    if format == ImageFormat::OpenExr {
        unpremultiply(&mut rgb, &mask);
    }
    if is_float {
        let outside = clamp(&mut rgb) + clamp(&mut mask);
        if outside > 0 {
            warnings
                .push(format!("`{name}` has {outside} samples outside 0..1 (or NaN), which were clamped"));
        }
    }
    if format == ImageFormat::OpenExr {
        rgb.iter_mut().for_each(|v| *v = transfer::from_linear(*v));
    } else if let Some(profile) = profile {
        match icc::to_srgb(&profile, &mut rgb) {
            Ok(true) => notes.push(format!("`{name}`: colours converted from its ICC profile to sRGB")),
            Ok(false) => {}
            Err(why) => {
                warnings.push(format!("`{name}`: its ICC profile is ignored, colours may be off: {why}"))
            }
        }
    }
    Ok(Picture { width, height, rgb, mask, notes, warnings })
}

/// The format by content, if it is supported.
fn recognise(name: &str, bytes: &[u8]) -> Result<ImageFormat> {
    if bytes.is_empty() {
        return Err(Error::content(format!("`{name}` is empty (0 bytes)")));
    }
    match image::guess_format(bytes) {
        Ok(ImageFormat::Tiff) if signature::is_raw_in_tiff(name, bytes) => Err(Error::content(format!(
            "`{name}` is a camera raw file; supported formats are {}",
            signature::READABLE
        ))),
        Ok(
            format @ (ImageFormat::Png
            | ImageFormat::Jpeg
            | ImageFormat::WebP
            | ImageFormat::Tiff
            | ImageFormat::Gif
            | ImageFormat::Bmp
            | ImageFormat::Qoi
            | ImageFormat::OpenExr),
        ) => Ok(format),
        _ => {
            let what = signature::looks_like(bytes).unwrap_or("not a recognised picture");
            Err(Error::content(format!("`{name}` is {what}; supported formats are {}", signature::READABLE)))
        }
    }
}

fn title(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Png => "PNG",
        ImageFormat::Jpeg => "JPEG",
        ImageFormat::WebP => "WebP",
        ImageFormat::Tiff => "TIFF",
        ImageFormat::Gif => "GIF",
        ImageFormat::Bmp => "BMP",
        ImageFormat::Qoi => "QOI",
        _ => "OpenEXR",
    }
}

/// The decoder's error, with the file and the format in front.
fn refuse(name: &str, format: ImageFormat, error: ImageError) -> Error {
    match error {
        ImageError::Limits(_) if format == ImageFormat::Png => Error::limit(format!(
            "the metadata of the PNG `{name}` needs more memory than the limit of {} MiB",
            limits::MAX_PNG_EXTRA_BYTES >> 20
        )),
        ImageError::Limits(_) => too_much_memory(name, format),
        error => Error::content(format!("`{name}` cannot be read as {}: {error}", title(format))),
    }
}

fn too_much_memory(name: &str, format: ImageFormat) -> Error {
    let gibibytes = limits::MAX_DECODED_BYTES >> 30;
    Error::limit(format!(
        "decoding the {} `{name}` needs more memory than the limit of {gibibytes} GiB",
        title(format)
    ))
}

struct Planes {
    rgb: Vec<f32>,
    mask: Vec<f32>,
}

/// Samples of any depth to f32: integers over their full range to 0..1, floats unchanged.
fn planes(picture: &DynamicImage) -> Option<Planes> {
    let byte = |v: u8| f32::from(v) / 255.0;
    let word = |v: u16| f32::from(v) / 65535.0;
    let float = |v: f32| v;
    Some(match picture {
        DynamicImage::ImageLuma8(p) => split::<_, 1>(p.as_raw(), byte),
        DynamicImage::ImageLumaA8(p) => split::<_, 2>(p.as_raw(), byte),
        DynamicImage::ImageRgb8(p) => split::<_, 3>(p.as_raw(), byte),
        DynamicImage::ImageRgba8(p) => split::<_, 4>(p.as_raw(), byte),
        DynamicImage::ImageLuma16(p) => split::<_, 1>(p.as_raw(), word),
        DynamicImage::ImageLumaA16(p) => split::<_, 2>(p.as_raw(), word),
        DynamicImage::ImageRgb16(p) => split::<_, 3>(p.as_raw(), word),
        DynamicImage::ImageRgba16(p) => split::<_, 4>(p.as_raw(), word),
        DynamicImage::ImageRgb32F(p) => split::<_, 3>(p.as_raw(), float),
        DynamicImage::ImageRgba32F(p) => split::<_, 4>(p.as_raw(), float),
        _ => return None,
    })
}

/// Pixels of `C` interleaved samples (grey, grey + alpha, RGB, RGB + alpha) to RGB and `1 - alpha`.
fn split<T: Copy, const C: usize>(samples: &[T], value: impl Fn(T) -> f32) -> Planes {
    let pixels = samples.len() / C;
    let mut rgb = Vec::with_capacity(pixels * 3);
    let mut mask = vec![0.0; pixels];
    for (pixel, masked) in samples.chunks_exact(C).zip(&mut mask) {
        if C < 3 {
            rgb.extend([value(pixel[0]); 3]);
        } else {
            rgb.extend(pixel[..3].iter().map(|&v| value(v)));
        }
        if C.is_multiple_of(2) {
            *masked = 1.0 - value(pixel[C - 1]);
        }
    }
    Planes { rgb, mask }
}

/// EXR stores premultiplied alpha; an IMAGE holds straight colour.
fn unpremultiply(rgb: &mut [f32], mask: &[f32]) {
    for (pixel, masked) in rgb.chunks_exact_mut(3).zip(mask) {
        let alpha = 1.0 - masked;
        if alpha > 0.0 && alpha < 1.0 {
            pixel.iter_mut().for_each(|v| *v /= alpha);
        }
    }
}

/// Clamps to 0..1, NaN to 0, and returns how many samples that changed.
fn clamp(samples: &mut [f32]) -> usize {
    let mut outside = 0;
    for v in samples {
        if !(0.0f32..=1.0).contains(&*v) {
            outside += 1;
            *v = if v.is_nan() { 0.0 } else { v.clamp(0.0, 1.0) };
        }
    }
    outside
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
