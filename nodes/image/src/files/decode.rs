//! Bytes of a picture file to display-referred sRGB planes, for an IMAGE and a MASK.
//!
//! Before any pixel is decoded, the format, the completeness of the file and the size in its header are
//! checked. After decoding come orientation, alpha, linear light or ICC profile, and the clamp to 0..1.

mod exr;
mod plausible;
mod raster;
mod tiff;
mod watched;
mod wrapped;

use crate::progress::{Report, strips};
use crate::{files::icc, files::signature, files::whole, limits, transfer};
use dreamwire_sdk::prelude::*;
use image::{ImageError, ImageFormat};
use raster::{Planes, Raster};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use whole::jpeg::Extent;

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

/// What the samples of a file mean, apart from alpha.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Space {
    Grey,
    Rgb,
    Cmyk,
}

impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Space::Grey => "grey",
            Space::Rgb => "RGB",
            Space::Cmyk => "CMYK",
        })
    }
}

impl Picture {
    /// The picture file `name`, which `param` of the running node names, and of an OpenEXR the `layer`, the param
    /// of that name. Messages go to the log. What the beginning of a file rules out is not read.
    ///
    /// # Errors
    /// If the host cannot read it, or as [`decode`].
    pub(crate) fn load(call: &Call, param: &str, name: &str, layer: &str) -> Result<Self> {
        if let Some((head, length)) = call.head(name, plausible::HEAD_BYTES)?
            && (head.len() as u64) < length
        {
            plausible::check(name, &head, length).map_err(|error| error.at(param))?;
        }
        let bytes = call.read(name)?;
        let report = |done, total, note: &str| call.progress(done, total, note);
        let picture = decode_watched(name, &bytes, layer, &report).map_err(|error| error.at(param))?;
        picture.notes.iter().for_each(|note| call.info(note));
        picture.warnings.iter().for_each(|warning| call.warn(warning));
        Ok(picture)
    }
}

/// Decodes without progress.
#[cfg(test)]
pub(crate) fn decode(name: &str, bytes: &[u8], layer: &str) -> Result<Picture> {
    decode_watched(name, bytes, layer, &crate::progress::unwatched)
}

/// Decodes the first frame of `bytes`, the content of the file `name`. The format is recognised by the
/// content, not the name. `layer` names a layer of an OpenEXR; empty, it is chosen.
///
/// # Errors
/// `input` for a file that is empty, truncated, broken or of an unsupported format, or without that layer;
/// `limit` for one that is too large, for itself or for the memory there is; `cancelled`.
pub(crate) fn decode_watched(name: &str, bytes: &[u8], layer: &str, report: Report<'_>) -> Result<Picture> {
    let format = recognise(name, bytes)?;
    let mut warnings = Vec::new();
    let read = |bytes: &[u8]| match format {
        _ if !layer.is_empty() && format != ImageFormat::OpenExr => {
            let message = format!("`{name}` is a {}, which has no layers", title(format));
            Err(Error::content(message).hint("leave `layer` empty"))
        }
        ImageFormat::Tiff => tiff::read(name, bytes, report),
        ImageFormat::OpenExr => exr::read(name, bytes, layer, report),
        _ => wrapped::read(name, format, bytes, report),
    };
    // Counting the blocks of a JPEG takes about as long as decoding them, which is for nothing if one is missing.
    let (mended, early) = if format == ImageFormat::Jpeg && plausible::is_dense(bytes) {
        rayon::join(|| mend(name, format, bytes, &mut warnings), || Some(read(bytes)))
    } else {
        (mend(name, format, bytes, &mut warnings), None)
    };
    let raster = match (mended?, early) {
        (Some(mended), early) => {
            drop(early);
            read(&mended)
        }
        (None, Some(raster)) => raster,
        (None, None) => read(bytes),
    };
    let mut raster = raster.map_err(|error| match error.status() {
        // A decoder that was stopped says that its file is broken.
        dreamwire_sdk::abi::E_INPUT => report(0, 0, "").err().unwrap_or(error),
        _ => error,
    })?;
    if let Ok(promised) = ImageFormat::from_path(name)
        && promised != format
    {
        raster.notes.push(format!("`{name}` is a {}, despite its name", title(format)));
    }
    raster.turn();
    raster.warnings.extend(warnings);
    displayed(name, raster, report)
}

/// Refuses a truncated file. A JPEG that lacks only its end marker is returned with one.
fn mend(
    name: &str,
    format: ImageFormat,
    bytes: &[u8],
    warnings: &mut Vec<String>,
) -> Result<Option<Vec<u8>>> {
    if format == ImageFormat::Jpeg {
        match whole::jpeg::extent(bytes) {
            Extent::Complete => return Ok(None),
            Extent::NoEnd(end) => {
                warnings.push(format!("`{name}` has all pixels, but not the end marker of a JPEG"));
                return Ok(Some([&bytes[..end], b"\xFF\xD9"].concat()));
            }
            Extent::Damaged => {
                return Err(Error::content(format!("`{name}` is a damaged JPEG: its data make no sense"))
                    .hint("copy or download it again"));
            }
            Extent::Truncated => {}
        }
    } else if whole::is_whole(format, bytes) {
        return Ok(None);
    }
    let title = title(format);
    let length = bytes.len();
    Err(Error::content(match format {
        // The end marker may be there, with too little before it.
        ImageFormat::Jpeg | ImageFormat::Bmp | ImageFormat::Qoi => {
            format!("`{name}` is a truncated {title}: {length} bytes do not hold all its pixels")
        }
        _ => format!("`{name}` is a truncated {title}: the file ends after {length} bytes"),
    })
    .hint("copy or download it again"))
}

/// To the range 0..1 and to sRGB.
fn displayed(name: &str, raster: Raster, report: Report<'_>) -> Result<Picture> {
    let Raster { width, height, planes, space, profile, open, linear, .. } = raster;
    let (mut notes, mut warnings) = (raster.notes, raster.warnings);
    let Planes { mut rgb, mut mask } = planes;
    if open {
        let outside = AtomicUsize::new(0);
        let count = |strip: &mut [f32]| {
            outside.fetch_add(raster::clamp(strip), Ordering::Relaxed);
            Ok(())
        };
        strips(&mut rgb, 3, report, "checking colours", count)?;
        strips(&mut mask, 1, report, "checking alpha", count)?;
        let outside = outside.into_inner();
        if outside > 0 {
            warnings
                .push(format!("`{name}` has {outside} samples outside 0..1 (or NaN), which were clamped"));
        }
    }
    if linear {
        strips(&mut rgb, 3, report, "converting colours", |strip| {
            strip.iter_mut().for_each(|v| *v = transfer::from_linear(*v));
            Ok(())
        })?;
    } else if let Some(profile) = &profile {
        match icc::to_srgb(profile, space) {
            Ok(Some(profile)) => {
                strips(&mut rgb, 3, report, "converting colours", |strip| {
                    profile.convert(strip).map_err(|why| {
                        Error::failed(format!("`{name}` cannot be converted by its ICC profile: {why}"))
                    })
                })?;
                notes.push(format!("`{name}`: colours converted from its ICC profile to sRGB"));
            }
            Ok(None) => {}
            Err(why) => {
                warnings.push(format!("`{name}`: its ICC profile is ignored, colours may be off: {why}"))
            }
        }
    } else if space == Space::Cmyk {
        warnings.push(format!("`{name}` is CMYK without a profile: colours may be off"));
    }
    Ok(Picture { width, height, rgb, mask, notes, warnings })
}

/// Refuses a picture that is too large or has no pixels.
fn check_size(name: &str, format: ImageFormat, width: u32, height: u32) -> Result<()> {
    if width == 0 || height == 0 {
        return Err(Error::content(format!("`{name}` is a {} of {width}x{height} pixels", title(format))));
    }
    limits::check(&format!("`{name}`"), 1, width.into(), height.into())
}

/// Refuses a picture that would not fit into memory: `decoded` bytes of the decoder, and 4 samples of f32 a pixel;
/// turned afterwards, twice as many.
fn check_memory(name: &str, format: ImageFormat, size: (u32, u32), decoded: u64, twice: bool) -> Result<()> {
    let (width, height) = size;
    let planes = u64::from(width) * u64::from(height) * 16;
    let needed = decoded.saturating_add(planes.saturating_mul(1 + u64::from(twice)));
    limits::check_memory(&format!("decoding the {} `{name}` of {width}x{height}", title(format)), needed)
}

/// The format by content, if it is supported.
fn recognise(name: &str, bytes: &[u8]) -> Result<ImageFormat> {
    if bytes.is_empty() {
        return Err(Error::content(format!("`{name}` is empty (0 bytes)")));
    }
    // The image crate does not know the signature of a BigTIFF.
    let format =
        if signature::is_big_tiff(bytes) { Ok(ImageFormat::Tiff) } else { image::guess_format(bytes) };
    match format {
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
            limits::MAX_EXTRA_BYTES >> 20
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

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
